"""Lies about amounts: totals, units, VAT and tariffs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .objects import Said, meaning

Body = dict[str, Any]
OVERSTATED = Decimal("1.3")
OTHER_VAT = Decimal("1.03")
UNKNOWN_TARIFF = "NO-SUCH-TARIFF"
STATIONS = ("location", "evse", "connector")
CHARGES = ("session", "cdr")


def times(price: Body, factor: Decimal) -> Body:
    """A Price with each side multiplied, in four decimals."""
    return {side: (amount * factor).quantize(Decimal("0.0001")) for side, amount in price.items()}


@meaning("wrong-total", "total_cost of a CDR is 30 % too high.", "OCPI 2.2.1, CDRs: total_cost", "cdr")
def _wrong_total(said: Said) -> Body:
    return {**said.body, "total_cost": times(said.body["total_cost"], OVERSTATED)}


@meaning("wrong-unit-periods", "ENERGY volumes of periods are Wh while the totals are kWh.", "ocpi/ocpi#465", *CHARGES)
def _wrong_unit_periods(said: Said) -> Body:
    return _periods(said.body, lambda period: {**period, "dimensions": [_in_wh(d) for d in period["dimensions"]]})


@meaning("wrong-unit-total", "Energy is Wh everywhere: kwh, total_energy and periods.", "ocpi/ocpi#465", *CHARGES)
def _wrong_unit_total(said: Said) -> Body:
    totals = {name: said.body[name] * 1000 for name in ("kwh", "total_energy") if name in said.body}
    return {**_wrong_unit_periods(said), **totals}


@meaning("wrong-vat", "incl_vat is computed with another rate (3 %) than the tariff's.", "ocpi/ocpi#409", *CHARGES)
def _wrong_vat(said: Said) -> Body:
    prices = {name: value for name, value in said.body.items() if isinstance(value, dict) and "excl_vat" in value}
    wrong = {name: {**price, "incl_vat": times(price, OTHER_VAT)["excl_vat"]} for name, price in prices.items()}
    return {**said.body, **wrong}


@meaning(
    "null-tariff",
    "Connectors name no tariff, and the tariffs of a CDR are null.",
    "OCPI 2.2.1, Locations: tariff_ids and CDRs: tariffs are optional",
    *STATIONS,
    *CHARGES,
)
def _null_tariff(said: Said) -> Body:
    if said.kind in STATIONS:
        return connectors(said.kind, said.body, lambda connector: _without(connector, "tariff_ids"))
    body = _periods(said.body, lambda period: _without(period, "tariff_id"))
    return {**body, "tariffs": None} if said.kind == "cdr" else body


@meaning(
    "unknown-tariff",
    "Connectors and periods name a tariff that does not exist.",
    "OCPI 2.2.1, Tariffs: tariff_ids refer to Tariffs of the CPO",
    *STATIONS,
    *CHARGES,
)
def _unknown_tariff(said: Said) -> Body:
    if said.kind in STATIONS:
        return connectors(said.kind, said.body, lambda connector: {**connector, "tariff_ids": [UNKNOWN_TARIFF]})
    return _periods(said.body, lambda period: {**period, "tariff_id": UNKNOWN_TARIFF})


def connectors(kind: str, body: Body, change: Callable[[Body], Body]) -> Body:
    """A location, EVSE or connector whose whole connectors are changed; a fragment without any stays as it is."""
    if kind == "connector":
        return change(body) if "standard" in body else body
    if kind == "evse":
        listed = body.get("connectors")
        return body if listed is None else {**body, "connectors": [change(connector) for connector in listed]}
    evses = body.get("evses")
    return body if evses is None else {**body, "evses": [connectors("evse", evse, change) for evse in evses]}


def _periods(body: Body, change: Callable[[Body], Body]) -> Body:
    listed = body.get("charging_periods")
    return body if listed is None else {**body, "charging_periods": [change(period) for period in listed]}


def _in_wh(dimension: Body) -> Body:
    return {**dimension, "volume": dimension["volume"] * 1000} if dimension["type"] == "ENERGY" else dimension


def _without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}
