"""Stations of the index as objects, with the names that rows of the database have.

What is asked of one is read from the columns then: most of it is never asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from emsp.stations.availability import Availability, freshness
from emsp.stations.history import delays
from emsp.stations.index import codes
from emsp.stations.index.books import Hours, Operator
from emsp.stations.index.columns import Segment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNTS = len(codes.COUNTED)
STATION_TEXTS = ("external_id", "name", "street", "city", "postal_code", "state", "parking_type")
"""Columns of a station that are texts in its heap, in this order; all texts may be null."""
EVSE_TEXTS = ("uid", "evse_id", "label", "floor_level", "parking_restrictions")
"""Of an EVSE; the last one is a list, written in JSON."""


class StationTexts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the heap holds of a station."""

    external_id: str
    name: str | None
    street: str | None
    city: str | None
    postal_code: str | None
    state: str | None
    parking_type: str | None


class EvseTexts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the heap holds of an EVSE."""

    uid: str
    evse_id: str | None
    label: str | None
    floor_level: str | None
    parking_restrictions: str


_read_station_texts = msgspec.json.Decoder(StationTexts).decode
_read_evse_texts = msgspec.json.Decoder(EvseTexts).decode
_words = msgspec.json.Decoder(list[str]).decode


def station_texts(segment: Segment, row: int) -> StationTexts:
    """The texts of a station."""
    start = segment.at.heap_start
    return _read_station_texts(segment.at.heap[start[row] : start[row + 1]])


def evse_texts(segment: Segment, row: int) -> EvseTexts:
    """The texts of a charge point."""
    start = segment.at.evse_heap_start
    return _read_evse_texts(segment.at.evse_heap[start[row] : start[row + 1]])


class ConnectorRecord(msgspec.Struct, eq=False, gc=False):
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


class EvseRecord(msgspec.Struct, eq=False, gc=False):
    """A charge point, with its status as it was when its station was asked for its charge points."""

    segment: Segment
    row: int
    id: int
    station_id: int
    status: str
    status_as_of_us: int
    texts: EvseTexts | None = None
    """Those that `uid` and the others below are read from, once one of them was asked for."""
    removed: bool = False

    @property
    def status_as_of(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.status_as_of_us)

    @property
    def capabilities(self) -> tuple[str, ...]:
        return self.segment.books.word_lists[self.segment.at.capability_list[self.row]]

    @property
    def accessible(self) -> bool | None:
        stated = self.segment.at.accessible[self.row]
        return None if stated < 0 else bool(stated)

    def _texts(self) -> EvseTexts:
        if self.texts is None:
            self.texts = evse_texts(self.segment, self.row)
        return self.texts

    @property
    def uid(self) -> str:
        return self._texts().uid

    @property
    def evse_id(self) -> str | None:
        return self._texts().evse_id

    @property
    def label(self) -> str | None:
        return self._texts().label

    @property
    def floor_level(self) -> str | None:
        return self._texts().floor_level

    @property
    def parking_restrictions(self) -> list[str]:
        return _words(self._texts().parking_restrictions)

    @property
    def connectors(self) -> list[ConnectorRecord]:
        """In the partner's order."""
        start = self.segment.at.connector_start
        return [_connector(self.segment, row, self.id) for row in range(start[self.row], start[self.row + 1])]


def _connector(segment: Segment, row: int, evse_id: int) -> ConnectorRecord:
    at = segment.at
    power_w = at.power_w[row]
    return ConnectorRecord(
        at.connector_id[row],
        evse_id,
        codes.STANDARD_WORDS[at.standard[row]],
        codes.FORMAT_WORDS[at.format[row]],
        codes.POWER_TYPE_WORDS[at.power_type[row]],
        None if power_w < 0 else power_w,
        at.outlet[row],
    )


def station_record(segment: Segment, row: int) -> StationRecord:
    """A station as it is now."""
    at, counts = segment.at, slice(row * COUNTS, row * COUNTS + COUNTS)
    return StationRecord(
        segment,
        row,
        at.id[row],
        at.version[row],
        at.longitude[row],
        at.latitude[row],
        station_texts(segment, row),
        at.counts[counts].tolist(),
        at.as_of_delta(row),
    )


class StationRecord(msgspec.Struct, eq=False, gc=False):
    """A place with charge points, as it was when it was read."""

    segment: Segment
    row: int
    id: int
    version: int
    longitude: float
    latitude: float
    texts: StationTexts
    counts: list[int]
    """By `codes.COUNTED`."""
    as_of: timedelta | None
    """Of the newest status that is known, since 1970."""
    shown: bool = True
    publish: bool = True

    @property
    def external_id(self) -> str:
        return self.texts.external_id

    @property
    def name(self) -> str | None:
        return self.texts.name

    @property
    def street(self) -> str | None:
        return self.texts.street

    @property
    def city(self) -> str | None:
        return self.texts.city

    @property
    def postal_code(self) -> str | None:
        return self.texts.postal_code

    @property
    def state(self) -> str | None:
        return self.texts.state

    @property
    def parking_type(self) -> str | None:
        return self.texts.parking_type

    @property
    def country(self) -> str | None:
        return self.segment.countries[self.segment.at.country[self.row]]

    @property
    def country_code(self) -> str:
        return self.segment.parties[self.segment.at.party[self.row]][0]

    @property
    def party_id(self) -> str:
        return self.segment.parties[self.segment.at.party[self.row]][1]

    @property
    def partner_id(self) -> UUID:
        return self.segment.partners[self.segment.at.partner[self.row]]

    @property
    def operator(self) -> Operator | None:
        return self.segment.operators[self.segment.at.operator[self.row]]

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

    def _hours(self) -> Hours:
        return self.segment.hours[self.segment.at.hours_ref[self.row]]

    @property
    def time_zone(self) -> str:
        return self._hours().time_zone

    @property
    def twenty_four_seven(self) -> bool | None:
        return self._hours().twenty_four_seven

    @property
    def opening_hours(self) -> dict[str, Any] | None:
        return self._hours().opening_hours

    @property
    def facilities(self) -> tuple[str, ...]:
        return self.segment.books.word_lists[self.segment.at.facility_list[self.row]]

    @property
    def source_updated_at(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.segment.at.source_updated_at[self.row])

    @property
    def evses(self) -> list[EvseRecord]:
        """In the partner's order."""
        segment, at = self.segment, self.segment.at
        return [
            EvseRecord(segment, row, at.evse_id[row], self.id, codes.STATUS_WORDS[at.status[row]], at.status_as_of[row])
            for row in range(at.evse_start[self.row], at.evse_start[self.row + 1])
        ]

    def availability(self, now: datetime) -> Availability:
        """How many charge points are free, and how old that is."""
        as_of = None if self.as_of is None else EPOCH + self.as_of
        usual = delays.known().get(self.segment.parties[self.segment.at.party[self.row]])
        free, occupied, reserved, out_of_service, unknown, total = self.counts
        how_fresh = freshness(as_of, now, usual)
        return Availability(free, occupied, reserved, out_of_service, unknown, total, as_of, how_fresh)
