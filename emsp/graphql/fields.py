"""How fields, enum values and arguments are declared: each with the sentence that describes it."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import strawberry

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


KEPT = "kept"


def resolver(description: str, *, name: str | None = None, kept: bool = False) -> Callable[[F], F]:
    """A field that a method gives.

    `kept`: it depends on nothing but the object's row and what belongs to it: not on time, on who asks, or on another
    table. Then its JSON may be kept as long as the row has the same version. A plain field is kept unless its
    metadata say otherwise.
    """
    made = strawberry.field(description=description, name=name, metadata={KEPT: kept})
    return cast("Callable[[F], F]", made)


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
