"""JSON into messages: fast when it is as the specification says, leniently when it is not.

A partner's object is first decoded straight into its message. Only when that fails is it parsed without a
schema and bent towards it: numbers sent as strings and the reverse, an object where a list is due and the
reverse, a bare text where one with a language is due, empty strings and hollow objects for what is absent, odd
spellings of a time. What cannot be bent raises Invalid with the path of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from emsp.errors import Invalid
from emsp.ocpi import wire

T = TypeVar("T")
LEAST_TOO_LONG = 10**wire.MOST_DIGITS_BEFORE_POINT


def read(body: bytes, message: type[T]) -> T:
    """The message that `body` holds. Raises Invalid naming the field."""
    try:
        found: T = _decoder(_hashable(message)).decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        found = convert(wire.decode(body), message)
    _refuse_absurd(found)
    wire.refuse_nul(body)
    return found


def convert(parsed: Any, message: type[T]) -> T:
    """The message that parsed JSON holds. Raises Invalid naming the field."""
    try:
        found = msgspec.convert(parsed, message, strict=False)
    except (msgspec.ValidationError, ValueError):
        found = _bent(parsed, message)
    _refuse_absurd(found)
    return found


def _bent(parsed: Any, message: type[T]) -> T:
    try:
        return msgspec.convert(_bend(parsed, _info(_hashable(message))), message, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from error


def invalid(error: msgspec.ValidationError) -> Invalid:
    """The error in our words, with the path of the field: `evses[0].status`."""
    text, _, path = str(error).partition(" - at `$")
    return Invalid(text.replace("`", ""), path.rstrip("`").removeprefix("."))


def _refuse_absurd(value: Any) -> None:
    """Raises Invalid for a number that is not finite or that is longer than any amount: sums of it never end."""
    if _is_absurd(value):
        _name_absurd(value, "")


def _is_absurd(value: Any) -> bool:
    """Whether there is such a number in it. Asked of everything that is read, so it asks for no path."""
    left = [value]
    for each in left:  # grows while it is walked
        kind = type(each)
        if each is None:
            continue
        if kind is Decimal:
            if not wire.is_amount(each):
                return True
        elif kind is int:
            if not -LEAST_TOO_LONG < each < LEAST_TOO_LONG:
                return True
        elif kind is list:
            left += each
        elif kind is dict:
            left += each.values()
        elif numbers := _numbers(_hashable(kind)):
            left += numbers(each)
    return False


def _name_absurd(value: Any, path: str) -> None:
    match value:
        case Decimal() | int() if not wire.is_amount(Decimal(value)):
            raise Invalid("is not a number that anything can amount to", path)
        case msgspec.Struct():
            for name in _with_numbers(type(value)):
                _name_absurd(getattr(value, name), f"{path}.{name}".removeprefix("."))
        case dict():
            for name, child in value.items():
                _name_absurd(child, f"{path}.{name}".removeprefix("."))
        case list():
            for position, child in enumerate(value):
                _name_absurd(child, f"{path}[{position}]")


@cache
def _numbers(kind: Any) -> Callable[[Any], tuple[Any, ...]] | None:
    """Takes the members that may hold numbers out of a message; None of what has none."""
    names = _with_numbers(kind) if issubclass(kind, msgspec.Struct) else ()
    if len(names) == 1:
        return lambda message: (getattr(message, names[0]),)
    return attrgetter(*names) if names else None


@cache
def _with_numbers(message: Any) -> tuple[str, ...]:
    """The members of a message that may hold numbers which are summed up."""
    return tuple(field.name for field in msgspec.structs.fields(message) if _has_numbers(field.type))


@cache
def _has_numbers(kind: Any) -> bool:
    """Whether a type may hold such numbers: floats are places, which have their bounds."""
    return _holds_numbers(inspect.type_info(kind))


def _holds_numbers(info: inspect.Type) -> bool:
    match info:
        case inspect.UnionType():
            return any(_holds_numbers(kind) for kind in info.types)
        case inspect.StructType():
            return any(_holds_numbers(field.type) for field in info.fields)
        case inspect.ListType():
            return _holds_numbers(info.item_type)
    texts = (inspect.StrType, inspect.BoolType, inspect.NoneType, inspect.DateTimeType, inspect.FloatType)
    return not isinstance(info, texts)


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
    hollow = isinstance(value, dict) and isinstance(real, inspect.StructType | inspect.ListType) and _is_hollow(value)
    return None if absent or hollow else _bend(value, real)


def _is_hollow(value: Any) -> bool:
    """Whether nothing is said: some serializers write an absent object as one whose members are all null."""
    if isinstance(value, dict):
        return all(_is_hollow(member) for member in value.values())
    return value is None or value == []


def _bend_object(value: Any, wanted: inspect.StructType) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and wanted.fields and wanted.fields[0].name == "text":
        value = {"text": value}
    if not isinstance(value, dict):
        return value
    return {
        field.encode_name: _bend(value[field.encode_name], field.type)
        for field in wanted.fields
        if field.encode_name in value and not (value[field.encode_name] is None and _has_default(field))
    }


def _has_default(field: inspect.Field) -> bool:
    """Whether null means the default: not where it is a value of its own."""
    return not field.required and not isinstance(field.type, inspect.UnionType)


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
        number = Decimal(value)
    except ArithmeticError:
        return value
    return int(number.to_integral_value()) if wire.is_amount(number) else value
