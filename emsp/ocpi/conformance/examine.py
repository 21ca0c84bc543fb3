"""One object against the field tables and the rules of meaning: pure, and never an exception.

Whatever JSON is given, the answer is a list of findings; an object without any is as its table says.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from emsp.ocpi.conformance import meaning, tables, texts
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding
from emsp.ocpi.conformance.tables import Field

SHOWN = 40
"""How much of a value is quoted."""
LENGTH_STATED_OTHERWISE = ("latitude", "longitude")
"""Their pattern says how long they may be: seven decimals do not fit into the length in the table."""
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (str, "string"),
    ((int, float, Decimal), "number"),
    (list, "list"),
    (dict, "object"),
)


def examine(version: str, name: str, value: Any) -> list[Finding]:
    """What is wrong or odd with `value` as an object of class `name`. Raises KeyError for an unknown class."""
    return list(_object(version, name, value))


def _object(version: str, name: str, value: Any) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _wrong_type(value, f"an object ({name})")
        return
    known = tables.fields(version, name)
    for field, spec in known.items():
        yield from (finding.below(field) for finding in _field(version, name, field, spec, value.get(field)))
    for field in value:
        if field not in known:
            yield Finding(_shown(field), HINT, f"is not a field of {name} in {version}; it is ignored", "unknown-field")
    yield from meaning.rules(version, name, value)


def _field(version: str, name: str, field: str, spec: Field, value: Any) -> Iterator[Finding]:
    if value is None:
        if spec.required:
            yield Finding("", ERROR, f"is required in {name}", "required")
    elif not spec.many:
        yield from _value(version, name, field, spec, value)
    elif not isinstance(value, list):
        yield _wrong_type(value, "a list")
    else:
        if spec.required and not value:
            yield Finding("", ERROR, "is empty; at least one is required", "required")
        for position, item in enumerate(value):
            yield from (f.below(f"[{position}]") for f in _value(version, name, field, spec, item))


def _value(version: str, name: str, field: str, spec: Field, value: Any) -> Iterator[Finding]:
    if spec.type in tables.classes(version):
        yield from _object(version, spec.type, value)
    elif spec.type in tables.enums(version):
        yield from _enum(version, spec.type, value)
    else:
        yield from _simple(version, name, field, spec, value)


def _enum(version: str, name: str, value: Any) -> Iterator[Finding]:
    values, is_open = tables.enum(version, name)
    if not isinstance(value, str):
        yield _wrong_type(value, f"a {name} as a string")
    elif value not in values:
        text = f"{_shown(value)!r} is not a value of {name} in {version}"
        if value.upper() in values:
            text += f"; {value.upper()!r} is"
        yield Finding("", HINT if is_open else ERROR, text, "enum")


def _simple(version: str, name: str, field: str, spec: Field, value: Any) -> Iterator[Finding]:
    wanted = {"boolean": "boolean", "number": "number", "int": "number"}.get(spec.type, "string")
    if _kind(value) != wanted:
        yield _wrong_type(value, f"a {wanted}")
    elif wanted == "string":
        if spec.length and len(value) > spec.length and field not in LENGTH_STATED_OTHERWISE:
            yield Finding("", ERROR, f"is longer than {spec.length} characters", "length")
        yield from texts.examine(version, name, field, spec.type, value)
    elif spec.type == "int":
        yield from _int(spec, value)


def _int(spec: Field, value: Any) -> Iterator[Finding]:
    whole = not isinstance(value, float | Decimal)
    if not whole:
        integral = value == value and abs(value) < 10**15 and value == int(value)
        yield Finding("", WARNING if integral else ERROR, "should be an int, without decimals", "type")
    if whole and spec.length and len(str(abs(value))) > spec.length:
        yield Finding("", ERROR, f"has more than {spec.length} digits", "length")


def _kind(value: Any) -> str:
    return next((kind for types, kind in _KINDS if isinstance(value, types)), "null")


def _wrong_type(value: Any, wanted: str) -> Finding:
    return Finding("", ERROR, f"should be {wanted}, is a JSON {_kind(value)}", "type")


def _shown(value: str) -> str:
    return value if len(value) <= SHOWN else f"{value[: SHOWN - 1]}…"
