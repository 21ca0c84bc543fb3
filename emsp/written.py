"""Policies as people write them: parsed JSON becomes a struct, or the sentence that names the field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from emsp.errors import Invalid

T = TypeVar("T")
PLACE_IN_MESSAGE = re.compile(r" - at `(?:\$|key in `\$)?\.?(.*?)`*$")
UNKNOWN_FIELD = re.compile(r"unknown field `(.*?)`")
Checks = Iterable[tuple[str, object, str]]
"""The path of a field, whether it is right, and what it must be."""


def read(written: object, kind: type[T], *, strict: bool = False) -> T:
    """`written` as a `kind`; unless `strict`, texts may stand for numbers.

    Raises Invalid naming the path of the first field that does not fit.
    """
    try:
        return msgspec.convert(written, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from error


def demand(checks: Checks) -> None:
    """Raises Invalid for the first check that does not hold."""
    for path, holds, wanted in checks:
        if not holds:
            raise Invalid(f"must be {wanted}", path)


def _named(message: str) -> Invalid:
    """msgspec ends its sentences with the place, as in "… - at `$.weekdays[0]`", or names an unknown field."""
    place, unknown = PLACE_IN_MESSAGE.search(message), UNKNOWN_FIELD.search(message)
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", place[1]).strip(".") if place else ""
    path = ".".join(filter(None, [path, unknown[1] if unknown else ""]))
    return Invalid(PLACE_IN_MESSAGE.sub("", message), path)
