"""The scalars of the schema: how each value is written, and what is understood when an app sends one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError

from emsp import clock

CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)
URL = NewType("URL", str)

DECIMAL = re.compile(r"-?\d{1,18}(\.\d{1,12})?")


def _read_moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError('A DateTime is written as text, such as "2026-06-02T18:30:00Z".') from error
    if moment.tzinfo is None:
        raise GraphQLError(f'A DateTime needs its offset from UTC: "{value}Z" or "{value}+02:00".')
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise GraphQLError("The DateTime is out of range.") from error


def _read_decimal(value: Any) -> Decimal:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not DECIMAL.fullmatch(text):
        raise GraphQLError('A Decimal is written as text, such as "12.34", or as a whole number.')
    return Decimal(text)


def _write_decimal(value: Decimal) -> str:
    return format(value, "f")


def _read_text(pattern: str, example: str) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise GraphQLError(f'Expected a text such as "{example}".')
        return value

    return read


def _text(name: str, description: str, pattern: str, example: str) -> Any:
    return strawberry.scalar(
        name=name, description=description, serialize=str, parse_value=_read_text(pattern, example)
    )


SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, as RFC 3339 with `Z`; what is sent in may have any offset but must have one.",
        serialize=clock.utc_text,
        parse_value=_read_moment,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number, written as text; whole numbers may be sent in as numbers.",
        serialize=_write_decimal,
        parse_value=_read_decimal,
    ),
    CurrencyCode: _text("CurrencyCode", "A currency by its ISO 4217 code, such as EUR.", "[A-Z]{3}", "EUR"),
    CountryCode: _text("CountryCode", "A country by its ISO 3166-1 alpha-3 code, such as NLD.", "[A-Z]{3}", "NLD"),
    URL: _text("URL", "An absolute address on the web.", r"https?://\S+", "https://example.com"),
}
