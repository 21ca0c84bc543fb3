"""Values of JSON that may be anything, as far as they are what a rule looks for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from emsp.ocpi import wire


def number(value: Any) -> Decimal | None:
    """A JSON number, or one that was sent as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        found = Decimal(str(value))
    except (ArithmeticError, ValueError):
        return None
    return found if wire.is_amount(found) else None


def moment(value: Any) -> datetime | None:
    """A DateTime that says something: None when absent, unreadable, or the one of 1970 that stands for unknown."""
    try:
        found = wire.moment(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.year > 1970 else None


def objects(items: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else stands there."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def first(value: dict[str, Any], *fields: str) -> tuple[str, Any]:
    """The first of some fields that says something, else the first of them with None."""
    return next(((field, value[field]) for field in fields if value.get(field) is not None), (fields[0], None))
