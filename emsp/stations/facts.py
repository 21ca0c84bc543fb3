"""What a partner says of a station, in our words; the edges translate into these, `changes` writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class ConnectorFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A socket or cable. `standard`, `format` and `power_type` are OCPI's enum words or UNKNOWN."""

    external_id: str
    standard: str
    format: str
    power_type: str
    max_power_w: int | None = None
    max_voltage_v: int | None = None
    max_amperage_a: int | None = None
    tariff_ids: list[str] = []
    capabilities: list[str] = []
    updated_at: datetime


class EvseFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A charge point. `status` is one of `EVSE_STATUSES`; REMOVED means it is no longer there.

    `accessible` tells whether somebody with a disability can use it, None where nothing is said of that.
    """

    uid: str
    evse_id: str | None = None
    label: str | None = None
    floor_level: str | None = None
    status: str
    capabilities: list[str] = []
    parking_restrictions: list[str] = []
    accessible: bool | None = None
    connectors: list[ConnectorFacts] = []
    updated_at: datetime


class StationFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A place with its charge points. Coordinates are WGS 84 degrees, `country` ISO 3166-1 alpha-3."""

    country_code: str
    party_id: str
    external_id: str
    name: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    country: str | None = None
    latitude: float
    longitude: float
    time_zone: str
    operator_name: str | None = None
    operator_website: str | None = None
    operator_phone: str | None = None
    twenty_four_seven: bool | None = None
    opening_hours: dict[str, Any] | None = None
    facilities: list[str] = []
    parking_type: str | None = None
    publish: bool = True
    evses: list[EvseFacts] = []
    updated_at: datetime


EVSE_STATUSES = frozenset(
    {
        "AVAILABLE",
        "BLOCKED",
        "CHARGING",
        "INOPERATIVE",
        "OUTOFORDER",
        "PLANNED",
        "REMOVED",
        "RESERVED",
        "UNKNOWN",
    }
)
