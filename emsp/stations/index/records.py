"""Stations of the index as objects, with the names that rows of the database have.

What is asked of one is read then, and for all that were found together: column by column, which takes a fraction of
what row by row does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

import msgspec
import numpy as np

from emsp.stations.availability import Availability, from_columns
from emsp.stations.history import delays
from emsp.stations.index import codes
from emsp.stations.index.books import Operator
from emsp.stations.index.boxes import expanded
from emsp.stations.index.columns import NEVER, Array, Segment

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATION_TEXTS = ("external_id", "name", "street", "city", "postal_code", "state", "parking_type")
"""Columns of a station that are texts in its heap, in this order; all texts may be null."""
EVSE_TEXTS = ("uid", "evse_id", "label", "floor_level", "parking_restrictions")
"""Of an EVSE; the last one is a list, written in JSON."""


class StationTexts(msgspec.Struct, frozen=True, array_like=True):
    """What the heap holds of a station."""

    external_id: str
    name: str | None
    street: str | None
    city: str | None
    postal_code: str | None
    state: str | None
    parking_type: str | None


class EvseTexts(msgspec.Struct, frozen=True, array_like=True):
    """What the heap holds of an EVSE."""

    uid: str
    evse_id: str | None
    label: str | None
    floor_level: str | None
    parking_restrictions: str


_station_texts = msgspec.json.Decoder(StationTexts).decode
_evse_texts = msgspec.json.Decoder(EvseTexts).decode
_words = msgspec.json.Decoder(list[str]).decode


class once(Generic[T]):
    """A property that is worked out once: `cached_property` has a lock as well, which costs more than most of these."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self._name = make, make.__name__

    def __get__(self, one: Any, kind: type) -> T:
        made = one.__dict__[self._name] = self._make(one)
        return made


def moment(microseconds: int) -> datetime | None:
    """A time of a column."""
    return None if microseconds == NEVER else EPOCH + timedelta(microseconds=microseconds)


class ConnectorRecord(msgspec.Struct, gc=False):
    """A socket or cable."""

    id: int
    evse_id: int
    standard: str
    format: str
    power_type: str
    max_power_w: int | None
    outlet: int
    """Its number in the book of outlets."""
    removed: bool = False


class EvseRecord:
    """A charge point, with its status as it was when one of those read with it was asked for its charge points."""

    __slots__ = ("_accessible", "_number", "_status_as_of", "_together", "capabilities", "id", "station_id", "status")
    removed = False

    def __init__(
        self,
        together: Together,
        number: int,
        id: int,
        station_id: int,
        status: int,
        status_as_of: int,
        capability_list: int,
        accessible: int,
    ) -> None:
        self._together, self._number, self.id, self.station_id = together, number, id, station_id
        self.status, self._status_as_of = codes.STATUS_WORDS[status], status_as_of
        self.capabilities, self._accessible = together.segment.books.word_lists[capability_list], accessible

    @property
    def status_as_of(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._status_as_of)

    @property
    def accessible(self) -> bool | None:
        return None if self._accessible < 0 else bool(self._accessible)

    @property
    def _texts(self) -> EvseTexts:
        return self._together.evse_texts[self._number]

    @property
    def uid(self) -> str:
        return self._texts.uid

    @property
    def evse_id(self) -> str | None:
        return self._texts.evse_id

    @property
    def label(self) -> str | None:
        return self._texts.label

    @property
    def floor_level(self) -> str | None:
        return self._texts.floor_level

    @property
    def parking_restrictions(self) -> list[str]:
        return _words(self._texts.parking_restrictions)

    @property
    def connectors(self) -> list[ConnectorRecord]:
        """In the partner's order."""
        return self._together.connectors[self._number]


class Together:
    """Rows of a segment that were found together."""

    def __init__(self, segment: Segment, rows: Sequence[int]) -> None:
        self.segment, self._rows = segment, np.array(rows, dtype=np.int64)

    def stations(self) -> list[StationRecord]:
        """An object for each row."""
        ids, versions = (column[self._rows].tolist() for column in (self.segment.id, self.segment.version))
        return list(map(StationRecord, [self] * len(ids), count(), self._rows.tolist(), ids, versions))

    @once
    def texts(self) -> list[StationTexts]:
        """Of the stations."""
        return _decoded(_station_texts, self.segment.heap, self.segment.heap_start, self._rows)

    @once
    def _evse_rows(self) -> Array:
        start = self.segment.evse_start
        rows: Array = expanded(start[self._rows], start[self._rows + 1])
        return rows

    @once
    def evses(self) -> list[list[EvseRecord]]:
        """Of each station, in the partner's order."""
        segment, rows = self.segment, self._evse_rows
        of = segment.evse_station[rows]
        columns = (
            segment.evse_id, segment.status, segment.status_as_of, segment.capability_list, segment.accessible
        )  # fmt: skip
        ids, *rest = (column[rows].tolist() for column in columns)
        evses = list(map(EvseRecord, [self] * len(ids), count(), ids, segment.id[of].tolist(), *rest))
        return _shared_out(evses, segment.evse_start, self._rows)

    @once
    def evse_texts(self) -> list[EvseTexts]:
        """Of the charge points."""
        return _decoded(_evse_texts, self.segment.evse_heap, self.segment.evse_heap_start, self._evse_rows)

    @once
    def connectors(self) -> list[list[ConnectorRecord]]:
        """Of each charge point, in the partner's order."""
        segment, start = self.segment, self.segment.connector_start
        rows = expanded(start[self._evse_rows], start[self._evse_rows + 1])
        evses = segment.evse_id[segment.connector_evse[rows]]
        columns = (segment.standard, segment.format, segment.power_type, segment.power_w, segment.outlet)
        values = [segment.connector_id[rows].tolist(), evses.tolist(), *(column[rows].tolist() for column in columns)]
        return _shared_out(list(map(_connector, *values)), start, self._evse_rows)


