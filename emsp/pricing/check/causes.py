"""What a difference comes from: the mistakes that operators make, each tried until one explains the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from emsp.money import exponent
from emsp.pricing.check.compare import Periods, Rule
from emsp.pricing.check.verdicts import Amount, Ask, Reason, Tolerance, Verdict, Verification
from emsp.pricing.engine.policies import Flats, StepSizes
from emsp.pricing.engine.report import ZERO
from emsp.pricing.engine.trace import Period

WH_FOR_KWH, MINUTES_FOR_HOURS, SECONDS_FOR_HOURS = Decimal(1000), Decimal(60), Decimal(3600)


def cause_of(ask: Ask, rule: Rule, periods: Periods, tolerance: Tolerance, verification: Verification) -> Reason | None:
    """The first mistake that leads to what is asked, as near as rounding lets one expect; None when no known one does.

    What makes no difference to the charge explains nothing.
    """
    if verification.own_tariffs in (Verdict.AGREES, Verdict.WITHIN_TOLERANCE):
        return Reason.TARIFF_CHANGED
    if verification.ours is None:
        return None
    ours = Amount(verification.ours.net, verification.ours.gross)
    rounding = Decimal(len(verification.ours.lines) + 1).scaleb(-exponent(ask.currency)) / 2
    near = tolerance.width(ask.total.net or ZERO, ask.currency) + rounding
    mistakes = _mistakes(ours, rule, periods)
    return next((why for why, one in mistakes if _apart(ask.total, one) <= near < _apart(one, ours)), None)


def _apart(one: Amount, other: Amount) -> Decimal:
    """How far two amounts are apart, on the side of the tax where it is more."""
    pairs = ((one.net, other.net), (one.gross, other.gross))
    return max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=ZERO)


def _mistakes(ours: Amount, rule: Rule, periods: Periods) -> Iterator[tuple[Reason, Amount]]:
    """What would be asked by each mistake."""
    if ours.gross is not None and ours.net is not None:
        yield Reason.TAX_IN_NET, Amount(net=ours.gross)
    for reason, so, read in _readings(rule, periods):
        if report := so.report(read):
            yield reason, Amount(report.net, report.gross)


def _readings(rule: Rule, periods: Periods) -> Iterator[tuple[Reason, Rule, Periods]]:
    for steps in (StepSizes.IGNORED, StepSizes.EACH_COMPONENT):
        yield Reason.STEP_SIZES, replace(rule, policies=replace(rule.policies, step_sizes=steps)), periods
    yield Reason.TIME_ZONE, replace(rule, time_zone="UTC"), periods
    yield Reason.EVERY_FLAT, replace(rule, policies=replace(rule.policies, flats=Flats.EVERY_FLAT)), periods
    backwards = [replace(tariff, elements=tariff.elements[::-1]) for tariff in rule.tariffs]
    yield Reason.ELEMENT_ORDER, replace(rule, tariffs=backwards), periods
    yield Reason.UNITS, rule, _times(periods, energy=WH_FOR_KWH)
    for factor in (MINUTES_FOR_HOURS, SECONDS_FOR_HOURS):
        yield Reason.UNITS, rule, _times(periods, time=factor)


def _times(periods: Sequence[Period], energy: Decimal = Decimal(1), time: Decimal = Decimal(1)) -> list[Period]:
    return [
        replace(
            period,
            energy_wh=period.energy_wh * energy,
            charging_s=period.charging_s * time,
            parking_s=period.parking_s * time,
        )
        for period in periods
    ]
