"""OCPI 2.1.1: one nameless party, money as plain numbers, whole locations in sessions and CDRs."""

import re
from typing import Any

from ..wire import OcpiError
from .members import Change, changed, each, only, renamed

UNOWNED: dict[str, str | None] = {"country_code": None, "party_id": None}
SITES = ("ON_STREET", "PARKING_GARAGE", "UNDERGROUND_GARAGE", "PARKING_LOT")
FACILITIES = frozenset(
    (
        *("HOTEL", "RESTAURANT", "CAFE", "MALL", "SUPERMARKET", "SPORT", "RECREATION_AREA", "NATURE", "MUSEUM"),
        *("BUS_STOP", "TAXI_STAND", "TRAIN_STATION", "AIRPORT", "CARPOOL_PARKING", "FUEL_STATION", "WIFI"),
    )
)
CAPABILITIES = frozenset(
    (
        *("CHARGING_PROFILE_CAPABLE", "CREDIT_CARD_PAYABLE", "REMOTE_START_STOP_CAPABLE"),
        *("RESERVABLE", "RFID_READER", "UNLOCK_CAPABLE"),
    )
)
DIMENSIONS = frozenset(("ENERGY", "FLAT", "MAX_CURRENT", "MIN_CURRENT", "PARKING_TIME", "TIME"))
TOKEN_TYPES = ("RFID", "OTHER")
RESPONSES = ("NOT_SUPPORTED", "REJECTED", "ACCEPTED", "TIMEOUT", "UNKNOWN_SESSION")
PHASES = {"AC_2_PHASE": "AC_1_PHASE", "AC_2_PHASE_SPLIT": "AC_1_PHASE"}
_FRACTION = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z")


def _whole_seconds(value: Any) -> Any:
    """Every DateTime within a value without its fraction."""
    if isinstance(value, dict):
        return {name: _whole_seconds(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_whole_seconds(part) for part in value]
    found = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}Z" if found else value


def _in_whole_seconds(change: Change) -> Change:
    return lambda body: _whole_seconds(change(body))


def _amount(price: Any) -> Any:
    """Money is a number before VAT."""
    return price.get("excl_vat") if isinstance(price, dict) else price


def _connector(body: dict[str, Any]) -> Any:
    names = {"max_voltage": "voltage", "max_amperage": "amperage", "max_electric_power": None, "tariff_ids": None}
    first = {"tariff_id": body["tariff_ids"][0]} if body.get("tariff_ids") else {}
    spoken = renamed(body, {**names, "capabilities": None}) | first
    return changed(spoken, {"power_type": lambda phases: PHASES.get(phases, phases)})


def _evse(body: dict[str, Any]) -> Any:
    return changed(body, {"connectors": each(_connector), "capabilities": only(CAPABILITIES)})


def _location(body: dict[str, Any]) -> Any:
    dropped = dict.fromkeys(("publish", "publish_allowed_to", "state", "parking_places", "help_phone"))
    spoken = renamed(body, {**UNOWNED, **dropped, "parking_type": "type"})
    if "id" in spoken:
        spoken = {"type": "UNKNOWN", "postal_code": "-", **spoken}
    changes: dict[str, Change] = {
        "type": lambda site: site if site in (*SITES, "UNKNOWN") else "OTHER",
        "evses": each(_evse),
        "facilities": only(FACILITIES),
        "opening_times": _hours,
        "energy_mix": _energy_mix,
    }
    return changed(spoken, changes)


def _hours(hours: Any) -> Any:
    """Round the clock or regular hours, never both."""
    around = isinstance(hours, dict) and hours.get("twentyfourseven") is False
    return renamed(hours, {"twentyfourseven": None}) if around else hours


def _energy_mix(mix: Any) -> Any:
    return changed(mix, {"environ_impact": each(lambda entry: renamed(entry, {"category": "source"}))})


