"""Honest records of charges over tariffs of many shapes, as operators of many habits write them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec

from emsp.charging.records.record import Asked, Cost, Record
from emsp.money import exponent
from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.price import price
from emsp.pricing.engine.report import LineKind, Report
from emsp.pricing.engine.tariff import (
    Component,
    Day,
    Dimension,
    Element,
    NotComputable,
    PriceLimit,
    Restrictions,
    Tariff,
    TaxIncluded,
)
from emsp.pricing.engine.trace import Period

EXAMPLES = sorted((Path(__file__).parents[1] / "examples" / "tariffs").glob("*.json"))
ZONES = ("Europe/Amsterdam", "Europe/Helsinki", "Europe/London", "America/New_York")
ZERO = Decimal(0)


class Charge(msgspec.Struct, frozen=True):
    """What really happened: a tariff, a place, and what was measured to the last digit."""

    name: str
    tariff: Tariff
    time_zone: str
    periods: tuple[Period, ...]

    def report(self, tariff: Tariff | None = None, time_zone: str | None = None) -> Report:
        """The price of it, by its own tariff or another."""
        if tariff is None and time_zone is None:
            return _own_report(self)
        return price(tariff or self.tariff, self.periods, time_zone=time_zone or self.time_zone)


@cache
def _own_report(charge: Charge) -> Report:
    """What every fault of the same charge is held against."""
    return price(charge.tariff, charge.periods, time_zone=charge.time_zone)


class Written(msgspec.Struct, frozen=True):
    """A record as its operator wrote it, over a charge as it was."""

    charge: Charge
    habit: str
    record: Record


# Charges.


@cache
def charges() -> tuple[Charge, ...]:
    """All of them, the same every time."""
    made = [*_examples(), *_generated(random.Random(4), 112)]
    return tuple(charge for charge in made if costs_something(charge))


def costs_something(charge: Charge) -> bool:
    """Whether there is anything to check."""
    try:
        report = charge.report()
    except (NotComputable, ValueError):
        return False
    return bool(report.net or report.gross)


class _Plan(msgspec.Struct):
    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    reserved_from: datetime | None = None


class _Example(msgspec.Struct):
    time_zone: str
    tariff: Tariff
    periods: tuple[Period, ...] = ()
    plan: _Plan | None = None


def _examples() -> Iterator[Charge]:
    for path in EXAMPLES:
        try:
            case = msgspec.json.decode(path.read_bytes(), type=_Example)
        except msgspec.ValidationError:
            continue  # a case in another form, such as a whole document of the protocol
        periods = periods_of_plan(**msgspec.structs.asdict(case.plan)) if case.plan else case.periods
        yield Charge(path.stem, case.tariff, case.time_zone, tuple(sorted(periods, key=lambda p: p.start)))


def _generated(chance: random.Random, how_many: int) -> Iterator[Charge]:
    for number in range(how_many):
        shape = SHAPES[number % len(SHAPES)]
        tariff, zone = shape(chance), chance.choice(ZONES)
        yield Charge(f"{shape.__name__.strip('_')} {number}", tariff, zone, _periods(chance))


def sessions(seed: int, how_many: int) -> list[tuple[Period, ...]]:
    """Other charges, to be priced by other tariffs."""
    chance = random.Random(seed)
    return [_periods(chance) for _ in range(how_many)]


def _periods(chance: random.Random) -> tuple[Period, ...]:
    """Charging in slices of a quarter of an hour, or in one, then mostly some parking; energy to the tenth of a Wh."""
    start = datetime(2026, chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 23), tzinfo=UTC)
    start += timedelta(seconds=chance.randint(0, 3599))
    charging_s, power_w = chance.randint(300, 6 * 3600), chance.choice([3700, 11_000, 22_000, 50_000, 150_000])
    charging_s = min(charging_s, 80_000 * 3600 // power_w)
    slice_s = chance.choice([900, 900, 10**6])
    ends = [*range(slice_s, charging_s, slice_s), charging_s]
    charging = [_slice(chance, start, since, until, power_w) for since, until in pairwise([0, *ends])]
    parking_s = chance.choice([0, 0, chance.randint(60, 4 * 3600)])
    left = start + timedelta(seconds=charging_s)
    parking = Period(left, left + timedelta(seconds=parking_s), parking_s=Decimal(parking_s), power_w=ZERO)
    return (*charging, parking) if parking_s else tuple(charging)


def _slice(chance: random.Random, start: datetime, since: int, until: int, power_w: int) -> Period:
    length = Decimal(until - since)
    energy = Decimal(chance.randint(7000, 10_000)) / 10_000 * power_w * length / 3600
    return Period(
        start + timedelta(seconds=since),
        start + timedelta(seconds=until),
        energy.quantize(Decimal("0.1")),
        length,
        power_w=(energy * 3600 / length).quantize(Decimal(1)),
    )


# Tariffs.

Chance = random.Random


def _part(dimension: Dimension, amount: Decimal, vat: str | None = "21", step: int = 1) -> Component:
    return Component(dimension, amount, None if vat is None else Decimal(vat), step)


def _amount(chance: Chance, least: int, most: int, digits: int = 2) -> Decimal:
    return Decimal(chance.randint(least * 10 ** (digits - 2), most * 10 ** (digits - 2))).scaleb(-digits)


def _per_kwh(chance: Chance, step: int = 1, vat: str | None = "21") -> Component:
    return _part(Dimension.ENERGY, _amount(chance, 19, 89, chance.choice([2, 3, 4])), vat, step)


def _energy(chance: Chance) -> Tariff:
    return Tariff("EUR", (Element((_per_kwh(chance),)),))


def _energy_in_steps(chance: Chance) -> Tariff:
    return Tariff("EUR", (Element((_per_kwh(chance, step=chance.choice([100, 500, 1000])),)),))


def _energy_and_start(chance: Chance) -> Tariff:
    parts = (_part(Dimension.FLAT, _amount(chance, 25, 150), "9"), _per_kwh(chance))
    return Tariff("EUR", (Element(parts),))


def _time_in_steps(chance: Chance) -> Tariff:
    step = chance.choice([60, 300, 900])
    parts = (_part(Dimension.TIME, _amount(chance, 100, 700), "21", step), _per_kwh(chance))
    return Tariff("EUR", (Element(parts),))


def _parking(chance: Chance) -> Tariff:
    parking = _part(Dimension.PARKING_TIME, _amount(chance, 300, 1200), "21", chance.choice([1, 60, 300]))
    return Tariff("EUR", (Element((_per_kwh(chance), parking)),))


def _day_and_night(chance: Chance) -> Tariff:
    night = Restrictions(start_time=time(chance.choice([20, 21, 22])), end_time=time(7))
    return Tariff("EUR", (Element((_per_kwh(chance),), night), Element((_per_kwh(chance),))))


def _weekends(chance: Chance) -> Tariff:
    weekend = Restrictions(days_of_week=(Day.SATURDAY, Day.SUNDAY))
    evening = Restrictions(start_time=time(17), end_time=time(21))
    elements = (
        Element((_per_kwh(chance),), weekend),
        Element((_per_kwh(chance),), evening),
        Element((_per_kwh(chance),)),
    )
    return Tariff("EUR", elements)


def _first_kwh(chance: Chance) -> Tariff:
    first = Restrictions(max_energy_wh=Decimal(chance.choice([5000, 10_000])))
    return Tariff("EUR", (Element((_per_kwh(chance),), first), Element((_per_kwh(chance),))))


def _overstay(chance: Chance) -> Tariff:
    late = Restrictions(min_duration_s=chance.choice([1800, 3600, 7200]))
    parking = _part(Dimension.PARKING_TIME, _amount(chance, 300, 1500), "21", 60)
    time_price = _part(Dimension.TIME, _amount(chance, 100, 900))
    return Tariff("EUR", (Element((parking, time_price), late), Element((_per_kwh(chance),))))


def _by_power(chance: Chance) -> Tariff:
    slow = Restrictions(max_power_w=Decimal(22_001))
    return Tariff("EUR", (Element((_per_kwh(chance),), slow), Element((_per_kwh(chance),))))


def _with_limits(chance: Chance) -> Tariff:
    floor, ceiling = _amount(chance, 100, 900), _amount(chance, 1000, 2500)
    return Tariff(
        "EUR",
        (Element((_per_kwh(chance), _part(Dimension.TIME, _amount(chance, 100, 300)))),),
        min_price=PriceLimit(floor, floor * Decimal("1.21")),
        max_price=PriceLimit(ceiling, ceiling * Decimal("1.21")),
    )


def _tax_included(chance: Chance) -> Tariff:
    parts = (_part(Dimension.FLAT, _amount(chance, 25, 150)), _per_kwh(chance))
    return Tariff("EUR", (Element(parts),), tax_included=TaxIncluded.YES)


def _without_tax(chance: Chance) -> Tariff:
    return Tariff(
        "EUR", (Element((_per_kwh(chance, vat=None), _part(Dimension.TIME, _amount(chance, 50, 300), None))),)
    )


def _in_yen(chance: Chance) -> Tariff:
    parts = (_part(Dimension.ENERGY, Decimal(chance.randint(30, 90)), "10"), _part(Dimension.FLAT, Decimal(150), "10"))
    return Tariff("JPY", (Element(parts),))


SHAPES: tuple[Callable[[Chance], Tariff], ...] = (
    _energy,
    _energy_in_steps,
    _energy_and_start,
    _time_in_steps,
    _parking,
    _day_and_night,
    _weekends,
    _first_kwh,
    _overstay,
    _by_power,
    _with_limits,
    _tax_included,
    _without_tax,
    _in_yen,
)


# Habits.

Figures = tuple[Decimal | None, Decimal | None]
Habit = Callable[[Charge, Report], Figures | None]


def cents(amount: Decimal | None, currency: str) -> Decimal | None:
    """To the minor unit, half up."""
    return None if amount is None else amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None


def _is_limited(report: Report) -> bool:
    return any(line.kind in (LineKind.MIN_PRICE, LineKind.MAX_PRICE) for line in report.lines)


def _in_full(charge: Charge, report: Report) -> Figures:
    return report.net, report.gross


def _to_four_digits(charge: Charge, report: Report) -> Figures:
    fine = Decimal("0.0001")
    return tuple(None if side is None else side.quantize(fine) for side in (report.net, report.gross))  # type: ignore[return-value]


def _total_rounded(charge: Charge, report: Report) -> Figures:
    return cents(report.net, report.currency), cents(report.gross, report.currency)


def _lines_rounded(charge: Charge, report: Report) -> Figures | None:
    if _is_limited(report):
        return None
    nets = [cents(line.net, report.currency) for line in report.lines]
    return _sum(nets), _sum([cents(line.gross, report.currency) for line in report.lines])


def _dimensions_rounded(charge: Charge, report: Report) -> Figures | None:
    if _is_limited(report):
        return None
    nets = [cents(total.net, report.currency) for total in report.per_dimension]
    return _sum(nets), _sum([cents(total.gross, report.currency) for total in report.per_dimension])


def _tax_on_rounded_net(charge: Charge, report: Report) -> Figures | None:
    rates = {line.vat_percent for line in report.lines}
    net = cents(report.net, report.currency)
    if len(rates) != 1 or None in rates or net is None or report.gross is None or _is_limited(report):
        return None
    return net, cents(net * (100 + rates.pop()) / 100, report.currency)


def _tax_on_rounded_lines(charge: Charge, report: Report) -> Figures | None:
    if report.gross is None or report.net is None or _is_limited(report):
        return None
    nets = [(cents(line.net, report.currency), line.vat_percent) for line in report.lines]
    if any(net is None or rate is None for net, rate in nets):
        return None
    grosses = [cents(net * (100 + rate) / 100, report.currency) for net, rate in nets]  # type: ignore[operator]
    return _sum([net for net, _ in nets]), _sum(grosses)


def _periods_rounded(charge: Charge, report: Report) -> Figures | None:
    """Each period adds what the charge cost until its end, less what it cost until its start, to the cent."""
    stepped = any(part.step_size > 1 for element in charge.tariff.elements for part in element.components)
    if stepped or charge.tariff.min_price or charge.tariff.max_price or len(charge.periods) < 2:
        return None
    net = gross = before_net = before_gross = ZERO
    for number in range(1, len(charge.periods) + 1):
        until = price(charge.tariff, charge.periods[:number], time_zone=charge.time_zone)
        if until.net is None or until.gross is None:
            return None
        net += cents(until.net - before_net, report.currency)  # type: ignore[operator]
        gross += cents(until.gross - before_gross, report.currency)  # type: ignore[operator]
        before_net, before_gross = until.net, until.gross
    return net, gross


HABITS: dict[str, Habit] = {
    "in full": _in_full,
    "to four digits": _to_four_digits,
    "total rounded": _total_rounded,
    "lines rounded": _lines_rounded,
    "dimensions rounded": _dimensions_rounded,
    "tax on rounded net": _tax_on_rounded_net,
    "tax on rounded lines": _tax_on_rounded_lines,
    "periods rounded": _periods_rounded,
}
MEASURES = {"all digits": None, "Wh and 4 digits of hours": (0, 4), "2 digits": (-1, 2)}
"""How volumes are written: digits of Wh and of hours."""


# Records.


def honest(charge: Charge) -> Iterator[Written]:
    """The charge, as operators of every habit write it."""
    report = charge.report()
    for number, (name, habit) in enumerate(HABITS.items()):
        if figures := habit(charge, report):
            measure = list(MEASURES)[number % len(MEASURES)]
            record = record_of(charge, figures, measure, parts=number % 2 == 0, report=report)
            if record is not None:
                yield Written(charge, f"{name}, {measure}", record)


def record_of(
    charge: Charge, figures: Figures, measure: str, *, parts: bool, report: Report, tax: bool = True
) -> Record | None:
    """The record of a charge that asks for these figures; None where it has no amount before tax."""
    net, gross = figures
    if net is None:
        return None
    periods = [written(period, measure) for period in charge.periods]
    charging = [period for period in charge.periods if not period.reserved] or list(charge.periods)
    return Record(
        country_code="NL",
        party_id="ABC",
        external_id="C1",
        started_at=charging[0].start,
        ended_at=max(period.end for period in charging),
        energy_wh=sum((period.energy_wh for period in charge.periods), ZERO).quantize(Decimal(1)),
        periods=periods,
        currency=report.currency,
        net_cost=net,
        gross_cost=gross if tax else None,
        asked=_asked(report) if parts else Asked(),
        updated_at=max(period.end for period in charge.periods),
    )


def written(period: Period, measure: str) -> Period:
    """A period with its volumes as the record has them."""
    digits = MEASURES[measure]
    if digits is None:
        return period
    wh, hours = Decimal(1).scaleb(-digits[0]), Decimal(1).scaleb(-digits[1])
    return msgspec.structs.replace(
        period,
        energy_wh=period.energy_wh.quantize(wh),
        charging_s=(period.charging_s / 3600).quantize(hours) * 3600,
        parking_s=(period.parking_s / 3600).quantize(hours) * 3600,
    )


def _asked(report: Report) -> Asked:
    def cost(*kinds: LineKind) -> Cost | None:
        lines = [line for line in report.lines if line.kind in kinds]
        net, gross = _sum([line.net for line in lines]), _sum([line.gross for line in lines])
        return Cost(cents(net, report.currency) or ZERO, cents(gross, report.currency)) if lines and net else None

    return Asked(
        energy=cost(LineKind.ENERGY),
        time=cost(LineKind.TIME),
        parking=cost(LineKind.PARKING_TIME),
        fixed=cost(LineKind.FLAT),
        reservation=cost(LineKind.RESERVATION_TIME, LineKind.RESERVATION_FLAT),
    )
