"""Where the values of a field come from: an attribute, or a resolver with its arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Protocol

from graphql import FieldNode, GraphQLField, GraphQLObjectType

from emsp.graphql.execution.arguments import Arguments
from emsp.graphql.execution.collect import NotCovered
from emsp.graphql.execution.waiting import results
from emsp.graphql.fields import KEPT

Column = list[Any]


class Source(Protocol):
    """Gives a field's values: a source that waits by `awaited`, any other by `values`."""

    waits: bool

    def values(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        ...

    async def awaited(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        ...


class AtOnce:
    """A source that need not wait."""

    waits = False

    def values(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        raise NotImplementedError

    async def awaited(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        return self.values(parents, run)


class Constant(AtOnce):
    """The same for all."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def values(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        return [self.value] * len(parents)


class Attribute(AtOnce):
    """What an object holds."""

    def __init__(self, name: str) -> None:
        self._of = attrgetter(name)

    def values(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        return list(map(self._of, parents))


class Method(AtOnce):
    """What a resolver makes of an object."""

    def __init__(
        self, function: Callable[..., Any], arguments: Callable[[Any], dict[str, Any]], is_bound: bool
    ) -> None:
        self._function, self._arguments, self._is_bound = function, arguments, is_bound

    def values(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        return list(self._called(parents, run))

    def _called(self, parents: Column, run: Any) -> Iterator[Any]:
        function, given = self._function, self._arguments(run)
        if not self._is_bound:
            return (function(**given) for _ in parents)
        return (function(one, **given) for one in parents) if given else map(function, parents)


class Waiting(Method):
    """What a resolver that may have to wait makes of an object."""

    waits = True

    async def awaited(self, parents: Column, run: Any) -> Column:
        """A value for each object."""
        called = self._called(parents, run)
        return [await next(called)] if len(parents) == 1 else await results(run.tasks.start(called))


def source(schema: Any, definition: GraphQLField, node: FieldNode) -> Source:
    """Where the values of a field come from. Raises NotCovered."""
    declared = definition.extensions["strawberry-definition"]
    if declared.extensions:
        raise NotCovered("an extension of the field")
    resolver = declared.base_resolver
    if resolver is None:
        return Attribute(declared.python_name)
    if resolver.parent_parameter or resolver.root_parameter:
        raise NotCovered("a resolver of another shape")
    kind = Waiting if resolver.is_async else Method
    return kind(resolver.wrapped_func, _arguments(schema, definition, node), bool(resolver.self_parameter))


def is_kept(definition: GraphQLField) -> bool:
    """Whether a field says the same as long as the version of the object's row is the same (see `fields.resolver`)."""
    declared = definition.extensions["strawberry-definition"]
    return not definition.args and bool(declared.metadata.get(KEPT, declared.base_resolver is None))


def has_rows(kind: GraphQLObjectType) -> bool:
    """Whether objects of a type hold a row."""
    origin = kind.extensions["strawberry-definition"].origin
    return any(held.name == "row" for held in dataclasses.fields(origin))


def _arguments(schema: Any, definition: GraphQLField, node: FieldNode) -> Callable[[Any], dict[str, Any]]:
    """What the resolver is given besides the object; read once for all objects of a level."""
    told = definition.extensions["strawberry-definition"].base_resolver.info_parameter
    arguments = Arguments(schema, definition, node) if definition.args else None

    def given(run: Any) -> dict[str, Any]:
        found: dict[str, Any] = {told.name: run.info} if told else {}
        return found | arguments.given(run.variables) if arguments else found

    return given
