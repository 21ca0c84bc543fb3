"""A compiled selection: what a query asks for, level by level, each field for all objects of its level at once.

A plan answers exactly as graphql-core does, or it raises: for whatever it does not cover, and for whatever goes wrong.
The document is then run again by graphql-core, which can be done because queries change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import count, repeat
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
from emsp.graphql.execution.kept import Kept, Rows, as_json
from emsp.graphql.execution.leaves import Column
from emsp.graphql.execution.waiting import Tasks, results

NUMBERS = count(1)  # of selections: what is kept for one is never taken for another
Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


@dataclass(frozen=True)
class Here:
    """What resolvers know of where they run: who asks, and what is loaded for them.

    Of `strawberry.Info` this is all that our resolvers use; one that asks for more is run by graphql-core.
    """

    context: Any


@dataclass
class Run:
    """One run of a plan."""

    context: Any
    variables: Any
    kept: Kept | None = None  # given where the answer is to be JSON
    info: Here = field(init=False)
    tasks: Tasks = field(default_factory=Tasks)

    def __post_init__(self) -> None:
        self.info = Here(self.context)


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
            return Asked(fields.Constant(kind.name), None, None, is_kept=True)
        if name.startswith("__"):
            raise NotCovered("introspection")
        definition = kind.fields[name]
        source = fields.source(self.schema, definition, nodes[0])
        named, is_kept = get_named_type(definition.type), fields.is_kept(definition)
        if is_leaf_type(named):
            return Asked(source, leaves.writer(definition.type), None, is_kept)
        objects = self._objects(definition.type, named, nodes)
        return Asked(source, None, objects, is_kept and objects.is_kept)

    def _objects(self, kind: GraphQLOutputType, named: GraphQLNamedType, nodes: list[FieldNode]) -> Objects:
        selections = [node.selection_set for node in nodes if node.selection_set]
        assert isinstance(named, Composite)
        return Objects(kind, Kinds(self, named, selections))


@dataclass(frozen=True)
class Asked:
    """A field that is asked for: where its values come from, and how they are answered."""

    source: fields.Source
    write: leaves.Writer | None
    objects: Objects | None
    is_kept: bool

    @property
    def waits(self) -> bool:
        """Whether its answers may have to be waited for."""
        return self.source.waits or self.objects is not None

    def column(self, parents: Column, run: Run) -> Column:
        """The field's answers for all objects of a level, where they need not be waited for."""
        values = self.source.values(parents, run)
        return self.write(values) if self.write else values

    async def awaited(self, parents: Column, run: Run) -> Column:
        """As `column`, for any field."""
        values = await self.source.awaited(parents, run) if self.source.waits else self.source.values(parents, run)
        if self.write:
            return self.write(values)
        return await self.objects.answers(values, run) if self.objects else values


class Selection:
    """What is asked for on objects of one type."""

    def __init__(self, keys: list[str], asked: list[Asked], kind: GraphQLObjectType) -> None:
        self._asked, self._record, self._kind = asked, _record(keys), kind
        self._kept = [one for one in asked if one.is_kept]
        self._live = [one for one in asked if not one.is_kept]
        self._order = [(self._kept + self._live).index(one) for one in asked]
        self._origin = kind.extensions["strawberry-definition"].origin
        self._has_rows = fields.has_rows(kind) and any(one.objects for one in self._kept)
        self.is_kept, self._number = not self._live, next(NUMBERS)

    async def answers(self, objects: Column, run: Run) -> Column:
        """An answer for each object. Raises NotCovered for an object that is of another type."""
        self._check(objects)
        if not objects or not self._asked:
            return [{} for _ in objects]
        versions = self._versions(objects) if run.kept else None
        if run.kept is None or versions is None:
            return self._record(*await self._columns(self._asked, objects, run))
        rows = Rows([one.row.id for one in objects], versions, lambda places: [objects[place] for place in places])
        if self.is_kept:
            return list(map(orjson.Fragment, await self.texts(rows, run, run.kept)))
        return await self._answers_kept(rows, run, run.kept)

    async def texts(self, rows: Rows[Any], run: Run, kept: Kept) -> list[bytes]:
        """An answer for each row, as JSON; all that is asked for is kept."""
        found: list[Any] = kept.get(self._number, rows.ids, rows.versions)
        missing = [place for place, text in enumerate(found) if text is None]
        if missing:
            objects = rows.made(missing)
            self._check(objects)
            answers = self._record(*await self._columns(self._asked, objects, run)) if self._asked else repeat({})
            for place, answer in zip(missing, answers, strict=False):
                found[place] = text = orjson.dumps(answer)
                kept.put((self._number, rows.ids[place]), rows.versions[place], text, len(text))
        return found

    def _versions(self, objects: Column) -> list[int] | None:
        """The versions of the rows, where all have one."""
        found = [getattr(one.row, "version", None) for one in objects] if self._has_rows else [None]
        versions = [version for version in found if version is not None]
        return versions if len(versions) == len(objects) else None

    async def _answers_kept(self, rows: Rows[Any], run: Run, kept: Kept) -> Column:
        """As `answers`, with what is said of the same version of a row taken from what is kept."""
        objects = list(rows)
        live = run.tasks.start([self._columns(self._live, objects, run)])
        found = kept.get(self._number, rows.ids, rows.versions)
        missing = [place for place, values in enumerate(found) if values is None]
        if missing:
            columns = await self._columns(self._kept, [objects[place] for place in missing], run)
            for place, values in zip(missing, zip(*columns, strict=True), strict=True):
                found[place], size = as_json(values)
                kept.put((self._number, rows.ids[place]), rows.versions[place], found[place], size)
        answers: list[Any] = [*zip(*found, strict=True), *(await results(live))[0]]
        return self._record(*(answers[place] for place in self._order))

    async def _columns(self, asked: list[Asked], objects: Column, run: Run) -> list[Column]:
        waiting = [one for one in asked if one.waits]
        if len(waiting) == 1:
            found = [await waiting[0].awaited(objects, run)]
        else:
            found = await results(run.tasks.start(one.awaited(objects, run) for one in waiting)) if waiting else []
        done = iter(found)
        return [next(done) if one.waits else one.column(objects, run) for one in asked]

    def _check(self, objects: Column) -> None:
        is_of = self._kind.is_type_of
        if is_of and not set(map(type, objects)) <= {self._origin}:
            raise NotCovered(f"not a {self._kind}")


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
        return orjson.Fragment(b"[" + b",".join(await self._only.texts(rows, run, kept)) + b"]")

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

    async def _lists(self, inner: Objects, values: Column, run: Run) -> Column:
        if run.kept and self.is_kept and set(map(type, values)) == {Rows}:
            return [await self._kinds.array(rows, run, run.kept) for rows in values]
        lists = [list(value) if type(value) is Rows else value for value in values]
        return leaves.folded(await inner.answers(leaves.flat(lists), run), lists)


def _record(keys: list[str]) -> Callable[..., Column]:
    """Puts columns together to a dict for each row. Keys are names of GraphQL, which its parser has checked."""
    names = [f"c{number}" for number in range(len(keys))] or ["none"]
    pairs = ", ".join(f"{key!r}: {name}" for key, name in zip(keys, names, strict=False))
    every = f"zip({', '.join(names)})" if len(names) > 1 else names[0]
    made: Callable[..., Column] = eval(f"lambda {', '.join(names)}: [{{{pairs}}} for {', '.join(names)} in {every}]")
    return made
