"""Whether an operator's record of a charge can be true at all, before anybody is billed by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from emsp.charging.records.record import Record
from emsp.money import is_known_currency

EARLY = timedelta(minutes=30)
"""How long before the start command a charge may have begun: the car may be plugged in, and clocks differ."""
AHEAD = timedelta(days=1)
LONGEST = timedelta(days=7)
UNKNOWN_POWER_W = 1_000_000
WEAKEST_W = 1_000
"""A lower power than this is not one of a charger, but a mistake in its description."""
MOST_ASKED = 100_000_000
MARGIN, MARGIN_WH = Decimal("1.5"), Decimal(1_000)
SECOND, SECONDS_PER_HOUR = timedelta(seconds=1), 3600


def doubt(record: Record, *, power_w: int | None, commanded_at: datetime, now: datetime) -> str | None:
    """Why the record cannot be true, in a sentence for people; None when it can.

    `power_w` is the most that the charge point gives, `commanded_at` the moment of our start.
    """
    if not record.currency:
        return "The operator names no currency."
    if not is_known_currency(record.currency):
        return f"{record.currency} is not a currency."
    if not is_amount(record.net_cost):
        return f"It asks for {record.net_cost} {record.currency}."
    if record.ended_at > now + AHEAD:
        return f"It ends on {record.ended_at:%Y-%m-%d}, which is yet to come."
    if _began_at(record) < commanded_at - EARLY:
        return f"It begins at {_began_at(record):%Y-%m-%d %H:%M} UTC, before the charge was asked for."
    if record.ended_at - record.started_at > LONGEST:
        return f"It lasts {(record.ended_at - record.started_at).days} days."
    return _doubt_about_energy(record, power_w, commanded_at)


def is_amount(cost: Decimal) -> bool:
    """Whether this can be asked for a charge, in whatever currency."""
    return cost.is_finite() and 0 <= cost <= MOST_ASKED


def _began_at(record: Record) -> datetime:
    """When the charge itself began; a reservation comes before the start."""
    charging = [period.start for period in record.periods if not period.reserved]
    reserved = len(charging) < len(record.periods)
    return min(charging) if reserved and charging else record.started_at


def _doubt_about_energy(record: Record, power_w: int | None, commanded_at: datetime) -> str | None:
    """More energy than the charge point can give in the time; a record without a length lasts since the command."""
    told_wh = sum((period.energy_wh for period in record.periods), Decimal(0))
    energy_wh = max(record.energy_wh, told_wh)
    elapsed = record.ended_at - record.started_at or record.ended_at - commanded_at
    strongest_w = power_w if power_w and power_w >= WEAKEST_W else UNKNOWN_POWER_W
    most_wh = strongest_w * Decimal(elapsed // SECOND) / SECONDS_PER_HOUR * MARGIN + MARGIN_WH
    if energy_wh <= most_wh:
        return None
    minutes = elapsed // timedelta(minutes=1)
    return f"{_kilo(energy_wh)} kWh in {minutes} minutes is more than {_kilo(Decimal(strongest_w))} kW can give."


def _kilo(value: Decimal) -> str:
    return f"{(value / 1000).quantize(Decimal('0.1')):f}".removesuffix(".0")
