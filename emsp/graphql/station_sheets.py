"""What does not depend on who asks or when, written straight from the columns of an index: `stations`' kept fields.

Each method says what the resolver of the same name says in `stations`; where there is none, the resolver is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import orjson

from emsp import clock
from emsp.graphql import ids
from emsp.graphql.execution.sheets import Lists, Sheet, Texts
from emsp.graphql.stations import IN_DRIVERS_WORDS, is_web_address
from emsp.graphql.words import ConnectorFormat, ConnectorStandard, EvseCapability, EvseStatus, Facility, PowerType
from emsp.stations.index import codes
from emsp.stations.index.books import Operator
from emsp.stations.index.chosen import Chosen, Records, texts_of_evses
from emsp.stations.index.columns import NEVER, Segment
from emsp.stations.index.records import EvseTexts, StationTexts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _names(kind: type[Enum], words: Iterable[str]) -> Texts:
    return [orjson.dumps(kind(word).name) for word in words]


STANDARDS, FORMATS = _names(ConnectorStandard, codes.STANDARD_WORDS), _names(ConnectorFormat, codes.FORMAT_WORDS)
POWER_TYPES = _names(PowerType, codes.POWER_TYPE_WORDS)
STATUSES = _names(EvseStatus, (IN_DRIVERS_WORDS[word] for word in codes.STATUS_WORDS))


def sheets(records: Records, places: Sequence[int]) -> list[tuple[Sequence[int], Sheet]]:
    """Sheets of stations of an index, one for each segment.

    Left out are those without an operator of their own, which are shown as of the company that publishes them.
    """
    found: list[tuple[Sequence[int], Sheet]] = []
    for theirs, chosen in records.among(places):
        kept = [number for number, operator in enumerate(chosen.column("operator")) if operator]
        if kept:
            found.append(([theirs[number] for number in kept], Stations(chosen.segment, chosen.rows[kept].tolist())))
    return found


class _Rows:
    """Some rows of a segment."""

    def __init__(self, segment: Segment, rows: Sequence[int]) -> None:
        self._books, self._at, self._rows = segment.books, segment.at, rows
        self._segment = segment

    def __len__(self) -> int:
        return len(self._rows)

    def _of(self, column: Any) -> Iterator[Any]:
        """The values of a column."""
        return map(column.__getitem__, self._rows)

    def _refs(self, book: Sequence[Any], column: Any) -> Iterator[Any]:
        """What a column refers to in a book."""
        return map(book.__getitem__, map(column.__getitem__, self._rows))

    def _belonging(self, start: Any) -> tuple[list[int], list[int]]:
        """The rows of what belongs to these, and how many belong to each."""
        spans = [range(start[row], start[row + 1]) for row in self._rows]
        return list(chain.from_iterable(spans)), list(map(len, spans))


class Stations(_Rows):
    """Stations."""

    def id(self) -> Texts:
        return ids.encode_all("Station", self._of(self._at.id))

    def name(self) -> Texts:
        return [orjson.dumps(texts.name) for texts in self._texts]

    def coordinates(self) -> Sheet:
        return Coordinates(self._segment, self._rows)

    def address(self) -> Sheet:
        return Addresses(self._texts, list(self._refs(self._books.countries, self._at.country)))

    def operator(self) -> Sheet:
        return Operators(list(self._refs(self._books.operators, self._at.operator)))

    def availability(self) -> Sheet:
        return Availability(self._segment, self._rows)

    def evses(self) -> Lists:
        rows, sizes = self._belonging(self._at.evse_start)
        return Lists(Evses(self._segment, rows), sizes)

    def facilities(self) -> Texts:
        return [_words(Facility, words) for words in self._refs(self._books.word_lists, self._at.facility_list)]

    def time_zone(self) -> Texts:
        return [orjson.dumps(hours.time_zone) for hours in self._refs(self._books.hours, self._at.hours_ref)]

    def updated_at(self) -> Texts:
        return list(map(_moment, self._of(self._at.source_updated_at)))

    @cached_property
    def _texts(self) -> list[StationTexts]:
        return Chosen(self._segment, self._rows).texts()


class Coordinates(_Rows):
    """Where stations are on the globe."""

    def latitude(self) -> Texts:
        return list(map(orjson.dumps, self._of(self._at.latitude)))

    def longitude(self) -> Texts:
        return list(map(orjson.dumps, self._of(self._at.longitude)))


class Addresses:
    """Where stations are."""

    def __init__(self, texts: Sequence[StationTexts], countries: Sequence[str | None]) -> None:
        self._texts, self._countries = texts, countries

    def __len__(self) -> int:
        return len(self._texts)

    def street(self) -> Texts:
        return [orjson.dumps(texts.street) for texts in self._texts]

    def postal_code(self) -> Texts:
        return [orjson.dumps(texts.postal_code) for texts in self._texts]

    def city(self) -> Texts:
        return [orjson.dumps(texts.city) for texts in self._texts]

    def state(self) -> Texts:
        return [orjson.dumps(texts.state) for texts in self._texts]

    def country(self) -> Texts:
        return [orjson.dumps(country or None) for country in self._countries]


class Operators:
    """The names on charge points."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._operators = operators

    def __len__(self) -> int:
        return len(self._operators)

    def id(self) -> Texts:
        return ids.encode_all("Operator", (one.id for one in self._operators))

    def name(self) -> Texts:
        return [orjson.dumps(one.name) for one in self._operators]

    def website(self) -> Texts:
        return [orjson.dumps(one.website if is_web_address(one.website) else None) for one in self._operators]

    def phone(self) -> Texts:
        return [orjson.dumps(one.phone) for one in self._operators]


