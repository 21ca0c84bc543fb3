"""From a START_SESSION to a session in the books: the place, the price, and whether the charge point will agree."""

from typing import Any

from . import lies
from .charging import charging_power_w
from .feed import Party
from .platform import Platform
from .state import Session
from .wire import OcpiError, now, parse_timestamp

TAKEN = ("CHARGING", "BLOCKED", "RESERVED")
BROKEN = ("INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED")
CURRENCIES = {"GB": "GBP", "CH": "CHF", "SE": "SEK", "DK": "DKK", "CZ": "CZK", "NO": "NOK", "PL": "PLN"}
CHOSEN_TYPES = (None, "REGULAR")


def new_session(platform: Platform, command: dict[str, Any], addressed: Party | None) -> Session:
    """The session that a START_SESSION asks for. Raises OcpiError 2003 when there is no such place."""
    location = _location(platform, command["location_id"], addressed)
    evse = _evse(platform, location, command.get("evse_uid"))
    connector = _connector(evse, command.get("connector_id"))
    tariff = _tariff(platform, location, connector)
    behaviour = _behaviour(platform, location, evse)
    books, moment = platform.books, now()
    return Session(
        id=f"SBX-{books.prefix}-{len(books.sessions) + 1:06d}",
        phase="accepted",
        behaviour=behaviour,
        country_code=location["country_code"],
        party_id=location["party_id"],
        location_id=location["id"],
        evse_uid=evse["uid"],
        connector_id=connector["id"],
        cdr_location=_cdr_location(location, evse, connector),
        time_zone=location.get("time_zone") or "UTC",
        tariff=tariff or _unlisted_tariff(location),
        tariff_published=tariff is not None,
        power_w=charging_power_w(connector),
        speed=1.0 if behaviour["pace"] == "real" else platform.options.speed,
        token=command["token"],
        authorization_reference=command.get("authorization_reference"),
        response_url=command["response_url"],
        created=moment,
        last_updated=moment,
    )


def _location(platform: Platform, location_id: str, addressed: Party | None) -> dict[str, Any]:
    position = platform.locations.find(location_id, addressed)
    if position is None:
        raise OcpiError(2003, f"location_id: {location_id} is not known")
    return platform.locations.read(position)


def _evse(platform: Platform, location: dict[str, Any], wanted: str | None) -> dict[str, Any]:
    evses: list[dict[str, Any]] = location.get("evses") or []
    if wanted is not None:
        named = next((evse for evse in evses if evse["uid"].lower() == wanted.lower()), None)
        if named is None:
            raise OcpiError(2003, f"evse_uid: {wanted} is not known at location {location['id']}")
        return named
    free = [evse for evse in evses if _refusal(platform, location, evse) is None]
    if not evses:
        raise OcpiError(2003, f"location_id: {location['id']} has no EVSE")
    return (free or evses)[0]


def _connector(evse: dict[str, Any], wanted: str | None) -> dict[str, Any]:
    for connector in evse["connectors"]:
        if wanted is None or connector["id"].lower() == wanted.lower():
            return dict(connector)
    raise OcpiError(2003, f"connector_id: {wanted} is not known at EVSE {evse['uid']}")


def _behaviour(platform: Platform, location: dict[str, Any], evse: dict[str, Any]) -> dict[str, str]:
    told = lies.behaviour(platform, (location["id"], evse["uid"]))
    refusal = _refusal(platform, location, evse)
    return {**told, "start": refusal} if refusal and told["start"] == "ok" else told


def _refusal(platform: Platform, location: dict[str, Any], evse: dict[str, Any]) -> str | None:
    place = (location["country_code"], location["party_id"], location["id"], evse["uid"])
    ours = (
        (s.country_code, s.party_id, s.location_id, s.evse_uid) for s in platform.books.sessions.values() if s.occupies
    )
    if evse["status"] in TAKEN or place in ours:
        return "evse_occupied"
    return "evse_inoperative" if evse["status"] in BROKEN else None


def _tariff(platform: Platform, location: dict[str, Any], connector: dict[str, Any]) -> dict[str, Any] | None:
    party = (location["country_code"].upper(), location["party_id"].upper())
    for tariff_id in connector.get("tariff_ids") or []:
        position = platform.tariffs.owned(tariff_id, party)
        if position is not None and _valid(tariff := platform.tariffs.read(position)):
            return tariff
    return None


def _valid(tariff: dict[str, Any]) -> bool:
    start, end = (
        parse_timestamp(tariff[name], name) if tariff.get(name) else None
        for name in ("start_date_time", "end_date_time")
    )
    moment = now()
    return tariff.get("type") in CHOSEN_TYPES and not (start and moment < start) and not (end and moment >= end)


def _unlisted_tariff(location: dict[str, Any]) -> dict[str, Any]:
    """What is asked where no tariff is published: known to this CPO and to the CDR only."""
    currency = CURRENCIES.get(location["country_code"], "EUR")
    price = {
        "type": "ENERGY",
        "price": 7 if currency in ("SEK", "DKK", "NOK") else 1,
        "vat": 21,
        "step_size": 1,
    }
    return {"id": "unlisted", "currency": currency, "elements": [{"price_components": [price]}]}


def _cdr_location(location: dict[str, Any], evse: dict[str, Any], connector: dict[str, Any]) -> dict[str, Any]:
    optional = {name: location[name] for name in ("name", "postal_code") if location.get(name)}
    return {
        "id": location["id"],
        **optional,
        "address": location["address"][:45],
        "city": location["city"],
        "country": location["country"],
        "coordinates": location["coordinates"],
        "evse_uid": evse["uid"],
        "evse_id": evse.get("evse_id") or "#NA",
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }
