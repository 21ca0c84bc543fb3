"""How sure one can be of a share that was counted a number of times; pure."""

from __future__ import annotations

from math import sqrt

from msgspec import Struct

Z = 1.959963984540054
"""Of the normal distribution, for 95 in 100."""


class Share(Struct, frozen=True):
    """A part of 1, seen `sample` times; the true one lies between `lowest` and `highest` in 95 of 100 cases."""

    value: float
    lowest: float
    highest: float
    sample: int


def share(part: float, of: float) -> Share:
    """`part` times out of `of`, with Wilson's score interval, which holds for few and for none as well.

    Raises ValueError for a part that is none. Wilson, "Probable inference", JASA 22 (1927).
    """
    if not 0 <= part <= of or of <= 0:
        raise ValueError(f"{part} of {of}")
    value = part / of
    middle = value + Z * Z / (2 * of)
    width = Z * sqrt(value * (1 - value) / of + Z * Z / (4 * of * of))
    whole = 1 + Z * Z / of
    lowest, highest = (middle - width) / whole, (middle + width) / whole
    return Share(value, max(0.0, min(lowest, value)), min(1.0, max(highest, value)), int(of))
