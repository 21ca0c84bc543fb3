"""What a record asks, beside what one rule makes of the measured periods. Policies:

* TOTAL_DECIDES: the verdict on the whole is that on the total; where only the dimensions differ, the record splits
  the same amount otherwise.
* NET_BEFORE_GROSS: amounts before tax are compared first, then those with tax, each where both sides know them.
* ROUNDED_LINES: rounded parts that add up to something else are no difference. It is no width, but a set of figures:
  those that the habits of `roundings` make of our report.
* ROUNDED_VOLUMES: nor is what another reading of the same measurement comes to.
* TOLERANCE: else a figure may differ from ours by the tolerance of the agreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

from emsp.money import round_money
from emsp.pricing.check.roundings import Limits, Roundings, roundings
from emsp.pricing.check.verdicts import (
    KINDS,
    Against,
    Amount,
    Ask,
    Check,
    Reason,
    Tolerance,
    Verdict,
    Verification,
    What,
)
from emsp.pricing.engine.policies import DEFAULT, Policies
from emsp.pricing.engine.price import price_by_period
from emsp.pricing.engine.report import ZERO, LineKind, Report, difference, sum_known
from emsp.pricing.engine.tariff import NotComputable, Tariff
from emsp.pricing.engine.trace import Period

Periods = Sequence[Period]


class Rule(Struct, frozen=True):
    """How a charge is to be priced."""

    tariffs: Sequence[Tariff]
    time_zone: str
    policies: Policies = DEFAULT

    def report(self, periods: Periods) -> Report | None:
        """The charge, priced; None when it cannot be."""
        try:
            return price_by_period(self.tariffs, periods, time_zone=self.time_zone, policies=self.policies)
        except (NotComputable, ValueError, ZoneInfoNotFoundError):
            return None

    @property
    def limits(self) -> Limits:
        """Floor and ceiling of the session, where one tariff has them."""
        return (self.tariffs[0].min_price, self.tariffs[0].max_price) if len(self.tariffs) == 1 else (None, None)


def compare(ask: Ask, rule: Rule, readings: Sequence[Periods], tolerance: Tolerance, against: Against) -> Verification:
    """What is asked against one rule: the first reading that explains the total, else the first of all."""
    if any(tariff.currency != ask.currency for tariff in rule.tariffs):
        return not_checkable(ask, Reason.ANOTHER_CURRENCY, against)
    found: tuple[Check, Report, Periods] | None = None
    for periods in readings:
        if (report := rule.report(periods)) is None:
            continue
        total = total_check(ask, rule, report, periods, tolerance)
        if found is None:
            found = total, report, periods
        elif total.verdict is not Verdict.DIFFERS:
            reread = replace(total, verdict=Verdict.WITHIN_TOLERANCE, reason=Reason.ROUNDED_VOLUMES)
            found = reread, report, periods
        if found[0].verdict is not Verdict.DIFFERS:
            break
    if found is None:
        return not_checkable(ask, Reason.NOT_COMPUTABLE, against)
    total, report, periods = found
    checks = (*_part_checks(ask, report, periods, tolerance, total), total)
    return Verification(
        verdict=total.verdict,
        reason=total.reason,
        currency=ask.currency,
        against=against,
        checks=checks,
        ours=report,
        undisputed_net=_undisputed(ask, total),
    )


def total_check(ask: Ask, rule: Rule, report: Report, periods: Periods, tolerance: Tolerance) -> Check:
    """The total that is asked against that of our report."""
    ours = _Ours(Amount(report.net, report.gross), report, periods, limits=rule.limits)
    return _check(What.TOTAL, ask.total, ours, tolerance, ask.currency)


def _part_checks(ask: Ask, report: Report, periods: Periods, tolerance: Tolerance, total: Check) -> Iterator[Check]:
    for what, kinds in KINDS.items():
        lines = [line for line in report.lines if line.kind in kinds]
        computed = Amount(sum_known(line.net for line in lines), sum_known(line.gross for line in lines))
        asked = ask.parts.get(what)
        if not lines and not (asked and asked.net):
            continue
        if asked is None:
            check = Check(what=what, verdict=Verdict.NOT_CHECKABLE, reason=Reason.NOT_STATED, computed=computed)
        else:
            check = _check(what, asked, _Ours(computed, report, periods, kinds), tolerance, ask.currency)
        if check.verdict is Verdict.DIFFERS and total.verdict in (Verdict.AGREES, Verdict.WITHIN_TOLERANCE):
            check = replace(check, reason=Reason.ANOTHER_SPLIT)
        billed = None if what is What.FIXED else sum((line.billed for line in lines), ZERO)
        yield replace(check, told_volume=ask.volumes.get(what), billed_volume=billed)


@dataclass(frozen=True)
class _Ours:
    """Our figure, and what other roundings make of it: computed only where ours does not agree."""

    amount: Amount
    report: Report
    periods: Periods
    kinds: frozenset[LineKind] | None = None
    limits: Limits = (None, None)

    @cached_property
    def otherwise(self) -> Roundings:
        return roundings(self.report, self.periods, kinds=self.kinds, limits=self.limits)


class _Compared(Struct, frozen=True):
    side: Literal["net", "gross"]
    verdict: Verdict
    difference: Decimal
    reason: Reason | None = None


def _check(what: What, asked: Amount, ours: _Ours, tolerance: Tolerance, currency: str) -> Check:
    """Both sides of the tax, as far as they are known; of two that differ, the one that asks for more decides."""
    check = Check(what=what, verdict=Verdict.NOT_CHECKABLE, asked=asked, computed=ours.amount)
    compared = list(_compared(asked, ours, tolerance, currency))
    if not compared:
        return replace(check, reason=Reason.TAX_UNKNOWN)
    if compared[0].verdict is not Verdict.DIFFERS and _same_tax(asked, ours.amount, tolerance, currency):
        compared = compared[:1]
    differing = [one for one in compared if one.verdict is Verdict.DIFFERS]
    loose = [one for one in compared if one.verdict is Verdict.WITHIN_TOLERANCE]
    worst = next((one for one in differing if one.difference > 0), [*differing, *loose, *compared][0])
    only_tax = worst in differing and worst.side == "gross" and len(compared) > 1
    reason = Reason.ANOTHER_TAX if only_tax else worst.reason
    return replace(check, verdict=worst.verdict, reason=reason, difference=worst.difference)


def _compared(asked: Amount, ours: _Ours, tolerance: Tolerance, currency: str) -> Iterator[_Compared]:
    sides: tuple[Literal["net", "gross"], ...] = ("net", "gross")
    for side in sides:
        theirs, computed = getattr(asked, side), getattr(ours.amount, side)
        if theirs is not None and computed is not None:
            verdict, reason = _verdict(theirs, computed, ours, side, tolerance.width(computed, currency), currency)
            yield _Compared(side, verdict, theirs - computed, reason)


def _same_tax(asked: Amount, ours: Amount, tolerance: Tolerance, currency: str) -> bool:
    """Whether the tax itself is the same: on a net that is off by a cent, it may be two with tax."""
    theirs, computed = difference(asked.gross, asked.net), difference(ours.gross, ours.net)
    if theirs is None or computed is None:
        return False
    apart = round_money(theirs, currency) - round_money(computed, currency)
    return abs(apart.amount) <= tolerance.width(computed, currency)


def _verdict(
    theirs: Decimal, computed: Decimal, ours: _Ours, side: Literal["net", "gross"], width: Decimal, currency: str
) -> tuple[Verdict, Reason | None]:
    asked, exact = round_money(theirs, currency), round_money(computed, currency)
    if asked == exact:
        return Verdict.AGREES, None
    if abs((asked - exact).amount) <= width:
        return Verdict.WITHIN_TOLERANCE, None
    if asked.amount in getattr(ours.otherwise, side):
        return Verdict.WITHIN_TOLERANCE, Reason.ROUNDED_LINES
    return Verdict.DIFFERS, None


def _undisputed(ask: Ask, total: Check) -> Decimal | None:
    """What is owed before tax, in whole minor units: as asked, or as computed where that asks for too much."""
    net, computed = ask.total.net, total.computed
    if total.verdict is Verdict.NOT_CHECKABLE or net is None:
        return None
    if total.verdict is Verdict.DIFFERS and total.difference and total.difference > 0:
        if total.reason is not Reason.ANOTHER_TAX and computed.net is not None:
            net = computed.net
        elif computed.net is None and computed.gross is not None and ask.total.gross:
            net = net * computed.gross / ask.total.gross
    return round_money(net, ask.currency).amount


def not_checkable(ask: Ask, reason: Reason, against: Against | None) -> Verification:
    total = Check(what=What.TOTAL, verdict=Verdict.NOT_CHECKABLE, reason=reason, asked=ask.total)
    return Verification(
        verdict=Verdict.NOT_CHECKABLE, reason=reason, currency=ask.currency, against=against, checks=(total,)
    )
