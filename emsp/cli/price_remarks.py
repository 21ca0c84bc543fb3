"""What people should know about a price, beside its assumptions: what is odd in the documents it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from emsp.charging.records.record import Record, measured_periods
from emsp.cli.price_figures import text
from emsp.ocpi.words.priced import Case
from emsp.pricing.engine.tariff import Dimension, Tariff

ROUNDED_WH, ROUNDED_S = Decimal(10), Decimal(36)
"""Totals are written with two decimals of a kWh or an hour at least."""
TIMED = (Dimension.TIME, Dimension.PARKING_TIME)
ZERO = Decimal(0)


def remarks_on(case: Case) -> list[str]:
    """Sentences about a CDR and its tariffs; none where nothing is odd."""
    return [
        *case.remarks,
        *zone_remarks(case.tariffs, known=case.zone_known),
        *_on_validity(case),
        *_on_currency(case),
        *_on_periods(case.record),
        *_on_energy(case),
        *_on_time(case),
        *_on_credit(case.record),
    ]


def zone_remarks(tariffs: Sequence[Tariff], *, known: bool) -> Iterator[str]:
    """That the clock had to be UTC, where a tariff asks for the clock or the calendar."""
    restrictions = [e.restrictions for tariff in tariffs for e in tariff.elements if e.restrictions]
    asks = any(r.start_time or r.end_time or r.start_date or r.end_date or r.days_of_week for r in restrictions)
    if asks and not known:
        yield "The time zone of the place is not known: the times of the tariff were taken to be UTC."


def _on_validity(case: Case) -> Iterator[str]:
    if not any(_is_valid(tariff, case.record.started_at) for tariff in case.tariffs):
        yield "By its dates, the tariff was not valid when the session started."


def _is_valid(tariff: Tariff, at: datetime) -> bool:
    since, until = tariff.valid_from, tariff.valid_until
    return (since is None or since <= at) and (until is None or at < until)


def _on_currency(case: Case) -> Iterator[str]:
    if (currency := case.tariffs[0].currency) != case.record.currency:
        yield f"The CDR is in {case.record.currency} and the tariff in {currency}: they are not compared."


def _on_periods(record: Record) -> Iterator[str]:
    if not record.periods:
        yield "The CDR has no charging periods: its totals were taken as one."


def _on_energy(case: Case) -> Iterator[str]:
    record = case.record
    told_wh = sum((period.energy_wh for period in record.periods), ZERO)
    if not record.periods or not record.energy_wh or abs(told_wh - record.energy_wh) <= ROUNDED_WH:
        return
    if not told_wh and not _asks_for_energy(case.tariffs):
        return
    told, total = text(told_wh / 1000), text(record.energy_wh / 1000)
    if measured_periods(record) is record.periods:
        yield f"The charging periods hold {told} kWh, total_energy is {total} kWh: the periods were priced."
    elif told_wh:
        yield f"The charging periods hold {told} kWh, total_energy is {total} kWh: the total was priced."
    else:
        yield f"The charging periods hold no energy: total_energy, {total} kWh, was shared out by the time of charging."


def _asks_for_energy(tariffs: Sequence[Tariff]) -> bool:
    elements = [element for tariff in tariffs for element in tariff.elements]
    priced = any(c.dimension is Dimension.ENERGY for element in elements for c in element.components)
    limits = (r for e in elements if (r := e.restrictions))
    return priced or any(r.min_energy_wh or r.max_energy_wh or r.min_power_w or r.max_power_w for r in limits)


def _on_time(case: Case) -> Iterator[str]:
    told_s = sum((period.charging_s + period.parking_s for period in case.periods), ZERO)
    total_s = case.record.total_time_s
    kinds = {component.dimension for t in case.tariffs for e in t.elements for component in e.components}
    if total_s is None or not kinds.intersection(TIMED) or abs(told_s - total_s) <= ROUNDED_S:
        return
    told, total = text(told_s / 3600), text(total_s / 3600)
    yield f"The charging periods hold {told} h, total_time is {total} h: the periods were priced."


def _on_credit(record: Record) -> Iterator[str]:
    if record.credit:
        yield "The CDR is a credit: what it takes back was compared with what the charge costs."