def _tariff(body: dict[str, Any]) -> Any:
    later = dict.fromkeys(("type", "min_price", "max_price", "start_date_time", "end_date_time"))
    return changed(renamed(body, {**UNOWNED, **later}), {"elements": _elements})


def _elements(elements: Any) -> Any:
    """The elements that price a charge: reservations have no prices yet."""
    kept = elements
    if isinstance(elements, list):
        kept = [one for one in elements if not (one.get("restrictions") or {}).get("reservation")]
    return each(_element)(kept)


def _element(element: dict[str, Any]) -> Any:
    changes = {
        "price_components": each(lambda part: renamed(part, {"vat": None})),
        "restrictions": lambda limits: renamed(limits, {"min_current": None, "max_current": None}),
    }
    return changed(element, changes)


def _period(period: dict[str, Any]) -> Any:
    def known(dimensions: Any) -> Any:
        return [one for one in dimensions or [] if one.get("type") in DIMENSIONS]

    return changed(renamed(period, {"tariff_id": None}), {"dimensions": known})


def _charge(body: dict[str, Any], names: dict[str, str | None]) -> Any:
    """What Sessions and CDRs have in common."""
    token = body.get("cdr_token") or {}
    who = {"auth_id": token["contract_id"]} if "contract_id" in token else {}
    spoken = who | renamed(body, {**UNOWNED, "cdr_token": None, "authorization_reference": None, **names})
    changes: dict[str, Change] = {
        "auth_method": lambda method: "AUTH_REQUEST" if method == "COMMAND" else method,
        "location": _location,
        "charging_periods": each(_period),
        "total_cost": _amount,
        "tariffs": each(_tariff),
    }
    return changed(spoken, changes)


def _session(body: dict[str, Any]) -> Any:
    names = {"start_date_time": "start_datetime", "end_date_time": "end_datetime"}
    return _charge(body, {**names, **dict.fromkeys(("location_id", "evse_uid", "connector_id"))})


def _cdr(body: dict[str, Any]) -> Any:
    costs = [name for name in body if name.startswith("total_") and name.endswith("_cost") and name != "total_cost"]
    later = ("session_id", "cdr_location", "signed_data", "invoice_reference_id", "credit", "credit_reference_id")
    dropped = dict.fromkeys((*costs, *later, "home_charging_compensation"))
    return _charge(body, {"end_date_time": "stop_date_time", **dropped})


def _result(body: dict[str, Any]) -> Any:
    result = body.get("result")
    return {"result": result if result in RESPONSES else "REJECTED"}


def _token(body: dict[str, Any]) -> Any:
    dropped = dict.fromkeys(("group_id", "default_profile_type", "energy_contract"))
    return renamed(body, {**UNOWNED, **dropped, "contract_id": "auth_id"})


def _credentials(body: dict[str, Any]) -> Any:
    party = renamed(body["roles"][0], {"role": None})
    return {**renamed(body, {"roles": None}), **party}


def _understood_token(body: dict[str, Any]) -> Any:
    if body.get("type", "RFID") not in TOKEN_TYPES:
        raise OcpiError(2001, f"type: {body['type']!r} is no TokenType of 2.1.1")
    return renamed(body, {"auth_id": "contract_id"})


def _understood_command(body: dict[str, Any]) -> Any:
    return changed(body, {"token": lambda token: _understood_token(token) if isinstance(token, dict) else token})


def _understood_credentials(body: dict[str, Any]) -> Any:
    party = {name: body.get(name) for name in ("country_code", "party_id", "business_details")}
    return {**body, "roles": [{"role": "EMSP", **party}]}


SPOKEN = {
    kind: _in_whole_seconds(form)
    for kind, form in {
        "location": _location,
        "evse": _evse,
        "connector": _connector,
        "tariff": _tariff,
        "session": _session,
        "cdr": _cdr,
        "token": _token,
        "credentials": _credentials,
        "response": _result,
        "result": _result,
    }.items()
}
UNDERSTOOD = {
    "token": _understood_token,
    "command": _understood_command,
    "credentials": _understood_credentials,
}
