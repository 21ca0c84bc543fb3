"""A Location in OCPI's words becomes a station in ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

from emsp.clock import utc_text
from emsp.errors import Invalid
from emsp.ocpi.wire import fold, utc
from emsp.ocpi.words import messages
from emsp.stations.facts import EVSE_STATUSES, ConnectorFacts, EvseFacts, StationFacts

NOT_AVAILABLE = "#NA"
DISABLED = "DISABLED"
LEAST_PLAUSIBLE_W, MOST_PLAUSIBLE_W = 1_000, 5_000_000
LINE_TO_LINE_V = 380
SQUARE_ROOT_OF_3 = Decimal("1.7320508")
PHASES = {"DC": 1, "AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}
MIXED_CASE = {
    name.upper(): name
    for name in ("IEC_60309_2_single_16", "IEC_60309_2_three_16", "IEC_60309_2_three_32", "IEC_60309_2_three_64")
}


def station_of(location: messages.Location) -> StationFacts:
    """The station that a Location describes. Raises Invalid naming the field that makes it useless."""
    places = {fold(place.id): _words(place.vehicle_types) for place in location.parking_places or []}
    evses = [_evse(evse, utc(location.last_updated), places) for evse in location.evses or []]
    country_code, party_id = owner_of(location)
    latitude, longitude = _place(location.coordinates)
    operator, hours = location.operator, location.opening_times
    return StationFacts(
        country_code=country_code,
        party_id=party_id,
        external_id=location.id,
        name=known(location.name),
        street=known(location.address),
        city=known(location.city),
        postal_code=known(location.postal_code),
        state=known(location.state),
        country=location.country.upper() if location.country else None,
        latitude=latitude,
        longitude=longitude,
        time_zone=time_zone(location.time_zone, location.country or location.country_code),
        operator_name=known(operator.name) if operator else None,
        operator_website=operator.website if operator else None,
        operator_phone=known(location.help_phone),
        twenty_four_seven=hours.twentyfourseven if hours else None,
        opening_hours=_hours(hours) if hours else None,
        facilities=_words(location.facilities),
        parking_type=location.parking_type.upper() if location.parking_type else None,
        publish=location.publish is not False,
        evses=evses,
        updated_at=max([utc(location.last_updated), *(evse.updated_at for evse in evses)]),
    )


def owner_of(said: messages.Location | messages.Tariff | messages.Session | messages.Cdr) -> tuple[str, str]:
    """Country code and party id of whose an object is, in capitals. Raises Invalid when it does not say."""
    for name in ("country_code", "party_id"):
        if not getattr(said, name).strip():
            raise Invalid("required", name)
    return said.country_code.strip().upper(), said.party_id.strip().upper()


def known(text: str | None) -> str | None:
    """The text, or None for what partners write where they have none."""
    stripped = text.strip() if text else ""
    return stripped if stripped and stripped != NOT_AVAILABLE else None


def status_of(text: str) -> str:
    """An EVSE status; what is not in the table is UNKNOWN."""
    status = _word(text)
    return status if status in EVSE_STATUSES else "UNKNOWN"


def _place(coordinates: messages.Coordinates) -> tuple[float, float]:
    latitude, longitude = coordinates.latitude, coordinates.longitude
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Invalid(f"{latitude}, {longitude} is no place on earth", "coordinates")
    if latitude == 0 and longitude == 0:
        raise Invalid("0, 0 is where unknown places are", "coordinates")
    return latitude, longitude


def _evse(evse: messages.Evse, location_updated_at: datetime, places: Mapping[str, list[str]]) -> EvseFacts:
    """The EVSE-ID in capitals, as it is printed on the charge point, however the partner writes it."""
    restrictions = _words(evse.parking_restrictions)
    updated_at = utc(evse.last_updated) if evse.last_updated else location_updated_at
    evse_id = known(evse.evse_id)
    return EvseFacts(
        uid=evse.uid,
        evse_id=evse_id.upper() if evse_id else None,
        label=known(evse.physical_reference),
        floor_level=known(evse.floor_level),
        status=status_of(evse.status),
        capabilities=_words(_capabilities(evse)),
        parking_restrictions=restrictions,
        accessible=_is_accessible(evse, restrictions, places),
        connectors=[_connector(connector, updated_at) for connector in evse.connectors or []],
        updated_at=updated_at,
    )


def _is_accessible(evse: messages.Evse, restrictions: list[str], places: Mapping[str, list[str]]) -> bool | None:
    """Whether a vehicle with a permit for disabled people may park there: by a place made for it, or kept free for it.

    None where nothing is said: no place is named for the EVSE, or none says which vehicles it is for.
    """
    if DISABLED in restrictions:
        return True
    vehicles = [word for parking in evse.parking or [] for word in places.get(fold(parking.parking_id), [])]
    return DISABLED in vehicles if vehicles else None


def _capabilities(evse: messages.Evse) -> list[str] | None:
    """With what its connectors can do of themselves, as plug and charge: drivers look for it at the charge point."""
    of_connectors = [connector.capabilities for connector in evse.connectors or [] if connector.capabilities]
    return [*(evse.capabilities or []), *chain.from_iterable(of_connectors)] if of_connectors else evse.capabilities


def _connector(connector: messages.Connector, evse_updated_at: datetime) -> ConnectorFacts:
    standard = _word(connector.standard)
    return ConnectorFacts(
        external_id=connector.id,
        standard=MIXED_CASE.get(standard, standard),
        format=_word(connector.format),
        power_type=_word(connector.power_type),
        max_power_w=power_w(connector),
        max_voltage_v=_whole(connector.max_voltage),
        max_amperage_a=_whole(connector.max_amperage),
        tariff_ids=connector.tariff_ids or [],
        capabilities=_words(connector.capabilities),
        updated_at=utc(connector.last_updated) if connector.last_updated else evse_updated_at,
    )


def power_w(connector: messages.Connector) -> int | None:
    """The power of a connector in W: as stated if plausible, else from voltage, amperage and phases.

    The voltage of a three-phase connector is line to neutral by the specification; 380 V and more is taken as
    line to line. None when nothing plausible is known.
    """
    stated = _plausible(connector.max_electric_power)
    return stated if stated is not None else _plausible(_computed_power_w(connector))


def _plausible(power: Decimal | None) -> int | None:
    return int(power) if power is not None and LEAST_PLAUSIBLE_W <= power <= MOST_PLAUSIBLE_W else None


def _computed_power_w(connector: messages.Connector) -> Decimal | None:
    phases = PHASES.get(_word(connector.power_type))
    if connector.max_voltage is None or connector.max_amperage is None or phases is None:
        return None
    line_to_line = phases == 3 and connector.max_voltage >= LINE_TO_LINE_V
    return connector.max_voltage * connector.max_amperage * (SQUARE_ROOT_OF_3 if line_to_line else phases)


def _whole(number: Decimal | None) -> int | None:
    return int(number) if number is not None and 0 <= number < 1_000_000 else None


def _words(texts: list[str] | None) -> list[str]:
    return list(_distinct(tuple(texts))) if texts else []


@lru_cache(maxsize=1000)
def _distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Each word once, in their order; most places have what others have."""
    return tuple(dict.fromkeys(map(_word, texts)))


