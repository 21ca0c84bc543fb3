"""A compiled selection: what a query asks for, level by level, each field for all objects of its level at once.

A plan answers exactly as graphql-core does, or it raises: for whatever it does not cover, and for whatever goes wrong.
The document is then run again by graphql-core, which can be done because queries change nothing.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)
from strawberry.types.base import get_object_definition

from emsp.graphql.execution import fields, leaves
from emsp.graphql.execution.collect import Collector, NotCovered
from emsp.graphql.execution.kept import Kept, Rows
from emsp.graphql.execution.leaves import Column
from emsp.graphql.execution.run import Run
from emsp.graphql.execution.selection import Asked, Selection
from emsp.graphql.execution.sheets import Lists, NotWritten, Sheet, Texts, shared_out
from emsp.graphql.execution.waiting import results

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


class Compiler:
    """Compiles the selections of one document, for one choice of what @skip and @include decide."""

    def __init__(self, schema: Any, collector: Collector) -> None:
        self.schema, self.types, self._collector = schema, schema._schema, collector

    def selection(self, kind: GraphQLObjectType, selections: Sequence[SelectionSetNode]) -> Selection:
        """What is asked for on objects of one type."""
        asked = self._collector.fields(kind, selections)
        return Selection(list(asked), [self._field(kind, nodes) for nodes in asked.values()], kind)

    def _field(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Asked:
        name = nodes[0].name.value
        if name == "__typename":
            return Asked(fields.Constant(kind.name), None, None, True, name)
        if name.startswith("__"):
            raise NotCovered("introspection")
        definition = kind.fields[name]
        source = fields.source(self.schema, definition, nodes[0])
        named, is_kept = get_named_type(definition.type), fields.is_kept(definition)
        python_name = definition.extensions["strawberry-definition"].python_name
        if is_leaf_type(named):
            return Asked(source, leaves.writer(definition.type), None, is_kept, python_name)
        objects = self._objects(definition.type, named, nodes)
        return Asked(source, None, objects, is_kept and objects.is_kept, python_name)

    def _objects(self, kind: GraphQLOutputType, named: GraphQLNamedType, nodes: list[FieldNode]) -> Objects:
        selections = [node.selection_set for node in nodes if node.selection_set]
        assert isinstance(named, Composite)
        return Objects(kind, Kinds(self, named, selections))


class Kinds:
    """What is asked for on objects that may be of several types; compiled for each as it is met."""

    def __init__(self, compiler: Compiler, kind: Composite, selections: Sequence[SelectionSetNode]) -> None:
        self._compiler, self._kind, self._asked = compiler, kind, selections
        self._known: dict[type, Selection] = {}
        self._only = compiler.selection(kind, selections) if isinstance(kind, GraphQLObjectType) else None
        self.is_kept = self._only is not None and self._only.is_kept

    def answers(self, objects: Column, run: Run) -> Coroutine[Any, Any, Column]:
        """An answer for each object."""
        return self._only.answers(objects, run) if self._only else self._sorted_out(objects, run)

    async def array(self, rows: Rows[Any], run: Run, kept: Kept) -> orjson.Fragment:
        """The answers for rows, as one piece of JSON; all that is asked for is kept."""
        assert self._only is not None
        return orjson.Fragment(b"[%b]" % b",".join(await self._only.texts(rows, run, kept)))

    def written(self, sheet: Sheet) -> Texts:
        """The answers for the rows of a sheet. Raises NotWritten."""
        if self._only is None:
            raise NotWritten("rows of several types")
        return self._only.written(sheet)

    async def _sorted_out(self, objects: Column, run: Run) -> Column:
        places: dict[type, list[int]] = {}
        for place, one in enumerate(objects):
            places.setdefault(type(one), []).append(place)
        answers: Column = [None] * len(objects)
        started = run.tasks.start(
            self._of(kind).answers([objects[place] for place in there], run) for kind, there in places.items()
        )
        for there, done in zip(places.values(), await results(started), strict=True):
            for place, answer in zip(there, done, strict=True):
                answers[place] = answer
        return answers

    def _of(self, kind: type) -> Selection:
        if kind not in self._known:
            self._known[kind] = self._compiler.selection(self._named(kind), self._asked)
        return self._known[kind]

    def _named(self, kind: type) -> GraphQLObjectType:
        definition = get_object_definition(kind)
        if definition is None or definition.origin is not kind or definition.is_interface:
            raise NotCovered(f"{kind} is no type of the schema")
        types = self._compiler.types
        found = types.get_type(self._compiler.schema.config.name_converter.from_type(definition))
        if not isinstance(found, GraphQLObjectType) or not types.is_sub_type(self._kind, found):
            raise NotCovered(f"{kind} is not a {self._kind}")
        return found


class Objects:
    """Answers values that are objects, or lists of them."""

    def __init__(self, kind: GraphQLOutputType, kinds: Kinds) -> None:
        self._kinds, self.is_kept = kinds, kinds.is_kept
        self._inner: Objects | None = None
        self._required = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(inner, GraphQLList):
            self._inner = Objects(inner.of_type, kinds)

    async def answers(self, values: Column, run: Run) -> Column:
        """An answer for each value. Raises NotCovered for a null that must not be."""
        if self._required:
            leaves.present(values)
        if self._inner:
            return await self._lists(self._inner, values, run)
        if self._required:
            return await self._kinds.answers(values, run)
        there = iter(await self._kinds.answers([value for value in values if value is not None], run))
        return [None if value is None else next(there) for value in values]

    def written(self, found: Texts | Sheet | Lists) -> Texts:
        """As `answers`, of what a sheet has. Raises NotWritten."""
        if isinstance(found, Lists):
            return shared_out(self._kinds.written(found.sheet), found.sizes)
        assert not isinstance(found, list)
        return self._kinds.written(found)

    async def _lists(self, inner: Objects, values: Column, run: Run) -> Column:
        if run.kept and self.is_kept and set(map(type, values)) == {Rows}:
            return [await self._kinds.array(rows, run, run.kept) for rows in values]
        lists = [list(value) if type(value) is Rows else value for value in values]
        return leaves.folded(await inner.answers(leaves.flat(lists), run), lists)
