"""From what a partner says to what is stored: keys, search words, a fingerprint of the content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from emsp.stations import words
from emsp.stations.facts import EvseFacts, StationFacts
from emsp.stations.opening import is_always_open

FINGERPRINT_VERSION = 3
"""Raised when rows are made in a new way, so that the next pull writes them again."""

OPERATOR = ("name", "website", "phone")
_TIME = re.compile(rb',"updated_at":"[^"]*"')  # quotes inside a JSON text are escaped: only members look so
Row = dict[str, Any]
ReportKey = tuple[str, str, str]
"""Country code and party id in upper case, and the partner's id of the thing, folded."""


class Reported(Protocol):
    """What a partner reports of a thing of its own."""

    @property
    def country_code(self) -> str: ...
    @property
    def party_id(self) -> str: ...
    @property
    def external_id(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...


Report = TypeVar("Report", bound=Reported)


class EvseState(msgspec.Struct, frozen=True):
    """What is stored of an EVSE that decides whether it changed."""

    id: int
    status: str
    source_updated_at: datetime


def report_key(report: Reported) -> ReportKey:
    """What makes two reports speak of the same thing."""
    return folded_key(report.country_code, report.party_id, report.external_id)


def folded_key(country_code: str, party_id: str, external_id: str) -> ReportKey:
    """The key of a thing from its parts in any case."""
    return country_code.upper(), party_id.upper(), words.key(external_id)


def newest(reports: Iterable[Report]) -> dict[ReportKey, Report]:
    """One report for each thing: the newest, and of equally new ones the last."""
    chosen: dict[ReportKey, Report] = {}
    for report in reports:
        key = report_key(report)
        if key not in chosen or report.updated_at >= chosen[key].updated_at:
            chosen[key] = report
    return chosen


def fingerprint(partner_id: UUID, station: StationFacts) -> str:
    """Equal for equal content; the times of the last update are not content."""
    content = _TIME.sub(b"", msgspec.json.encode(station))
    return blake2b(b"%d %s %s" % (FINGERPRINT_VERSION, partner_id.bytes, content), digest_size=16).hexdigest()


def evses_by_key(station: StationFacts) -> dict[str, EvseFacts]:
    """The EVSEs in their order; of two with the same uid the later one counts."""
    return {words.key(evse.uid): evse for evse in station.evses}


def with_newer_statuses(station: StationFacts, stored: Mapping[str, EvseState]) -> StationFacts:
    """The report, but with the stored status of each EVSE whose stored status is newer."""
    late = [_outlived(evse, stored.get(words.key(evse.uid))) for evse in station.evses]
    return station if late == station.evses else replace(station, evses=late)


def _outlived(evse: EvseFacts, stored: EvseState | None) -> EvseFacts:
    if stored is None or evse.updated_at >= stored.source_updated_at:
        return evse
    return replace(evse, status=stored.status, updated_at=stored.source_updated_at)


def statuses(station: StationFacts) -> list[str]:
    """The statuses of the EVSEs in their order."""
    return [evse.status for evse in station.evses]


def evse_rows(station_id: int, station: StationFacts) -> list[Row]:
    """Rows of a station's EVSEs."""
    return [
        {
            "station_id": station_id,
            "uid": evse.uid,
            "uid_key": key,
            "position": position,
            "evse_id": evse.evse_id,
            "evse_key": words.evse_key(evse.evse_id) if evse.evse_id else None,
            "label": evse.label,
            "floor_level": evse.floor_level,
            "status": evse.status,
            "status_as_of": evse.updated_at,
            "capabilities": evse.capabilities,
            "parking_restrictions": evse.parking_restrictions,
            "accessible": evse.accessible,
            "removed": evse.status == "REMOVED",
            "source_updated_at": evse.updated_at,
        }
        for position, (key, evse) in enumerate(evses_by_key(station).items())
    ]


def connector_rows(station_id: int, station: StationFacts) -> list[Row]:
    """Rows of a station's connectors; of two with the same id at an EVSE the later one counts."""
    rows: dict[tuple[str, str], Row] = {}
    for evse_key, evse in evses_by_key(station).items():
        for position, connector in enumerate(evse.connectors):
            key = words.key(connector.external_id)
            rows[evse_key, key] = {
                "station_id": station_id,
                "uid_key": evse_key,
                "external_id": connector.external_id,
                "external_key": key,
                "position": position,
                "standard": connector.standard,
                "format": connector.format,
                "power_type": connector.power_type,
                "max_power_w": connector.max_power_w,
                "max_voltage_v": connector.max_voltage_v,
                "max_amperage_a": connector.max_amperage_a,
                "tariff_keys": [words.key(tariff_id) for tariff_id in connector.tariff_ids],
                "capabilities": connector.capabilities,
                "removed": False,
                "source_updated_at": connector.updated_at,
            }
    return list(rows.values())


def station_row(partner_id: UUID, station: StationFacts, content_hash: str, now: datetime) -> Row:
    """A station's row; shown when it is published and at least one EVSE is there."""
    country_code, party_id, external_key = report_key(station)
    return {
        "partner_id": partner_id,
        "country_code": country_code,
        "party_id": party_id,
        "external_id": station.external_id,
        "external_key": external_key,
        "operator_name": station.operator_name,
        "name": station.name,
        "street": station.street,
        "city": station.city,
        "postal_code": station.postal_code,
        "state": station.state,
        "country": station.country,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "time_zone": station.time_zone,
        "twenty_four_seven": is_always_open(station.twenty_four_seven, station.opening_hours),
        "opening_hours": station.opening_hours,
        "facilities": station.facilities,
        "parking_type": station.parking_type,
        "publish": station.publish,
        "shown": station.publish and any(evse.status != "REMOVED" for evse in station.evses),
        "search_words": search_words(station),
        "content_hash": content_hash,
        "source_updated_at": station.updated_at,
        "updated_at": now,
    }


def search_words(station: StationFacts) -> str:
    """What a station is found by, folded, a line for each: name, city, operator, street, postal code, EVSE ids.

    The postal code and the EVSE ids stand there without separators.
    """
    fields = (station.name, station.city, station.operator_name, station.street, station.postal_code)
    lines = [words.folded(field or "") for field in fields]
    ids = dict.fromkeys(words.evse_key(evse.evse_id).lower() for evse in station.evses if evse.evse_id)
    return "\n".join([*lines, lines[-1].replace(" ", ""), *ids])


def operator_rows(stations: Iterable[StationFacts]) -> list[Row]:
    """One row for each name, in order of the names; of what was said of it the last counts."""
    operators: dict[str, Row] = {}
    for station in stations:
        if station.operator_name:
            row = operators.setdefault(station.operator_name, dict.fromkeys(OPERATOR))
            row["name"] = station.operator_name
            row["website"] = station.operator_website or row["website"]
            row["phone"] = station.operator_phone or row["phone"]
    return [operators[name] for name in sorted(operators)]