@lru_cache(maxsize=1000)
def _word(text: str) -> str:
    return text.strip().upper()


def _hours(hours: messages.Hours) -> dict[str, Any] | None:
    """Local times of the week and exceptions in UTC, named as in OCPI; None when nothing is said."""
    regular = [
        {"weekday": day.weekday, "period_begin": day.period_begin, "period_end": day.period_end}
        for day in hours.regular_hours or []
        if 1 <= day.weekday <= 7
    ]
    said = {
        "regular_hours": regular,
        "exceptional_openings": _exceptions(hours.exceptional_openings),
        "exceptional_closings": _exceptions(hours.exceptional_closings),
    }
    return {name: value for name, value in said.items() if value} or None


def _exceptions(periods: list[messages.ExceptionalPeriod] | None) -> list[dict[str, str]]:
    return [
        {"period_begin": utc_text(utc(period.period_begin)), "period_end": utc_text(utc(period.period_end))}
        for period in periods or []
    ]


@cache
def time_zone(stated: str | None, country: str) -> str:
    """The IANA zone: as stated if there is such a zone, else that of the country if it has one only, else UTC."""
    if stated and _is_zone(stated):
        return stated
    alias = get_global("territory_aliases").get(country.upper()) or [country.upper()]
    zones = get_global("territory_zones").get(alias[0]) or []
    return zones[0] if len(zones) == 1 else "UTC"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
