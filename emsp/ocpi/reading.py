"""JSON into messages: fast when it is as the specification says, leniently when it is not.

A partner's object is first decoded straight into its message. Only when that fails is it parsed without a
schema and bent towards it: numbers sent as strings and the reverse, an object where a list is due and the
reverse, empty strings for what is absent, odd spellings of a time. What cannot be bent raises Invalid with the
path of the field.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from emsp.errors import Invalid
from emsp.ocpi import wire

T = TypeVar("T")


def read(body: bytes, message: type[T]) -> T:
    """The message that `body` holds. Raises Invalid naming the field."""
    try:
        found: T = _decoder(_hashable(message)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = convert(wire.decode(body), message)
    wire.refuse_nul(body)
    return found


def convert(parsed: Any, message: type[T]) -> T:
    """The message that parsed JSON holds. Raises Invalid naming the field."""
    try:
        return msgspec.convert(_bend(parsed, _info(_hashable(message))), message, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from error


def invalid(error: msgspec.ValidationError) -> Invalid:
    """The error in our words, with the path of the field: `evses[0].status`."""
    text, _, path = str(error).partition(" - at `$")
    return Invalid(text.replace("`", ""), path.rstrip("`").removeprefix("."))


def _hashable(message: Any) -> Hashable:
    """Types are; type checkers are not told."""
    return cast("Hashable", message)


@cache
def _decoder(message: Any) -> Any:
    return msgspec.json.Decoder(message, strict=False, float_hook=Decimal)


@cache
def _info(message: Any) -> inspect.Type:
    return inspect.type_info(message)


def _bend(value: Any, wanted: inspect.Type) -> Any:
    match wanted:
        case inspect.UnionType():
            return _bend_optional(value, wanted)
        case inspect.StructType():
            return _bend_object(value, wanted)
        case inspect.ListType():
            return _bend_list(value, wanted)
        case inspect.StrType() if isinstance(value, int | Decimal):
            return str(value)
        case inspect.DateTimeType() if isinstance(value, str):
            return _bend_moment(value)
        case inspect.IntType() if isinstance(value, Decimal | str):
            return _bend_whole(value)
    return value


def _bend_optional(value: Any, wanted: inspect.UnionType) -> Any:
    real = next(kind for kind in wanted.types if not isinstance(kind, inspect.NoneType))
    absent = value is None or (value == "" and not isinstance(real, inspect.StrType))
    return None if absent else _bend(value, real)


def _bend_object(value: Any, wanted: inspect.StructType) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return value
    return {
        field.encode_name: _bend(value[field.encode_name], field.type)
        for field in wanted.fields
        if field.encode_name in value and not (value[field.encode_name] is None and not field.required)
    }


def _bend_list(value: Any, wanted: inspect.ListType) -> list[Any]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [_bend(item, wanted.item_type) for item in items if item is not None]


def _bend_moment(value: str) -> datetime | str:
    try:
        return wire.moment(value)
    except ValueError:
        return value


def _bend_whole(value: Decimal | str) -> Any:
    try:
        return int(Decimal(value).to_integral_value())
    except ArithmeticError:
        return value
