"""What is well-formed and still means trouble for drivers or for bills; a rule is a function of one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import available_timezones

from emsp.ocpi import wire
from emsp.ocpi.conformance import money_rules
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding
from emsp.ocpi.conformance.loose import moment, number, objects
from emsp.ocpi.words import quirks

Rule = Callable[[str, dict[str, Any]], Iterator[Finding]]
LINE_TO_LINE_V = 380
LEAST_PLAUSIBLE_W = 1000


def rules(version: str, name: str, value: dict[str, Any]) -> Iterator[Finding]:
    """What the rules for the class `name` find in one of its objects."""
    for rule in RULES.get(name, ()):
        yield from rule(version, value)


def _location_visible(version: str, location: dict[str, Any]) -> Iterator[Finding]:
    if location.get("publish") is False and not location.get("publish_allowed_to"):
        text = "is false and publish_allowed_to names nobody: no driver will ever see this location"
        yield Finding("publish", HINT, text, "nobody-allowed")
    states = {evse.get("status") for evse in objects(location.get("evses"))}
    if states <= {"REMOVED"}:
        yield Finding("evses", HINT, "holds no EVSE in use: the location is shown to nobody", "no-evses")


def _zone(version: str, location: dict[str, Any]) -> Iterator[Finding]:
    zone = location.get("time_zone")
    if isinstance(zone, str) and zone not in available_timezones():
        yield Finding("time_zone", ERROR, "is not a time zone of the IANA database", "time-zone")


def _place(version: str, location: dict[str, Any]) -> Iterator[Finding]:
    if _are_swapped(location.get("country"), location.get("coordinates")):
        text = "are not in the country of the location; with latitude and longitude exchanged they are"
        yield Finding("coordinates", WARNING, text, "swapped-coordinates")


def _are_swapped(country: Any, coordinates: Any) -> bool:
    if not isinstance(country, str) or not isinstance(coordinates, dict):
        return False
    latitude, longitude = number(coordinates.get("latitude")), number(coordinates.get("longitude"))
    if latitude is None or longitude is None:
        return False
    return quirks.are_swapped(country, float(latitude), float(longitude))


def _unique(field: str, key: str) -> Rule:
    def rule(version: str, value: dict[str, Any]) -> Iterator[Finding]:
        ids = Counter(
            wire.fold(str(child.get(key))) for child in objects(value.get(field)) if child.get(key) is not None
        )
        for twice in sorted(found for found, count in ids.items() if count > 1):
            yield Finding(field, ERROR, f"has the {key} {twice!r} more than once", "duplicate")

    return rule


def _not_older(field: str) -> Rule:
    def rule(version: str, value: dict[str, Any]) -> Iterator[Finding]:
        own = moment(value.get("last_updated"))
        theirs = [found for child in objects(value.get(field)) if (found := moment(child.get("last_updated")))]
        if own and theirs and max(theirs) > own:
            yield Finding("last_updated", WARNING, f"is before that of one of the {field}", "older-than-children")

    return rule


def _evse_usable(version: str, evse: dict[str, Any]) -> Iterator[Finding]:
    if not evse.get("evse_id") and evse.get("status") != "REMOVED":
        yield Finding("evse_id", WARNING, "is missing: drivers cannot tell which one it is", "no-evse-id")
    capabilities = evse.get("capabilities")
    if not isinstance(capabilities, list) or "REMOTE_START_STOP_CAPABLE" not in capabilities:
        text = "lack REMOTE_START_STOP_CAPABLE: it may not be offered for a start from an app"
        yield Finding("capabilities", HINT, text, "no-remote-start")


def _connector_power(version: str, connector: dict[str, Any]) -> Iterator[Finding]:
    volts, amperes = ("voltage", "amperage") if version == "2.1.1" else ("max_voltage", "max_amperage")
    stated, voltage = number(connector.get("max_electric_power")), number(connector.get(volts))
    if not stated and 0 in (connector.get(volts), connector.get(amperes)):
        yield Finding("", WARNING, f"{volts} and {amperes} say nothing: no power can be shown", "no-power")
    if stated and 0 < stated < LEAST_PLAUSIBLE_W:
        yield Finding("max_electric_power", WARNING, "is in W; this looks like kW", "unit")
    if connector.get("power_type") == "AC_3_PHASE" and voltage and voltage >= LINE_TO_LINE_V:
        yield Finding(volts, WARNING, "is between line and neutral; this looks like line to line", "unit")


def _connector_priced(version: str, connector: dict[str, Any]) -> Iterator[Finding]:
    field = "tariff_id" if version == "2.1.1" else "tariff_ids"
    if not connector.get(field):
        yield Finding(field, HINT, "names no tariff: no price can be shown before the start", "no-tariff")


def _hours(version: str, hours: dict[str, Any]) -> Iterator[Finding]:
    always, regular = hours.get("twentyfourseven"), hours.get("regular_hours")
    if always is True and regular:
        yield Finding("", WARNING, "has regular_hours although twentyfourseven is true", "hours")
    elif always is not True and not regular:
        yield Finding("", ERROR, "has neither twentyfourseven nor regular_hours", "hours")


def _regular_hours(version: str, hours: dict[str, Any]) -> Iterator[Finding]:
    begin, end, weekday = hours.get("period_begin"), hours.get("period_end"), number(hours.get("weekday"))
    if weekday is not None and not 1 <= weekday <= 7:
        yield Finding("weekday", ERROR, "is not a day from 1 (Monday) to 7 (Sunday)", "hours")
    if isinstance(begin, str) and isinstance(end, str) and end <= begin:
        yield Finding("period_end", WARNING, "is not after period_begin", "hours")


RULES: dict[str, tuple[Rule, ...]] = {
    "Location": (_location_visible, _zone, _place, _unique("evses", "uid"), _not_older("evses")),
    "EVSE": (_evse_usable, _unique("connectors", "id"), _not_older("connectors")),
    "Connector": (_connector_power, _connector_priced),
    "CdrLocation": (_place,),
    "Hours": (_hours,),
    "RegularHours": (_regular_hours,),
    **money_rules.RULES,
}
