"""Rules of meaning for what money hangs on: tariffs, sessions and CDRs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding
from emsp.ocpi.conformance.loose import first, moment, number, objects

Rule = Callable[[str, dict[str, Any]], Iterator[Finding]]
WH_FOR_KWH = (Decimal(900), Decimal(1100))
"""Between which the energy of the periods is a thousand times the total."""
SOME_TIME = timedelta(minutes=3)


def _component(version: str, component: dict[str, Any]) -> Iterator[Finding]:
    price = number(component.get("price"))
    if price is not None and price < 0:
        yield Finding("price", WARNING, "is negative", "price")
    if component.get("step_size") == 0 and component.get("type") != "FLAT":
        yield Finding("step_size", WARNING, "is 0: nothing can be counted in steps of nothing", "step-size")
    if version == "2.2.1" and component.get("vat") is None:
        text = "is left out, which means that no VAT applies; state it, also as 0"
        yield Finding("vat", HINT, text, "vat")


def _tariff(version: str, tariff: dict[str, Any]) -> Iterator[Finding]:
    elements = tariff.get("elements")
    if isinstance(elements, list) and any(_is_empty(element) for element in elements):
        yield Finding("elements", ERROR, "has one without price components: it prices nothing", "no-components")
    start, end = moment(tariff.get("start_date_time")), moment(tariff.get("end_date_time"))
    if start and end and end <= start:
        yield Finding("end_date_time", ERROR, "is not after start_date_time", "order")


def _is_empty(element: Any) -> bool:
    return isinstance(element, dict) and element.get("price_components") == []


def _periods(total_field: str) -> Rule:
    def rule(version: str, charge: dict[str, Any]) -> Iterator[Finding]:
        total, volumes = number(charge.get(total_field)), list(_energies(charge))
        if total and volumes and WH_FOR_KWH[0] <= sum(volumes) / total <= WH_FOR_KWH[1]:
            yield Finding("charging_periods", ERROR, f"give ENERGY in Wh; it is in kWh, as {total_field} is", "unit")

    return rule


def _energies(charge: dict[str, Any]) -> Iterator[Decimal]:
    for period in objects(charge.get("charging_periods")):
        for dimension in objects(period.get("dimensions")):
            volume = number(dimension.get("volume"))
            if dimension.get("type") == "ENERGY" and volume is not None:
                yield volume


def _times(version: str, charge: dict[str, Any]) -> Iterator[Finding]:
    start_field, start = first(charge, "start_date_time", "start_datetime")
    end_field, end = first(charge, "end_date_time", "stop_date_time", "end_datetime")
    began, ended, updated = moment(start), moment(end), moment(charge.get("last_updated"))
    if began and ended and ended < began:
        yield Finding(end_field, ERROR, f"is before {start_field}", "order")
    if ended and updated and updated < ended:
        yield Finding("last_updated", WARNING, f"is before {end_field}", "order")


def _total_time(version: str, cdr: dict[str, Any]) -> Iterator[Finding]:
    start, end = moment(cdr.get("start_date_time")), moment(first(cdr, "end_date_time", "stop_date_time")[1])
    hours = number(cdr.get("total_time"))
    if start and end and end - start > SOME_TIME and hours is not None and _are_not_hours(hours, end - start):
        yield Finding("total_time", WARNING, "is in hours; this is more than the CDR lasted", "unit")


def _credit(version: str, cdr: dict[str, Any]) -> Iterator[Finding]:
    if cdr.get("credit") is True and not cdr.get("credit_reference_id"):
        yield Finding("credit_reference_id", ERROR, "is required in a credit CDR", "credit")
    cost = cdr.get("total_cost")
    net = number(cost.get("excl_vat", cost.get("before_taxes")) if isinstance(cost, dict) else cost)
    if net is not None and net < 0 and cdr.get("credit") is not True:
        yield Finding("total_cost", ERROR, "is negative, and the CDR is no credit", "credit")


def _are_not_hours(stated: Decimal, lasted: timedelta) -> bool:
    """Whether it is more than double of what passed: minutes or seconds are much more."""
    return stated * 3600 > 2 * Decimal(lasted // timedelta(seconds=1))


def _session(version: str, session: dict[str, Any]) -> Iterator[Finding]:
    field = "end_datetime" if version == "2.1.1" else "end_date_time"
    if session.get("status") == "COMPLETED" and not session.get(field):
        yield Finding(field, WARNING, "is missing although the session is COMPLETED", "order")
    if session.get("status") == "RESERVED":
        yield Finding("status", HINT, "RESERVED is in the text of the specification, RESERVATION in its enum", "enum")


RULES: dict[str, tuple[Rule, ...]] = {
    "PriceComponent": (_component,),
    "Tariff": (_tariff,),
    "Session": (_periods("kwh"), _times, _session),
    "CDR": (_periods("total_energy"), _times, _total_time, _credit),
}
