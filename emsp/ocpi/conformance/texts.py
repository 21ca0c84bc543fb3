"""Strings that have a form: times, addresses, codes, coordinates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from emsp.ocpi import wire
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding

LONGEST_MOMENT, LONGEST_URL = 25, 255
NOT_KNOWN = "1970-1-1T00:00:00Z"
"""What stands for a time that nobody knows (chapter CDRs); it is no RFC 3339."""
_PLAIN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z?")
_OFFSET = re.compile(r".*T.*[+-]\d{2}:?\d{2}")
_CLOCK = (r"([01]\d|2[0-3]):[0-5]\d", "is not a time of day as HH:MM")
_DAY = (r"\d{4}-\d{2}-\d{2}", "is not a date as YYYY-MM-DD")
_FORMS = {
    "country_code": (r"[A-Za-z]{2}", "is not a country code of two letters (ISO 3166-1 alpha-2)"),
    "country": (r"[A-Z]{3}", "is not a country code of three capitals (ISO 3166-1 alpha-3)"),
    "currency": (r"[A-Z]{3}", "is not a currency code of three capitals (ISO 4217)"),
    "language": (r"[A-Za-z]{2}", "is not a language code of two letters (ISO 639-1)"),
    "start_time": _CLOCK,
    "end_time": _CLOCK,
    "start_date": _DAY,
    "end_date": _DAY,
    "RegularHours.period_begin": _CLOCK,
    "RegularHours.period_end": _CLOCK,
}


def examine(version: str, name: str, field: str, kind: str, value: str) -> Iterator[Finding]:
    """What is wrong with the string `value` of type `kind` in `name.field`; paths are empty."""
    if kind == "DateTime":
        yield from _moment(version, value)
    elif kind == "URL":
        yield from _url(value)
    elif field in ("latitude", "longitude"):
        yield from _coordinate(version, field, value)
    elif form := _FORMS.get(f"{name}.{field}") or _FORMS.get(field):
        if not re.fullmatch(form[0], value):
            yield Finding("", ERROR, form[1], "form")
    else:
        yield from _characters(version, field, kind, value)


def _moment(version: str, value: str) -> Iterator[Finding]:
    if value == NOT_KNOWN:
        yield Finding("", HINT, f"{NOT_KNOWN} stands for an unknown time", "datetime")
        return
    try:
        wire.moment(value)
    except ValueError:
        yield Finding("", ERROR, "is not a DateTime", "datetime")
        return
    if len(value) > LONGEST_MOMENT:
        yield Finding("", ERROR, f"is longer than {LONGEST_MOMENT} characters", "length")
    if _OFFSET.fullmatch(value):
        yield Finding("", ERROR, "has an offset; times are UTC, with Z at the end", "datetime")
    elif found := _PLAIN.fullmatch(value):
        if found.group(1) and version == "2.1.1":
            yield Finding("", WARNING, "has fractions of a second, which 2.1.1 does not know", "datetime")
        if not value.endswith("Z"):
            yield Finding("", HINT, "has no Z; it is read as UTC", "datetime")
    else:
        yield Finding("", ERROR, "is not a DateTime as YYYY-MM-DDTHH:MM:SSZ", "datetime")


def _url(value: str) -> Iterator[Finding]:
    try:
        parts = urlsplit(value)
        absolute = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        absolute = False
    if not absolute:
        yield Finding("", ERROR, "is not an absolute http or https URL", "url")
    if len(value) > LONGEST_URL:
        yield Finding("", ERROR, f"is longer than {LONGEST_URL} characters", "length")


def _coordinate(version: str, field: str, value: str) -> Iterator[Finding]:
    digits, most = ("2", 90) if field == "latitude" else ("3", 180)
    decimals = "6" if version == "2.1.1" else "5,7"
    if not re.fullmatch(rf"-?\d{{1,{digits}}}\.\d{{{decimals}}}", value):
        wanted = decimals.replace(",", " to ")
        yield Finding("", ERROR, f"is not a {field} in degrees with {wanted} decimals", "coordinates")
    elif int(value.lstrip("-").partition(".")[0]) > most:
        yield Finding("", ERROR, f"is not a {field} between -{most} and {most}", "coordinates")


def _characters(version: str, field: str, kind: str, value: str) -> Iterator[Finding]:
    if kind == "CiString" and not all(" " <= character <= "~" for character in value):
        yield Finding("", ERROR, "has characters other than printable ASCII", "characters")
    elif not value.isprintable():
        yield Finding("", WARNING, "has control characters, such as line breaks", "characters")
    if field in ("id", "uid") and set(value) & set(" /?#%\\"):
        yield Finding("", WARNING, "has characters that break the URLs that are made of it", "characters")
    if not value.strip():
        yield Finding("", WARNING, "is blank; leave out what is not known", "characters")
