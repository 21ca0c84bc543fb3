"""Lies about places, times and names."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..wire import now, parse_timestamp, timestamp
from .objects import Said, meaning, rebuilt
from .telling import tells

if TYPE_CHECKING:
    from ..platform import Platform

Body = dict[str, Any]
Window = tuple[datetime | None, datetime | None]
IDS = (
    "country_code",
    "party_id",
    "id",
    "uid",
    "evse_id",
    "location_id",
    "evse_uid",
    "connector_id",
    "session_id",
    "tariff_id",
    "tariff_ids",
    "contract_id",
    "authorization_reference",
    "credit_reference_id",
)
LONG = {
    "name": 300,
    "address": 120,
    "city": 90,
    "postal_code": 30,
    "evse_id": 70,
    "physical_reference": 40,
    "text": 900,
}


@meaning(
    "session-without-token",
    "Sessions hold neither cdr_token nor authorization_reference.",
    "OCPI 2.2.1, Sessions: cdr_token is mandatory",
    "session",
)
def _without_token(said: Said) -> Body:
    gone = ("cdr_token", "authorization_reference")
    return {name: value for name, value in said.body.items() if name not in gone}


@meaning("dropped-evses", "An EVSE vanishes from its Location without a word.", "ocpi/ocpi#412", "location")
def _dropped_evses(said: Said) -> Body:
    evses = list(said.body.get("evses") or [])
    if evses:
        del evses[zlib.crc32(f"{said.seed}/{said.body['id']}".encode()) % len(evses)]
    return {**said.body, "evses": evses}


@meaning(
    "bumped-last-updated",
    "last_updated moves at every pull although nothing changed.",
    "ocpi/ocpi#428",
    "location",
    "tariff",
)
def _bumped(said: Said) -> Any:
    if said.pushed:
        return said.body
    moment = timestamp(now())
    return rebuilt(said.body, lambda name, value: moment if name == "last_updated" else value)


def window(platform: Platform, asked: Window) -> Window:
    """What a filter by `last_updated` lets through: everything, when everything pretends to be new."""
    return (None, None) if tells(platform, "bumped-last-updated") else asked


@meaning(
    "last-updated-backwards",
    "last_updated runs backwards: the later a change, the older it says it is.",
    "OCPI 2.2.1, Types: last_updated of a newer version is later",
    "location",
    "evse",
    "connector",
    "tariff",
    "session",
)
def _backwards(said: Said) -> Any:
    mirror = said.born - timedelta(days=365)

    def reflected(name: str, value: Any) -> Any:
        return timestamp(mirror - (parse_timestamp(value, name) - mirror)) if name == "last_updated" else value

    return rebuilt(said.body, reflected)


@meaning(
    "swapped-coordinates",
    "Latitude and longitude are exchanged.",
    "OCPI 2.1.1 and 2.2.1, CDRs: the example objects",
    "location",
    "evse",
    "cdr",
)
def _swapped(said: Said) -> Any:
    return _exchanged(said.body)


def _exchanged(value: Any) -> Any:
    if isinstance(value, list):
        return [_exchanged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if {"latitude", "longitude"} <= set(value):
        return {**value, "latitude": value["longitude"], "longitude": value["latitude"]}
    return {name: _exchanged(member) for name, member in value.items()}


@meaning(
    "other-case",
    "Ids and codes are pushed in another case than they are pulled.",
    "OCPI 2.2.1, Types: CiString is case-insensitive",
)
def _other_case(said: Said) -> Any:
    if not said.pushed:
        return said.body
    return rebuilt(said.body, lambda name, value: recased(value) if name in IDS else value)


def recased(value: Any) -> Any:
    """A text with its capitals small and its small letters capital."""
    return value.swapcase() if isinstance(value, str) else value


@meaning(
    "overlong-texts",
    "Names, addresses and references are longer than their fields.",
    "OCPI 2.2.1, Types: string(n) has at most n characters",
    "location",
    "evse",
    "tariff",
    "cdr",
)
def _overlong(said: Said) -> Any:
    return rebuilt(said.body, lambda name, value: _stretched(value, LONG.get(name, 0)))


def _stretched(value: Any, length: int) -> Any:
    return (f"{value} " * length)[:length].strip() if length and isinstance(value, str) and value else value
