"""What a charge comes to for the driver: by the rule that was quoted, over what was measured."""

from __future__ import annotations

from decimal import Decimal

from emsp.charging.records.readings import believed
from emsp.charging.records.record import Record, SessionReport, seconds
from emsp.money import Money
from emsp.pricing.engine.billed import Bill, billed
from emsp.pricing.engine.price import Period
from emsp.pricing.engine.report import Line, LineKind, Report, make_report
from emsp.pricing.engine.tariff import NotComputable
from emsp.pricing.quotes.quote import retail_of
from emsp.pricing.retail.prices import Place, Terms, own_tariff, retail_price, retail_report, retail_tariff
from emsp.pricing.retail.terms import Guarantee
from emsp.pricing.tables import Quote


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
        return [Period(report.started_at, until, report.energy_wh, charging_s=seconds(report.started_at, until))]
    rest = Period(told_until, until, report.energy_wh - told_wh, charging_s=seconds(told_until, until))
    return [*report.periods, rest]


def driver_bill(record: Record, quote: Quote, terms: Terms, place: Place, *, time_zone: str) -> Bill:
    """The driver's bill over what was measured: by the quoted rule, unless the brand bills by the operator's record.

    Then, and where no price was quoted, by the brand's own price, or the tariff that the record carries, or as the
    operator asks.
    """
    retail = retail_of(quote)
    if retail is None or retail.guarantee is not Guarantee.QUOTED_RULE:
        known = (tariff for tariff in record.tariffs if tariff.not_computable is None)
        by_record = (retail_tariff(tariff, terms, place) for tariff in known)
        retail = own_tariff(terms, place) or next(by_record, None)
    if retail is None:
        return billed(retail_report(_as_asked(record), terms, place))
    return billed(retail_price(retail, believed(record), time_zone=time_zone))


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
