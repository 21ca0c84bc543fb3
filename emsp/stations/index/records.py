"""Stations of the index as objects, with the names that rows of the database have.

An object is a number of a row; what is asked of it is read then, and texts are decoded when the first one is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

import msgspec

from emsp.stations.availability import Availability, from_columns
from emsp.stations.history import delays
from emsp.stations.index import codes
from emsp.stations.index.books import Operator
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
    """A charge point, with its status as it was when its station was asked for its charge points."""

    removed = False

    def __init__(self, segment: Segment, row: int, values: Sequence[Any]) -> None:
        self._segment, self._row = segment, row
        self.id, self.station_id, self.status, self._status_as_of, self.capabilities, self._accessible = values

    @property
    def status_as_of(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._status_as_of)

    @property
    def accessible(self) -> bool | None:
        return None if self._accessible < 0 else bool(self._accessible)

    @once
    def _texts(self) -> EvseTexts:
        return _evse_texts(_text(self._segment.evse_heap, self._segment.evse_heap_start, self._row))

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

    @once
    def connectors(self) -> list[ConnectorRecord]:
        """In the partner's order."""
        start = self._segment.connector_start
        return _connectors(self._segment, start.item(self._row), start.item(self._row + 1), self.id)


def _connectors(segment: Segment, first: int, end: int, evse_id: int) -> list[ConnectorRecord]:
    return [
        ConnectorRecord(
            segment.connector_id.item(row),
            evse_id,
            codes.STANDARD_WORDS[segment.standard.item(row)],
            codes.FORMAT_WORDS[segment.format.item(row)],
            codes.POWER_TYPE_WORDS[segment.power_type.item(row)],
            None if (power_w := segment.power_w.item(row)) < 0 else power_w,
            segment.outlet.item(row),
        )
        for row in range(first, end)
    ]


def _evses(segment: Segment, row: int, station_id: int) -> list[EvseRecord]:
    lists = segment.books.word_lists
    return [
        EvseRecord(
            segment,
            evse,
            (
                segment.evse_id.item(evse),
                station_id,
                codes.STATUS_WORDS[segment.status.item(evse)],
                segment.status_as_of.item(evse),
                lists[segment.capability_list.item(evse)],
                segment.accessible.item(evse),
            ),
        )
        for evse in range(segment.evse_start.item(row), segment.evse_start.item(row + 1))
    ]


def _text(heap: Array, start: Array, row: int) -> memoryview:
    return heap.data[start.item(row) : start.item(row + 1)]


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
            return [StationRecord(*place) for place in self.places[number]]
        return StationRecord(*self.places[number])


class StationRecord:
    """A place with charge points."""

    shown = publish = True

    def __init__(self, segment: Segment, row: int) -> None:
        self.segment, self.row = segment, row
        self.id = segment.id.item(row)
        self.version = segment.version.item(row)

    @once
    def _texts(self) -> StationTexts:
        return _station_texts(_text(self.segment.heap, self.segment.heap_start, self.row))

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

    @property
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

    @once
    def evses(self) -> list[EvseRecord]:
        """In the partner's order."""
        return _evses(self.segment, self.row, self.id)

    def availability(self, now: datetime) -> Availability:
        """How many charge points are free, and how old that is."""
        counts = self.segment.counts[self.row].tolist()
        usual = delays.known().get((self.country_code, self.party_id))
        return from_columns([*counts, moment(self.segment.as_of.item(self.row))], now, usual)
