"""How operators round: every total that an honest one may come to, where the protocol "stays out of these matters".

Our own rule rounds once per total. Others round each line, each dimension or each charging period to the minor unit
and add up what they rounded, some of them half to even or down, and many make one side of the tax from the other
one that is rounded already. A sum of rounded parts may be off by half a minor unit per part, which is much for a
charge of ninety periods; so none of it is a tolerance. Each habit is computed, and a figure is explained by one of
them or it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from emsp.money import exponent
from emsp.pricing.engine.report import ZERO, Line, LineKind, Report
from emsp.pricing.engine.tariff import PriceLimit
from emsp.pricing.engine.trace import Period

Limits = tuple[PriceLimit | None, PriceLimit | None]
Habit = Callable[[int, int], int]
NO_TIME = timedelta(0)
AT_LIMIT = (LineKind.MIN_PRICE, LineKind.MAX_PRICE)
DIGITS = 18
"""Amounts are whole numbers here, of the last of so many decimals: there are a great many to round."""
PERCENT = 10**6
PERIODS_PER_SLIP = 8
"""Volumes are rounded, too: of so many further periods one may come to another minor unit than for the operator."""


class Piece(Struct, frozen=True):
    """What one charging period adds to one line; `period` is None for what belongs to none of them."""

    line: int
    kind: LineKind
    period: int | None
    vat_percent: Decimal | None
    net: Decimal | None
    gross: Decimal | None


class Roundings(Struct, frozen=True):
    """Totals in major units as the habits make them, without and with tax; empty where the side is not known."""

    net: frozenset[Decimal]
    gross: frozenset[Decimal]


def _half_up(amount: int, unit: int) -> int:
    return -_half_up(-amount, unit) if amount < 0 else (2 * amount + unit) // (2 * unit) * unit


def _half_even(amount: int, unit: int) -> int:
    whole, rest = divmod(amount, unit)
    return (whole + (2 * rest > unit or (2 * rest == unit and whole % 2))) * unit


def _down(amount: int, unit: int) -> int:
    return amount // unit * unit if amount >= 0 else -(-amount // unit * unit)


class Parting(Struct, frozen=True):
    """A way to part a total before its parts are rounded."""

    key: Callable[[Piece], Hashable]
    habits: tuple[Habit, ...]
    slips: bool = False


WHOLE = Parting(lambda piece: None, (_half_up, _half_even, _down))
PARTINGS = (
    WHOLE,
    Parting(lambda piece: piece.line, (_half_up, _half_even, _down)),
    Parting(lambda piece: piece.kind, (_half_up, _half_even, _down)),
    Parting(lambda piece: (piece.line, piece.period), (_half_up, _half_even), slips=True),
    Parting(lambda piece: piece.period, (_half_up, _half_even), slips=True),
)


def roundings(
    report: Report,
    periods: Sequence[Period],
    *,
    kinds: frozenset[LineKind] | None = None,
    limits: Limits = (None, None),
) -> Roundings:
    """The totals of `report`, or of its lines of these kinds, after every habit; `limits` are floor and ceiling."""
    lines = [line for line in report.lines if kinds is None or line.kind in kinds]
    pieces, unit = list(_pieces(lines, periods)), 10 ** (DIGITS - exponent(report.currency))
    rates = [piece.vat_percent for piece in pieces]
    nets, grosses = _whole(piece.net for piece in pieces), _whole(piece.gross for piece in pieces)
    add_tax = [None if rate is None else (100 * PERCENT + int(rate * PERCENT), 100 * PERCENT) for rate in rates]
    take_tax = [None if factor is None else factor[::-1] for factor in add_tax]
    net = _totals(pieces, nets, grosses, take_tax, unit)
    gross = _totals(pieces, grosses, nets, add_tax, unit)
    return Roundings(
        frozenset(_within(total, "net", limits) for total in net),
        frozenset(_within(total, "gross", limits) for total in gross),
    )


Amounts = Sequence[int | None]
Factor = tuple[int, int]


def _whole(amounts: Iterable[Decimal | None]) -> list[int | None]:
    return [None if amount is None else int(amount.scaleb(DIGITS)) for amount in amounts]


def _totals(
    pieces: Sequence[Piece], own: Amounts, other: Amounts, factors: Sequence[Factor | None], unit: int
) -> set[Decimal]:
    """The totals of one side of the tax. What is at its floor or ceiling costs just that: it is no sum of parts."""
    if None in own:
        return set()
    totals = set[int]()
    at_limit = any(piece.kind in AT_LIMIT for piece in pieces)
    others = len({piece.period for piece in pieces} - {None}) - 1
    slips = -(-max(others, 0) // PERIODS_PER_SLIP)
    for parting in (WHOLE,) if at_limit else PARTINGS:
        keys = [parting.key(piece) for piece in pieces]
        groups = _grouped(zip(keys, own, strict=True))
        taxed = _grouped(zip(zip(keys, factors, strict=True), other, strict=True))
        for habit in parting.habits:
            found = {sum(habit(amount, unit) for amount in groups.values()), *_from_other(taxed, habit, unit)}
            by = range(-slips, slips + 1) if parting.slips else range(1)
            totals |= {total + unit * slip for total in found for slip in by}
    return {Decimal(total).scaleb(-DIGITS) for total in totals}


Key = TypeVar("Key")


def _grouped(amounts: Iterable[tuple[Key, int | None]]) -> dict[Key, int]:
    """The amounts summed by key; nothing at all when one is not known."""
    groups: dict[Key, int] = {}
    for key, amount in amounts:
        if amount is None:
            return {}
        groups[key] = groups.get(key, 0) + amount
    return groups


def _from_other(groups: dict[tuple[Hashable, Factor | None], int], habit: Habit, unit: int) -> Iterator[int]:
    """One side made from the other that was rounded before: for each group, for each rate, and at the very end."""
    each, by_rate = list[int](), dict[Factor, int]()
    for (_, factor), amount in groups.items():
        if factor is None:
            return
        each.append(habit(amount, unit) * factor[0] // factor[1])
        by_rate[factor] = by_rate.get(factor, 0) + each[-1]
    if each:
        yield sum(habit(amount, unit) for amount in each)
        yield sum(habit(amount, unit) for amount in by_rate.values())
        yield habit(sum(each), unit)


def _within(total: Decimal, side: str, limits: Limits) -> Decimal:
    """What is left of a rounded total where the tariff has a floor or a ceiling."""
    floor, ceiling = (None if limit is None else getattr(limit, side) for limit in limits)
    total = total if floor is None else max(total, floor)
    return total if ceiling is None else min(total, ceiling)


def _pieces(lines: Sequence[Line], periods: Sequence[Period]) -> Iterator[Piece]:
    for index, line in enumerate(lines):
        for period, part in _shares(line, periods):
            net = None if line.net is None else line.net * part
            gross = None if line.gross is None else line.gross * part
            yield Piece(index, line.kind, period, line.vat_percent, net, gross)


def _shares(line: Line, periods: Sequence[Period]) -> list[tuple[int | None, Decimal]]:
    """The periods that a line is over, with their parts of what is billed; the last one bears the step rounding."""
    if line.start is None or line.end is None or not line.billed:
        return [(None, Decimal(1))]
    volumes = [(index, _volume_in(line, period)) for index, period in enumerate(periods)]
    touched = [(index, volume) for index, volume in volumes if volume]
    if len(touched) < 2:
        return [(touched[0][0] if touched else None, Decimal(1))]
    parts: list[tuple[int | None, Decimal]] = [(index, volume / line.billed) for index, volume in touched[:-1]]
    return [*parts, (touched[-1][0], 1 - sum((part for _, part in parts), ZERO))]


def _volume_in(line: Line, period: Period) -> Decimal:
    """How much of the line's dimension the period has while the line lasts."""
    assert line.start is not None
    assert line.end is not None
    length, overlap = period.end - period.start, min(line.end, period.end) - max(line.start, period.start)
    if length <= NO_TIME or overlap <= NO_TIME:
        return ZERO
    if (line.kind is LineKind.RESERVATION_TIME) != period.reserved:
        return ZERO
    volume = {
        LineKind.ENERGY: period.energy_wh,
        LineKind.TIME: period.charging_s,
        LineKind.PARKING_TIME: period.parking_s,
        LineKind.RESERVATION_TIME: line.measured,
    }.get(line.kind, ZERO)
    return volume if overlap == length else volume * _micros(overlap) / _micros(length)


def _micros(elapsed: timedelta) -> Decimal:
    return Decimal(elapsed // timedelta(microseconds=1))
