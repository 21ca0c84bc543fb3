"""A continent that was made up: locations that stand together in towns, the same ones at every run.

More locations mean more towns, not denser ones, so that a street shows as many stations at every size. The figures
(three EVSEs a location, one or two connectors an EVSE, a third of fast chargers) are those of public feeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

PER_TOWN = 500
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
OPERATORS, PARTIES, TARIFFS = 300, 60, 40
COUNTRIES = (  # alpha-3, alpha-2, time zone, west, south, east, north, share of all towns
    ("NLD", "NL", "Europe/Amsterdam", 4.2, 51.3, 6.9, 53.3, 14),
    ("DEU", "DE", "Europe/Berlin", 7.0, 47.6, 14.2, 54.3, 20),
    ("FRA", "FR", "Europe/Paris", -1.2, 43.4, 6.6, 49.8, 18),
    ("BEL", "BE", "Europe/Brussels", 3.0, 50.2, 5.8, 51.2, 6),
    ("GBR", "GB", "Europe/London", -4.5, 50.8, 0.9, 55.5, 12),
    ("ITA", "IT", "Europe/Rome", 8.0, 44.2, 12.4, 46.2, 8),
    ("ESP", "ES", "Europe/Madrid", -6.5, 37.4, -0.5, 42.5, 7),
    ("SWE", "SE", "Europe/Stockholm", 12.3, 56.0, 17.5, 60.5, 5),
    ("NOR", "NO", "Europe/Oslo", 6.0, 58.4, 11.5, 61.5, 5),
    ("POL", "PL", "Europe/Warsaw", 15.2, 49.9, 22.5, 54.0, 5),
)
STATUSES = ("AVAILABLE", "CHARGING", "UNKNOWN", "OUTOFORDER", "INOPERATIVE", "BLOCKED", "RESERVED")
STATUS_SHARES = (0.60, 0.21, 0.08, 0.05, 0.03, 0.02, 0.01)
CAPABILITIES: tuple[list[str], ...] = (
    [],
    ["RFID_READER"],
    ["RFID_READER", "REMOTE_START_STOP_CAPABLE"],
    ["RFID_READER", "REMOTE_START_STOP_CAPABLE", "RESERVABLE"],
    ["RFID_READER", "REMOTE_START_STOP_CAPABLE", "CONTACTLESS_CARD_SUPPORT"],
)
FACILITIES: tuple[list[str], ...] = ([], ["PARKING_LOT"], ["SUPERMARKET", "PARKING_LOT"], ["RESTAURANT", "WIFI"])
HOURS: tuple[dict[str, Any] | None, ...] = (
    {"twentyfourseven": True},
    {"twentyfourseven": True},
    None,
    {
        "twentyfourseven": False,
        "regular_hours": [
            {"weekday": day, "period_begin": "07:00", "period_end": "22:00"} for day in (1, 2, 3, 4, 5, 6)
        ],
    },
)
SLOW = ((11_000, 16), (22_000, 32), (7_400, 32), (None, None))
FAST = ((50_000, 125), (150_000, 375), (300_000, 500), (350_000, 500))
BEGINNINGS = ("Alt", "Ber", "Cor", "Dun", "Eik", "Fal", "Gron", "Hel", "Kirk", "Lund", "Mar", "Nord", "Oster", "Sund")
MIDDLES = ("", "en", "ing", "er", "ols", "um")
ENDS = ("burg", "dorp", "stad", "ville", "ford", "heim", "berg", "mond", "haven", "holm", "wick", "lo")
STREETS = ("Kerkstraat", "Hauptstrasse", "Rue de la Gare", "High Street", "Stationsweg", "Via Roma", "Storgata")


class Connector(NamedTuple):
    """A socket or cable; a power that is not known is None."""

    standard: str
    format: str
    power_type: str
    power_w: int | None
    voltage_v: int
    amperage_a: int | None
    tariff: str


class Evse(NamedTuple):
    """A charge point."""

    uid: str
    evse_id: str
    status: str
    as_of: datetime
    capabilities: list[str]
    connectors: list[Connector]


class Location(NamedTuple):
    """A place with charge points. `operator` and `party` are numbers below OPERATORS and PARTIES."""

    number: int
    id: str
    name: str
    street: str
    city: str
    postal_code: str
    country: str
    time_zone: str
    longitude: float
    latitude: float
    operator: int
    party: int
    hours: dict[str, Any] | None
    facilities: list[str]
    evses: list[Evse]


class Towns(NamedTuple):
    """Where the towns are, by number; `weight` is their share of all locations, `spread` their size in degrees."""

    longitude: np.ndarray
    latitude: np.ndarray
    country: np.ndarray
    weight: np.ndarray
    spread: np.ndarray


def towns(count: int) -> Towns:
    """So many towns, most of them small."""
    dice = np.random.default_rng(7)
    shares = np.array([country[7] for country in COUNTRIES], float)
    country = dice.choice(len(COUNTRIES), count, p=shares / shares.sum())
    west, south, east, north = (np.array([each[side] for each in COUNTRIES], float)[country] for side in (3, 4, 5, 6))
    weight = np.clip(1 + dice.pareto(1.6, count), 1, 60)
    return Towns(
        west + dice.random(count) * (east - west),
        south + dice.random(count) * (north - south),
        country,
        weight / weight.sum(),
        0.012 * np.sqrt(weight),
    )


def town_names(count: int) -> list[str]:
    """A name for each town; large continents use a name twice, as ours does."""
    dice = np.random.default_rng(8)
    parts = (BEGINNINGS, MIDDLES, ENDS)
    picked = [dice.integers(len(part), size=count).tolist() for part in parts]
    return ["".join(part[i] for part, i in zip(parts, each, strict=True)) for each in zip(*picked, strict=True)]


def locations(count: int, seed: int = 1) -> Iterator[Location]:
    """So many locations, in no order that would help anybody."""
    dice = np.random.default_rng(seed)
    places = towns(max(count // PER_TOWN, 1))
    names = town_names(len(places.weight))
    town = dice.choice(len(places.weight), count, p=places.weight)
    longitude = (places.longitude[town] + dice.normal(0, 1, count) * places.spread[town] * 1.6).round(6).tolist()
    latitude = (places.latitude[town] + dice.normal(0, 1, count) * places.spread[town]).round(6).tolist()
    operator = (dice.zipf(1.3, count) % OPERATORS).tolist()
    dials = dice.integers(1 << 30, size=count).tolist()
    evse_counts = np.clip(dice.geometric(0.36, count) + (dice.random(count) < 0.3), 1, 40)
    rolls = dice.integers(1 << 30, size=int(evse_counts.sum())).tolist()
    status = dice.choice(len(STATUSES), len(rolls), p=STATUS_SHARES).tolist()
    at = 0
    for number, (town_number, dial, evses) in enumerate(zip(town.tolist(), dials, evse_counts.tolist(), strict=True)):
        alpha_3, alpha_2, zone, *_ = COUNTRIES[places.country[town_number]]
        party, fast = operator[number] % PARTIES, dial % 100 < 30
        yield Location(
            number=number,
            id=f"L{number:07d}",
            name=f"{names[town_number]} {STREETS[dial % 7]} {dial % 211}",
            street=f"{STREETS[dial % 7]} {dial % 211}",
            city=names[town_number],
            postal_code=f"{town_number % 9000 + 1000} {chr(65 + dial % 26)}{chr(65 + dial // 26 % 26)}",
            country=alpha_3,
            time_zone=zone,
            longitude=longitude[number],
            latitude=latitude[number],
            operator=operator[number],
            party=party,
            hours=HOURS[dial % 4],
            facilities=FACILITIES[dial // 4 % 4],
            evses=[
                _evse(alpha_2, number, party, i, fast, rolls[at + i], STATUSES[status[at + i]]) for i in range(evses)
            ],
        )
        at += evses


def _evse(country: str, number: int, party: int, index: int, fast: bool, roll: int, status: str) -> Evse:
    power_w, amperage_a = (FAST if fast else SLOW)[roll % 4]
    tariff = f"T{roll % TARIFFS}"
    if fast:
        plugs = [Connector("IEC_62196_T2_COMBO", "CABLE", "DC", power_w, 400, amperage_a, tariff)]
        if roll % 5 < 2:
            plugs.append(Connector("CHADEMO", "CABLE", "DC", 50_000, 400, 125, tariff))
    else:
        plugs = [Connector("IEC_62196_T2", "SOCKET", "AC_3_PHASE", power_w, 230, amperage_a, tariff)]
        if roll % 5 == 0:
            plugs.append(Connector("DOMESTIC_F", "SOCKET", "AC_1_PHASE", 3_700, 230, 16, tariff))
    return Evse(
        uid=f"{number}-{index}",
        evse_id=f"{country}*{party_id(party)}*E{number:07d}*{index + 1}",
        status=status,
        as_of=MADE_AT + timedelta(seconds=roll % 2_500_000),
        capabilities=CAPABILITIES[roll // 4 % len(CAPABILITIES)],
        connectors=plugs,
    )


def party_id(party: int) -> str:
    """Three letters for a party."""
    return f"P{chr(65 + party // 26)}{chr(65 + party % 26)}"


def as_ocpi(location: Location) -> dict[str, Any]:
    """A location as an operator sends it: an OCPI 2.2.1 Location object."""
    newest = max(evse.as_of for evse in location.evses)
    document: dict[str, Any] = {
        "country_code": "NL",
        "party_id": party_id(location.party),
        "id": location.id,
        "publish": True,
        "name": location.name,
        "address": location.street,
        "city": location.city,
        "postal_code": location.postal_code,
        "country": location.country,
        "coordinates": {"latitude": f"{location.latitude:.6f}", "longitude": f"{location.longitude:.6f}"},
        "time_zone": location.time_zone,
        "operator": {"name": f"Operator {location.operator}"},
        "facilities": location.facilities,
        "evses": [_evse_as_ocpi(evse) for evse in location.evses],
        "last_updated": _utc(newest),
    }
    return document | ({"opening_times": location.hours} if location.hours else {})


def _evse_as_ocpi(evse: Evse) -> dict[str, Any]:
    return {
        "uid": evse.uid,
        "evse_id": evse.evse_id,
        "status": evse.status,
        "capabilities": evse.capabilities,
        "connectors": [_connector_as_ocpi(i, each, evse) for i, each in enumerate(evse.connectors, 1)],
        "last_updated": _utc(evse.as_of),
    }


def _connector_as_ocpi(number: int, connector: Connector, evse: Evse) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": str(number),
        "standard": connector.standard,
        "format": connector.format,
        "power_type": connector.power_type,
        "max_voltage": connector.voltage_v,
        "max_amperage": connector.amperage_a or 16,
        "tariff_ids": [connector.tariff],
        "last_updated": _utc(evse.as_of),
    }
    return document | ({"max_electric_power": connector.power_w} if connector.power_w else {})


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
