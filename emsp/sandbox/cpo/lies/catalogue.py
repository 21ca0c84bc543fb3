"""What a lie is: a name, a sentence, where it was seen or which rule it breaks, and what it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

About = Literal["behaviour", "objects", "transport"]


@dataclass(frozen=True, slots=True)
class Lie:
    """One named fault. `orders` are the settings of charge points that it stands for, where it is no more than that."""

    name: str
    sentence: str
    source: str
    """A public issue, or a chapter of OCPI."""
    about: About
    orders: dict[str, str] = field(default_factory=dict)


CATALOGUE: dict[str, Lie] = {}
"""Every lie by its name; filled by the modules that tell them."""


def catalogued(lie: Lie) -> Lie:
    """Adds a lie to the catalogue."""
    CATALOGUE[lie.name] = lie
    return lie


def check(names: Iterable[str]) -> None:
    """Raises ValueError naming the first name that is not in the catalogue."""
    for name in names:
        if name not in CATALOGUE:
            raise ValueError(f"lie {name!r} is not one of {', '.join(sorted(CATALOGUE))}")
