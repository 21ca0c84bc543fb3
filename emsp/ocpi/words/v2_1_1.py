"""What 2.1.1 says in other words than 2.2.1: names, bare amounts, whole Locations in Sessions and CDRs, one party.

Pure functions on parsed JSON, of whole objects and of the fragments of a PATCH alike, as in `v2_2_1`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emsp.ocpi.words.v2_2_1 import Json, changed, each, number, renamed

PLACE_NAMES = {
    "type": "parking_type",
    "voltage": "max_voltage",
    "amperage": "max_amperage",
    "tariff_id": "tariff_ids",
}
SESSION_NAMES = {"start_datetime": "start_date_time", "end_datetime": "end_date_time"}
CDR_NAMES = {"stop_date_time": "end_date_time", "location": "cdr_location"}
TOKEN_NAMES = {"auth_id": "contract_id"}
NAMES = {"locations": PLACE_NAMES, "sessions": SESSION_NAMES, "cdrs": CDR_NAMES, "tokens": TOKEN_NAMES}
PARTY = ("party_id", "country_code", "business_details")
NOT_IN_TOKENS = {"country_code", "party_id", "group_id", "default_profile_type", "energy_contract"}
NOT_IN_COMMANDS = {"connector_id", "authorization_reference"}
NOT_IN_AUTHORIZATIONS = {"token", "authorization_reference"}


def upgrade(module: str, obj: Any) -> Any:
    """An object of a module in the words of 2.2.1."""
    change = UPGRADES.get(module)
    return change(obj) if change and isinstance(obj, dict) else obj


def downgrade(kind: str, obj: Json) -> Json:
    """What we send, in the words of 2.1.1."""
    change = DOWNGRADES.get(kind)
    return change(obj) if change else obj


def _place(place: Json) -> Json:
    """A Location, an EVSE or a Connector: no name means different things in them."""
    changes = {
        "tariff_ids": _listed,
        "energy_mix": _energy_mix,
        "evses": each(_place),
        "connectors": each(_place),
    }
    return changed(renamed(place, PLACE_NAMES), changes)


def _listed(value: Any) -> Any:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _energy_mix(mix: Any) -> Any:
    if not isinstance(mix, dict):
        return mix
    return changed(mix, {"environ_impact": each(lambda impact: renamed(impact, {"source": "category"}))})


def _amount(value: Any) -> Any:
    """A bare number, always without tax, as a Price."""
    return value if number(value) is None else {"excl_vat": value}


def _tariff(tariff: Json) -> Json:
    return changed(tariff, {"min_price": _amount, "max_price": _amount, "energy_mix": _energy_mix})


def _session(session: Json) -> Json:
    """Sessions: the Location stays inside, beside the ids that are taken from it."""
    told = _place_of_session(session["location"]) if isinstance(session.get("location"), dict) else {}
    return {**told, **_with_token(changed(renamed(session, SESSION_NAMES), {"total_cost": _amount}))}


def _place_of_session(location: Json) -> Json:
    evse = _only(location.get("evses"))
    return {
        "location_id": location.get("id"),
        "evse_uid": evse.get("uid"),
        "connector_id": _only(evse.get("connectors")).get("id"),
    }


def _cdr(cdr: Json) -> Json:
    changes = {"total_cost": _amount, "tariffs": each(_tariff), "cdr_location": _cdr_location}
    return _with_token(changed(renamed(cdr, CDR_NAMES), changes))


def _cdr_location(location: Any) -> Any:
    """CDRs: CdrLocation, the EVSE and the Connector flat beside the Location's own members, which all stay."""
    if not isinstance(location, dict):
        return location
    evse = _only(location.get("evses"))
    connector = _only(evse.get("connectors"))
    flat = {
        "evse_uid": evse.get("uid"),
        "evse_id": evse.get("evse_id"),
        "connector_id": connector.get("id"),
        "connector_standard": connector.get("standard"),
        "connector_format": connector.get("format"),
        "connector_power_type": connector.get("power_type"),
    }
    return {**flat, **location}


def _only(value: Any) -> Json:
    """The only object of a list; nothing when there are more, since nobody says which one was used."""
    one = value[0] if isinstance(value, list) and len(value) == 1 else value
    return one if isinstance(one, dict) else {}


def _with_token(obj: Json) -> Json:
    """Sessions and CDRs name the contract only; which token was used is not known."""
    if "auth_id" not in obj or "cdr_token" in obj:
        return obj
    rest = {name: value for name, value in obj.items() if name != "auth_id"}
    return {**rest, "cdr_token": {"contract_id": obj["auth_id"]}}


def _credentials(credentials: Json) -> Json:
    """Credentials: the one party is an operator; that is all whom a provider connects with in 2.1.1."""
    if "roles" in credentials:
        return credentials
    rest = {name: value for name, value in credentials.items() if name not in PARTY}
    party = {name: credentials[name] for name in PARTY if name in credentials}
    return {**rest, "roles": [{"role": "CPO", **party}] if party else []}


UPGRADES: dict[str, Callable[[Json], Json]] = {
    "locations": _place,
    "tariffs": _tariff,
    "sessions": _session,
    "cdrs": _cdr,
    "tokens": lambda token: renamed(token, TOKEN_NAMES),
    "credentials": _credentials,
}


def _without(obj: Json, names: set[str]) -> Json:
    return {name: value for name, value in obj.items() if name not in names}


def _lower_token(token: Json) -> Json:
    """Tokens: anything that is no card is OTHER."""
    kind = "RFID" if token.get("type") == "RFID" else "OTHER"
    lowered = renamed(_without(token, NOT_IN_TOKENS), {"contract_id": "auth_id"})
    return {**changed(lowered, {"last_updated": _whole_seconds}), "type": kind}


def _whole_seconds(moment: str) -> str:
    """Types: DateTime has no fractions yet."""
    return f"{moment.removesuffix('Z').partition('.')[0]}Z"


def _lower_command(command: Json) -> Json:
    """Commands: the token's contract is its uid too, since Sessions and CDRs give back nothing but the contract."""
    token = _lower_token(command["token"])
    return {**_without(command, NOT_IN_COMMANDS), "token": {**token, "auth_id": token["uid"]}}


def _lower_reservation(reserve: Json) -> Json:
    """Commands: reservations are known by whole numbers."""
    lowered = changed(_lower_command(reserve), {"expiry_date": _whole_seconds})
    return {**lowered, "reservation_id": reserve.get("reservation_number")}


def _lower_credentials(credentials: Json) -> Json:
    """Credentials: one party, the provider."""
    roles = sorted(credentials["roles"], key=lambda role: bool(role.get("role") != "EMSP"))
    return {**_without(credentials, {"roles"}), **{name: roles[0][name] for name in PARTY if name in roles[0]}}


def _lower_details(details: Json) -> Json:
    return changed(details, {"endpoints": each(lambda endpoint: _without(endpoint, {"role"}))})


DOWNGRADES: dict[str, Callable[[Json], Json]] = {
    "token": _lower_token,
    "authorization_info": lambda info: _without(info, NOT_IN_AUTHORIZATIONS),
    "start_session": _lower_command,
    "reserve_now": _lower_reservation,
    "credentials": _lower_credentials,
    "version_details": _lower_details,
}
