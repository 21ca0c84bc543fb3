"""OCPI's own field tables as a judge: what an object has too much, too little or of the wrong kind."""

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[2].parent / "shared" / "ocpi" / "examples" / "_field_tables"
DATE_TIMES = {
    "2.1.1": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "2.2.1": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,4})?Z"),
}
PLAIN: dict[str, tuple[type, ...]] = {"number": (int, Decimal), "int": (int,), "boolean": (bool,)}
EITHER_OR = {("2.1.1", "Hours", "twentyfourseven")}
"""In 2.1.1 either this or regular_hours."""


@cache
def table(version: str) -> dict[str, Any]:
    tables: dict[str, Any] = json.loads((TABLES / f"{version}.json").read_text())
    return tables


def faults(version: str, name: str, body: Any, at: str = "") -> list[str]:
    """What is wrong with an object of a class."""
    if not isinstance(body, dict):
        return [f"{at or name}: no object"]
    fields = table(version)["classes"][name]
    found = [f"{at or name}.{field}: unknown" for field in body if field not in fields]
    for field, rule in fields.items():
        found += _field_faults(version, name, field, rule, body.get(field), f"{at or name}.{field}")
    return found


def _field_faults(version: str, name: str, field: str, rule: dict[str, Any], value: Any, at: str) -> list[str]:
    many, required = rule["card"] in ("*", "+"), rule["card"] in ("1", "+")
    if value is None or (many and value == []):
        return [f"{at}: missing"] if required and (version, name, field) not in EITHER_OR else []
    if not many:
        return _value_faults(version, rule, value, at)
    if not isinstance(value, list):
        return [f"{at}: no list"]
    return [fault for number, one in enumerate(value) for fault in _value_faults(version, rule, one, f"{at}[{number}]")]


def _value_faults(version: str, rule: dict[str, Any], value: Any, at: str) -> list[str]:
    kind, tables = rule["type"], table(version)
    if kind in tables["classes"]:
        return faults(version, kind, value, at)
    if kind in tables["enums"]:
        return [] if value in tables["enums"][kind]["values"] else [f"{at}: {value!r} is no {kind}"]
    if kind in PLAIN:
        right = isinstance(value, PLAIN[kind]) and (kind == "boolean" or not isinstance(value, bool))
        return [] if right else [f"{at}: {value!r} is no {kind}"]
    if not isinstance(value, str):
        return [f"{at}: {value!r} is no text"]
    if kind == "DateTime":
        right = bool(DATE_TIMES.get(version, DATE_TIMES["2.2.1"]).fullmatch(value))
        return [] if right else [f"{at}: {value!r} is no DateTime"]
    length = int(rule["len"] or 255)
    return [] if len(value) <= length else [f"{at}: longer than {length}"]