def _connector(
    id: int, evse_id: int, standard: int, format: int, power_type: int, power_w: int, outlet: int
) -> ConnectorRecord:
    words = codes.STANDARD_WORDS[standard], codes.FORMAT_WORDS[format], codes.POWER_TYPE_WORDS[power_type]
    return ConnectorRecord(id, evse_id, *words, None if power_w < 0 else power_w, outlet)


def _decoded(decode: Callable[[memoryview], T], heap: Array, start: Array, rows: Array) -> list[T]:
    data = heap.data
    places = zip(start[rows].tolist(), start[rows + 1].tolist(), strict=True)
    return [decode(data[first:end]) for first, end in places]


def _shared_out(items: list[T], start: Array, rows: Array) -> list[list[T]]:
    """To each row those that are its own; they come in the order of the rows."""
    rest = iter(items)
    return [list(islice(rest, size)) for size in (start[rows + 1] - start[rows]).tolist()]


class Records(Sequence["StationRecord"]):
    """Stations of an index, which become objects when they are looked at."""

    def __init__(self, places: Sequence[tuple[Segment, int]], ids: Sequence[int], versions: Sequence[int]) -> None:
        """`places` are segments with the numbers of rows; `ids` and `versions` of what stands there."""
        self.places, self.ids, self.versions = places, ids, versions

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, number: int) -> StationRecord: ...
    @overload
    def __getitem__(self, number: slice) -> list[StationRecord]: ...
    def __getitem__(self, number: int | slice) -> StationRecord | list[StationRecord]:
        if isinstance(number, slice):
            return self.read(range(*number.indices(len(self))))
        return station_record(*self.places[number])

    def __iter__(self) -> Iterator[StationRecord]:
        return iter(self.read(range(len(self))))

    def read(self, numbers: Sequence[int]) -> list[StationRecord]:
        """Those at some places of the list, read together."""
        there = [self.places[number] for number in numbers]
        found: dict[tuple[int, int], StationRecord] = {}
        for segment in {id(segment): segment for segment, _ in there}.values():
            rows = [row for one, row in there if one is segment]
            found |= {(id(segment), station.row): station for station in Together(segment, rows).stations()}
        return [found[id(segment), row] for segment, row in there]


def station_record(segment: Segment, row: int) -> StationRecord:
    """A station by itself."""
    return Together(segment, [row]).stations()[0]


class StationRecord:
    """A place with charge points."""

    shown = publish = True

    def __init__(self, together: Together, number: int, row: int, id: int, version: int) -> None:
        self._together, self._number, self.segment, self.row = together, number, together.segment, row
        self.id, self.version = id, version

    @property
    def _texts(self) -> StationTexts:
        return self._together.texts[self._number]

    def _in(self, book: Sequence[T], refs: Array) -> T:
        ref: int = refs.item(self.row)
        return book[ref]

    @property
    def external_id(self) -> str:
        return self._texts.external_id

    @property
    def name(self) -> str | None:
        return self._texts.name

    @property
    def street(self) -> str | None:
        return self._texts.street

    @property
    def city(self) -> str | None:
        return self._texts.city

    @property
    def postal_code(self) -> str | None:
        return self._texts.postal_code

    @property
    def state(self) -> str | None:
        return self._texts.state

    @property
    def parking_type(self) -> str | None:
        return self._texts.parking_type

    @property
    def latitude(self) -> float:
        return float(self.segment.latitude[self.row])

    @property
    def longitude(self) -> float:
        return float(self.segment.longitude[self.row])

    @property
    def country(self) -> str | None:
        return self._in(self.segment.books.countries, self.segment.country)

    @property
    def country_code(self) -> str:
        return self._in(self.segment.books.parties, self.segment.party)[0]

    @property
    def party_id(self) -> str:
        return self._in(self.segment.books.parties, self.segment.party)[1]

    @property
    def partner_id(self) -> UUID:
        return self._in(self.segment.books.partners, self.segment.partner)

    @once
    def operator(self) -> Operator | None:
        return self._in(self.segment.books.operators, self.segment.operator)

    @property
    def operator_id(self) -> int | None:
        return self.operator.id if self.operator else None

    @property
    def operator_name(self) -> str | None:
        return self.operator.name if self.operator else None

    @property
    def operator_website(self) -> str | None:
        return self.operator.website if self.operator else None

    @property
    def operator_phone(self) -> str | None:
        return self.operator.phone if self.operator else None

    @property
    def time_zone(self) -> str:
        return self._in(self.segment.books.hours, self.segment.hours_ref).time_zone

    @property
    def twenty_four_seven(self) -> bool | None:
        return self._in(self.segment.books.hours, self.segment.hours_ref).twenty_four_seven

    @property
    def opening_hours(self) -> dict[str, Any] | None:
        return self._in(self.segment.books.hours, self.segment.hours_ref).opening_hours

    @property
    def facilities(self) -> tuple[str, ...]:
        return self._in(self.segment.books.word_lists, self.segment.facility_list)

    @property
    def source_updated_at(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.segment.source_updated_at.item(self.row))

    @property
    def evses(self) -> list[EvseRecord]:
        """In the partner's order."""
        return self._together.evses[self._number]

    def availability(self, now: datetime) -> Availability:
        """How many charge points are free, and how old that is."""
        counts = self.segment.counts[self.row].tolist()
        usual = delays.known().get((self.country_code, self.party_id))
        return from_columns([*counts, moment(self.segment.as_of.item(self.row))], now, usual)
