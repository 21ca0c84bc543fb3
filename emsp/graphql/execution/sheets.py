"""Rows of a table of columns whose fields are written as JSON column by column, without an object for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

Texts = list[bytes]


class Sheet(Protocol):
    """Rows of one type of the schema. A method without arguments for each field that can be written so, by its name
    in Python: it gives the JSON of all rows, or of a field that is an object another sheet, or `Lists`.

    What a sheet writes is what resolvers say of the same rows, to the byte.
    """

    def __len__(self) -> int:
        """How many rows."""
        ...


class Lists(NamedTuple):
    """A list of objects for each row: all of their rows, one after the other, and how many each list has."""

    sheet: Sheet
    sizes: Sequence[int]


class NotWritten(Exception):
    """A sheet does not write a field: objects are made, and their resolvers asked."""


Sheets = Callable[[Sequence[int]], list[tuple[Sequence[int], Sheet]]]
"""Sheets for places of a list, each with those that it holds; places of which there is no sheet are left out."""


def column(sheet: Sheet, field: str) -> Texts | Sheet | Lists:
    """What a sheet writes of a field. Raises NotWritten."""
    write = getattr(sheet, field, None)
    if write is None:
        raise NotWritten(field)
    found: Texts | Sheet | Lists = write()
    return found


def shared_out(texts: Texts, sizes: Sequence[int]) -> Texts:
    """The JSON of lists of so many objects each."""
    rest = iter(texts)
    return [b"[%b]" % b",".join(islice(rest, size)) for size in sizes]