class Availability(_Rows):
    """How many charge points of stations are of which status."""

    def available(self) -> Texts:
        return self._counts("available")

    def occupied(self) -> Texts:
        return self._counts("occupied")

    def reserved(self) -> Texts:
        return self._counts("reserved")

    def out_of_service(self) -> Texts:
        return self._counts("out_of_service")

    def unknown(self) -> Texts:
        return self._counts("unknown")

    def total(self) -> Texts:
        return self._counts("total")

    def as_of(self) -> Texts:
        return list(map(_moment, self._of(self._at.as_of)))

    def _counts(self, what: str) -> Texts:
        number = codes.COUNTED.index(what)
        return [b"%d" % counts[number] for counts in self._all_counts]

    @cached_property
    def _all_counts(self) -> list[list[int]]:
        return Chosen(self._segment, self._rows).counts()


class Evses(_Rows):
    """Charge points."""

    def id(self) -> Texts:
        return ids.encode_all("Evse", self._of(self._at.evse_id))

    def evse_id(self) -> Texts:
        return [orjson.dumps(texts.evse_id) for texts in self._texts]

    def label(self) -> Texts:
        return [orjson.dumps(texts.label) for texts in self._texts]

    def status(self) -> Texts:
        return list(self._refs(STATUSES, self._at.status))

    def status_as_of(self) -> Texts:
        return list(map(_moment, self._of(self._at.status_as_of)))

    def capabilities(self) -> Texts:
        return [_words(EvseCapability, words) for words in self._refs(self._books.word_lists, self._at.capability_list)]

    def connectors(self) -> Lists:
        rows, sizes = self._belonging(self._at.connector_start)
        return Lists(Connectors(self._segment, rows), sizes)

    @cached_property
    def _texts(self) -> list[EvseTexts]:
        return texts_of_evses(self._segment, self._rows)


class Connectors(_Rows):
    """Sockets and cables."""

    def id(self) -> Texts:
        return ids.encode_all("Connector", self._of(self._at.connector_id))

    def standard(self) -> Texts:
        return list(self._refs(STANDARDS, self._at.standard))

    def format(self) -> Texts:
        return list(self._refs(FORMATS, self._at.format))

    def power_type(self) -> Texts:
        return list(self._refs(POWER_TYPES, self._at.power_type))

    def max_power_kw(self) -> Texts:
        return list(map(_kilowatts, self._of(self._at.power_w)))


@lru_cache(4096)
def _kilowatts(power_w: int) -> bytes:
    return orjson.dumps(None if power_w < 0 else power_w / 1000)


@lru_cache(4096)
def _words(kind: Callable[[str], Enum], words: tuple[str, ...]) -> bytes:
    return orjson.dumps([member.name for member in dict.fromkeys(map(kind, words))])


def _moment(microseconds: int) -> bytes:
    if microseconds == NEVER:
        return b"null"
    return orjson.dumps(clock.utc_text(EPOCH + timedelta(microseconds=microseconds)))
