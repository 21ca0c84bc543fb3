"""The European Central Bank's files of reference rates, read with suspicion.

Two formats: the daily XML, whose innermost `Cube` elements carry a currency and a rate inside one with a date, and
the table of comma-separated values, of one day or of all days since 1999, plain or zipped.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from xml.parsers import expat

from emsp.errors import Invalid

MAX_BYTES = 32 * 1024 * 1024
MAX_PER_EURO = Decimal(10) ** 9
ABSENT = ("", "N/A")


class DayRate(NamedTuple):
    """Units of `currency` that one euro bought on a day."""

    currency: str
    as_of: date
    per_euro: Decimal


def rates_in(content: bytes) -> list[DayRate]:
    """The rates in a file of either format. Raises Invalid, naming the place, for anything else than such a file."""
    if content.startswith(b"PK"):
        content = _unzipped(content)
    try:
        found = list(_in_xml(content) if content.lstrip()[:1] == b"<" else _in_table(content.decode("utf-8-sig")))
    except (expat.ExpatError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"is no file of reference rates: {error}", "file") from error
    if not found:
        raise Invalid("holds no exchange rates", "file")
    return found


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(archive.namelist()[0]) as member:
            text = member.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, IndexError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Invalid(f"cannot be unzipped: {error}", "file") from error
    if len(text) > MAX_BYTES:
        raise Invalid(f"is larger than {MAX_BYTES} bytes", "file")
    return text


def _in_xml(content: bytes) -> Iterator[DayRate]:
    """Without a document type there are no entities, which are what makes XML dangerous."""
    found, days = list[DayRate](), [""]

    def refuse(*_: object) -> None:
        raise Invalid("has a document type, which these files do not have", "file")

    def element(name: str, given: dict[str, str]) -> None:
        days[0] = given.get("time", days[0])
        if name.rpartition(":")[2] == "Cube" and "currency" in given:
            found.append(_rate(given["currency"], days[0], given.get("rate", "")))

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = element
    parser.Parse(content, True)
    yield from found


def _in_table(text: str) -> Iterator[DayRate]:
    header, *rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row] or [[]]
    if header[:1] != ["Date"]:
        raise Invalid("has no header that begins with Date", "file")
    for row in rows:
        for currency, rate in zip(header[1:], row[1:], strict=False):
            if currency and rate not in ABSENT:
                yield _rate(currency, row[0], rate)


def _rate(currency: str, day: str, rate: str) -> DayRate:
    place = f"{day or '?'}.{currency}"
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise Invalid(f"{currency!r} is no currency code", place)
    try:
        per_euro = Decimal(rate)
    except InvalidOperation as error:
        raise Invalid(f"{rate!r} is no number", place) from error
    if not (per_euro.is_finite() and 0 < per_euro < MAX_PER_EURO):
        raise Invalid(f"{rate!r} is no exchange rate", place)
    return DayRate(currency, _day(day, place), per_euro)


def _day(text: str, place: str) -> date:
    for pattern in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            continue
    raise Invalid(f"{text!r} is no date", place)
