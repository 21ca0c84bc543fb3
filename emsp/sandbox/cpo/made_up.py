"""Made-up stations: the same seed gives the same stations, prices and states every time."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .cities import CITIES, OPERATORS, City, Operator
from .price_lists import AC_SHAPES, DC_SHAPES, tariffs_of
from .wire import timestamp

STATUSES = {"AVAILABLE": 66, "CHARGING": 20, "UNKNOWN": 5, "OUTOFORDER": 5, "INOPERATIVE": 2, "BLOCKED": 2}
FACILITIES = ("SUPERMARKET", "RESTAURANT", "CAFE", "WIFI", "PARKING_LOT", "TRAIN_STATION", "HOTEL", "MALL")
KINDS = ("kerb", "kerb", "kerb", "garage", "shop", "hub")
SITE = {
    "kerb": ("{street}", "ON_STREET", 2),
    "garage": ("Parking {street}", "PARKING_GARAGE", 6),
    "shop": ("{street} shops", "PARKING_LOT", 4),
    "hub": ("{street} fast charging", "ALONG_MOTORWAY", 6),
}
SOCKET_22 = ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 32, 22_000)
AC_CONNECTORS = (
    SOCKET_22,
    SOCKET_22,
    ("IEC_62196_T2", "SOCKET", "AC_3_PHASE", 230, 16, 11_000),
    ("IEC_62196_T2", "CABLE", "AC_3_PHASE", 230, 16, 11_000),
    ("IEC_62196_T2", "SOCKET", "AC_1_PHASE", 230, 32, 7_400),
)
DC_CONNECTORS = (
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 500, 125, 50_000),
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 300, 150_000),
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 920, 500, 300_000),
    ("IEC_62196_T2_COMBO", "CABLE", "DC", 1000, 500, 400_000),
)
CHADEMO = ("CHADEMO", "CABLE", "DC", 500, 125, 50_000)


class StreetPlan:
    """Draws stations and tariffs; `born` is when the platform first opened, the newest any of them can be."""

    def __init__(self, seed: int, born: datetime) -> None:
        self._seed = seed
        self._born = born

    def tariffs(self) -> Iterator[dict[str, Any]]:
        """The tariffs of every operator in every country."""
        countries = {city.country_code: city for city in CITIES}
        updated = timestamp(self._born - timedelta(days=30))
        for city in countries.values():
            for operator in OPERATORS:
                yield from tariffs_of(city.country_code, operator.party_id, city.money, updated)

    def locations(self, count: int) -> Iterator[dict[str, Any]]:
        """`count` locations, spread over the cities in turn."""
        for number in range(1, count + 1):
            dice = random.Random(f"{self._seed}/{number}")
            yield self._location(number, CITIES[number % len(CITIES)], dice)

    def _location(self, number: int, city: City, dice: random.Random) -> dict[str, Any]:
        kind = dice.choice(KINDS)
        operator = dice.choice([operator for operator in OPERATORS if operator.fast is (kind == "hub")])
        street, (name, parking_type, most) = dice.choice(city.streets), SITE[kind]
        house = dice.randint(1, 220)
        evses = [self._evse(number, index, city, operator, kind, dice) for index in range(1, dice.randint(1, most) + 1)]
        return {
            "country_code": city.country_code,
            "party_id": operator.party_id,
            "id": f"SBX{number:05d}",
            "publish": True,
            "name": f"{operator.name} {name.format(street=street)} {house}",
            "address": f"{street} {house}",
            "city": city.name,
            "postal_code": city.postal_code,
            "country": city.country,
            "coordinates": _near(city, kind, dice),
            "parking_type": parking_type,
            "evses": evses,
            "operator": {"name": operator.name},
            "facilities": [] if kind == "kerb" else sorted(dice.sample(FACILITIES, 2)),
            "time_zone": city.time_zone,
            "opening_times": _opening_times(kind, dice),
            "charging_when_closed": True,
            "last_updated": max(evse["last_updated"] for evse in evses),
        }

    def _evse(
        self, number: int, index: int, city: City, operator: Operator, kind: str, dice: random.Random
    ) -> dict[str, Any]:
        updated = timestamp((self._born - timedelta(seconds=dice.randint(30, 6 * 3600))).replace(microsecond=0))
        (status,) = dice.choices(list(STATUSES), list(STATUSES.values()))
        plugs = [dice.choice(DC_CONNECTORS if kind == "hub" else AC_CONNECTORS)]
        if kind == "hub" and dice.random() < 0.25:
            plugs.append(CHADEMO)
        shape = dice.choice(DC_SHAPES if kind == "hub" else AC_SHAPES)
        listed = [] if dice.random() < 0.08 else [f"{operator.party_id}-{shape}".upper()]
        return {
            "uid": f"SBX{number:05d}-{index}",
            "evse_id": f"{city.country_code}*{operator.party_id}*E{number:06d}*{index}",
            "status": status,
            "capabilities": _capabilities(number, index, kind),
            "connectors": [_connector(str(at), plug, listed, updated) for at, plug in enumerate(plugs, start=1)],
            "physical_reference": str(index),
            "last_updated": updated,
        }


def _capabilities(number: int, index: int, kind: str) -> list[str]:
    """What an EVSE can do: numbers decide, so that the dice roll the same stations with and without."""
    extras = {
        "CONTACTLESS_CARD_SUPPORT": kind == "hub",
        "RESERVABLE": (number + index) % 3 == 0,
        "UNLOCK_CAPABLE": kind != "hub" and number % 2 == 0,
        "CHARGING_PREFERENCES_CAPABLE": kind == "garage" or number % 4 == 0,
        "CHARGING_PROFILE_CAPABLE": kind == "garage" or number % 5 == 0,
    }
    return ["REMOTE_START_STOP_CAPABLE", "RFID_READER", *(name for name, has in extras.items() if has)]


def _connector(
    connector_id: str, plug: tuple[str, str, str, int, int, int], tariff_ids: list[str], updated: str
) -> dict[str, Any]:
    standard, form, power_type, voltage, amperage, power_w = plug
    return {
        "id": connector_id,
        "standard": standard,
        "format": form,
        "power_type": power_type,
        "max_voltage": voltage,
        "max_amperage": amperage,
        "max_electric_power": power_w,
        "tariff_ids": tariff_ids,
        "last_updated": updated,
    }


def _near(city: City, kind: str, dice: random.Random) -> dict[str, str]:
    """Within some 4 km of the centre; fast chargers further out."""
    spread = 90_000 if kind == "hub" else 35_000
    latitude = city.latitude + Decimal(dice.randint(-spread, spread)) / 1_000_000
    longitude = city.longitude + Decimal(dice.randint(-spread, spread)) / 1_000_000
    return {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}"}


def _opening_times(kind: str, dice: random.Random) -> dict[str, Any]:
    if kind != "shop" or dice.random() < 0.5:
        return {"twentyfourseven": True}
    hours = [{"weekday": day, "period_begin": "07:00", "period_end": "22:00"} for day in range(1, 8)]
    return {"twentyfourseven": False, "regular_hours": hours}
