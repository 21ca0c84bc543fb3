"""What a charge comes to: for the driver by the rule that was quoted, and against the operator's own figure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from emsp.charging.record import Record, SessionReport
from emsp.money import Money, round_money
from emsp.pricing.billed import Bill, billed
from emsp.pricing.engine import Period, price
from emsp.pricing.quotes import retail_of
from emsp.pricing.report import Line, LineKind, Report, make_report
from emsp.pricing.retail import Place, Terms, retail_price, retail_report, retail_tariff
from emsp.pricing.tables import Quote
from emsp.pricing.tariff import NotComputable, Tariff

TOLERANCE_MINOR = 1
FAR_MORE = 2
"""From how many times the record's energy on its periods are not believed."""


def cost_so_far(quote: Quote, report: SessionReport, time_zone: str) -> Money | None:
    """What a running charge comes to by the quoted rule; None without one, or for periods that make no sense."""
    retail = retail_of(quote)
    if retail is None:
        return None
    try:
        return billed(retail_price(retail, _running_periods(report), time_zone=time_zone)).total
    except (NotComputable, ValueError):
        return None


def _running_periods(report: SessionReport) -> list[Period]:
    """The periods that the operator has told of, and one for what came after them."""
    told_until = report.periods[-1].end if report.periods else report.started_at
    until = max(report.ended_at or report.updated_at, told_until)
    told_wh = sum((period.energy_wh for period in report.periods), Decimal(0))
    if told_wh > report.energy_wh:
        return [Period(report.started_at, until, report.energy_wh, charging_s=_seconds(report.started_at, until))]
    rest = Period(told_until, until, report.energy_wh - told_wh, charging_s=_seconds(told_until, until))
    return [*report.periods, rest]


def driver_bill(record: Record, quote: Quote, terms: Terms, place: Place, *, time_zone: str) -> Bill:
    """The driver's bill: the measured periods by the quoted rule.

    Where no price was quoted, by the tariff that the record carries, else what the operator asks.
    """
    periods = measured_periods(record)
    retail = retail_of(quote)
    if retail is not None:
        return billed(retail_price(retail, periods, time_zone=time_zone))
    for tariff in record.tariffs:
        if tariff.not_computable is None:
            return billed(retail_price(retail_tariff(tariff, terms, place), periods, time_zone=time_zone))
    return billed(retail_report(_as_asked(record), terms, place))


def verification(record: Record, quote: Quote, *, time_zone: str) -> dict[str, Any]:
    """The operator's figure against ours: `result` is AGREES, WITHIN_TOLERANCE, DIFFERS or NOT_CHECKABLE.

    The tariff as it stood when the price was quoted decides; else the one that the record carries. Net amounts
    are compared, to the minor unit, and kept as strings of major units; then those with tax, where both are known.
    """
    asked = round_money(record.net_cost, record.currency)
    facts: dict[str, Any] = {"currency": record.currency, "asked": str(asked.amount), "computed": None}
    tariff = msgspec.convert(quote.wholesale, Tariff) if quote.wholesale else next(iter(record.tariffs), None)
    if tariff is None:
        return facts | {"result": "NOT_CHECKABLE", "reason": "NO_TARIFF_PUBLISHED"}
    if tariff.currency != record.currency:
        return facts | {"result": "NOT_CHECKABLE", "reason": "ANOTHER_CURRENCY"}
    try:
        report = price(tariff, measured_periods(record), time_zone=time_zone)
    except (NotComputable, ValueError, ZoneInfoNotFoundError):
        return facts | {"result": "NOT_CHECKABLE", "reason": "NOT_COMPUTABLE"}
    if report.net is None:
        return facts | {"result": "NOT_CHECKABLE", "reason": "TAX_UNKNOWN"}
    computed = round_money(report.net, record.currency)
    facts |= {"result": _verdict(asked, computed), "reason": None, "computed": str(computed.amount)}
    if facts["result"] != "DIFFERS" and _other_tax(record, report):
        return facts | {"result": "DIFFERS", "reason": "ANOTHER_TAX"}
    return facts


def _other_tax(record: Record, report: Report) -> bool:
    """Whether both sides state the tax, and not the same."""
    if record.gross_cost is None or report.gross is None:
        return False
    asked, computed = (round_money(gross, record.currency) for gross in (record.gross_cost, report.gross))
    return _verdict(asked, computed) == "DIFFERS"


def measured_periods(record: Record) -> list[Period]:
    """The record's periods, or one for the whole charge where they hold none of its energy, or far more."""
    energy_wh = sum((period.energy_wh for period in record.periods), Decimal(0))
    far_more = 0 < record.energy_wh * FAR_MORE < energy_wh
    if record.periods and (energy_wh > 0 or record.energy_wh == 0) and not far_more:
        return record.periods
    elapsed_s = _seconds(record.started_at, record.ended_at)
    return [Period(record.started_at, record.ended_at, record.energy_wh, charging_s=elapsed_s)]


def _verdict(asked: Money, computed: Money) -> str:
    if asked == computed:
        return "AGREES"
    return "WITHIN_TOLERANCE" if abs((asked - computed).amount_minor) <= TOLERANCE_MINOR else "DIFFERS"


def _as_asked(record: Record) -> Report:
    """A report of one line: what the operator asks, with no rule behind it."""
    vat = None
    if record.gross_cost is not None and record.net_cost:
        vat = ((record.gross_cost / record.net_cost - 1) * 100).quantize(Decimal("0.1"))
    line = Line(
        kind=LineKind.FLAT,
        start=record.started_at,
        end=record.ended_at,
        unit_price=record.net_cost,
        vat_percent=vat,
        net=record.net_cost,
        gross=record.gross_cost,
    )
    return make_report(record.currency, [line], {LineKind.ENERGY: record.energy_wh})


def _seconds(start: datetime, end: datetime) -> Decimal:
    elapsed = end - start
    return max(Decimal(elapsed.days * 86_400 + elapsed.seconds) + Decimal(elapsed.microseconds) / 1_000_000, Decimal(0))
