"""How fields, enum values and arguments are declared: each with the sentence that describes it."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import strawberry

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def resolver(description: str, *, name: str | None = None) -> Callable[[F], F]:
    """A field that a method gives."""
    return cast("Callable[[F], F]", strawberry.field(description=description, name=name))


def subscription(description: str) -> Callable[[F], F]:
    """A stream that an async generator gives."""
    return cast("Callable[[F], F]", strawberry.subscription(description=description))


def value(word: str, description: str) -> Any:
    """A value of an enum, `word` being what features call it."""
    return strawberry.enum_value(word, description=description)


First = Annotated[int | None, strawberry.argument(description="How many items at most, up to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]
Input = Annotated[T, strawberry.argument(description="What is wanted.")]
Id = Annotated[strawberry.ID, strawberry.argument(description="The id.")]
Month = Annotated[str, strawberry.argument(description="The month as YYYY-MM, in the fleet's time zone.")]
