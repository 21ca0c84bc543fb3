"""Lies about how things are spelled: types, zones, absent fields and the shape of answers to commands."""

import re
from decimal import Decimal
from typing import Any

from .objects import Said, rebuilt, spelling

UTC_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z")
TYPES = "OCPI 2.2.1, Types: "
ANSWERS = ("response", "result")
ABSENT: dict[str, dict[str, Any]] = {
    "location": {
        **dict.fromkeys(("name", "postal_code", "state", "parking_type", "operator", "suboperator", "owner")),
        **dict.fromkeys(("opening_times", "charging_when_closed", "energy_mix")),
        "related_locations": [],
        "evses": [],
        "directions": [],
        "facilities": [],
        "images": [],
    },
    "evse": {
        **dict.fromkeys(("evse_id", "floor_level", "coordinates", "physical_reference")),
        "status_schedule": [],
        "capabilities": [],
        "directions": [],
        "parking_restrictions": [],
        "images": [],
    },
    "connector": {"max_electric_power": None, "tariff_ids": [], "terms_and_conditions": None},
    "tariff": {
        **dict.fromkeys(("type", "tariff_alt_url", "min_price", "max_price", "start_date_time", "end_date_time")),
        "tariff_alt_text": [],
        "energy_mix": None,
    },
    "session": {
        **dict.fromkeys(("end_date_time", "authorization_reference", "meter_id", "total_cost")),
        "charging_periods": [],
    },
    "cdr": {
        **dict.fromkeys(("session_id", "authorization_reference", "meter_id", "signed_data", "total_fixed_cost")),
        **dict.fromkeys(("total_energy_cost", "total_time_cost", "total_parking_time", "total_parking_cost")),
        **dict.fromkeys(("total_reservation_cost", "remark", "invoice_reference_id", "credit")),
        **dict.fromkeys(("credit_reference_id", "home_charging_compensation")),
        "tariffs": [],
    },
}


@spelling("numbers-as-strings", "Numbers are written as strings.", TYPES + "number")
def _numbers_as_strings(said: Said) -> Any:
    return rebuilt(said.body, lambda _, value: _text(value))


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


@spelling("no-zone-timestamps", "Timestamps have no Z.", "ocpi/ocpi#464")
def _no_zone(said: Said) -> Any:
    return rebuilt(said.body, lambda _, value: _zoneless(value))


def _zoneless(value: Any) -> Any:
    found = UTC_MOMENT.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else value


@spelling(
    "nulls-everywhere",
    "Absent optional fields of whole objects are sent as null, absent lists as [].",
    TYPES + "cardinality ? and *",
)
def _nulls_everywhere(said: Said) -> Any:
    return _filled(said.kind, said.body) if {"id", "uid"} & set(said.body) else said.body


def _filled(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    full = {**ABSENT[kind], **body}
    for children, child in (("evses", "evse"), ("connectors", "connector")):
        if children in full:
            full[children] = [_filled(child, item) for item in full[children]]
    return full


@spelling(
    "result-message-object",
    "The message of a command's answer is an object where a list is due.",
    "OCPI 2.2.1, Commands: message is a list of DisplayText",
    *ANSWERS,
)
def _message_object(said: Said) -> Any:
    return {**said.body, "message": {"language": "en", "text": f"The charge point says {said.body['result']}"}}


@spelling(
    "no-timeout-field",
    "The answer to a command has no timeout.",
    "OCPI 2.2.1, Commands: timeout of CommandResponse is mandatory",
    "response",
)
def _no_timeout(said: Said) -> Any:
    return {name: value for name, value in said.body.items() if name != "timeout"}


@spelling(
    "results-as-lists",
    "Answers and results of commands are lists of one.",
    "OCPI 2.2.1, Commands: CommandResponse and CommandResult are objects",
    *ANSWERS,
)
def _results_as_lists(said: Said) -> Any:
    return [said.body]
