"""What became of a charge that a driver asked for, as far as the charge point had a part in it; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct

from emsp.charging.lifecycle import STARTING, State

BREAKS_OFF_WITHIN = timedelta(minutes=5)
NOTHING_WH = 100
"""Less is no charge."""


class Outcome(Enum):
    """What became of a charge."""

    WORKED = "WORKED"
    FAILED = "FAILED"
    """It never began, broke off at once, or the operator took it back."""
    OPEN = "OPEN"
    """Not known yet."""
    ELSEWHERE = "ELSEWHERE"
    """The charge point had no part: the payment failed, the command reached nobody, no car was plugged in."""


class Charge(Struct, frozen=True):
    """A charging session as its outcome is judged; `failed_by` is who said that it failed, `plug_awaited` whether the
    charge point had been ready before."""

    state: State
    attempts: int
    failed_by: str | None
    plug_awaited: bool
    started_at: datetime | None
    ended_at: datetime | None
    stop_requested_at: datetime | None
    energy_wh: int


def outcome(charge: Charge, now: datetime) -> Outcome:
    """What became of a charge that was asked for by app."""
    if charge.state in STARTING:
        return Outcome.OPEN
    if charge.state == State.FAILED and charge.started_at is None:
        return _never_began(charge)
    if charge.energy_wh >= NOTHING_WH or charge.stop_requested_at:
        return Outcome.WORKED
    if charge.state in (State.CHARGING, State.STOPPING):
        is_new = charge.started_at is None or now - charge.started_at < BREAKS_OFF_WITHIN
        return Outcome.OPEN if is_new else Outcome.WORKED
    return Outcome.FAILED if charge.state == State.FAILED or _broke_off(charge) else Outcome.WORKED


def _never_began(charge: Charge) -> Outcome:
    nobody_plugged_in = charge.plug_awaited and charge.failed_by == "SYSTEM"
    if charge.attempts == 0 or charge.failed_by == "PAYMENT" or nobody_plugged_in:
        return Outcome.ELSEWHERE
    return Outcome.FAILED


def _broke_off(charge: Charge) -> bool:
    if charge.started_at is None or charge.ended_at is None:
        return False
    return charge.ended_at - charge.started_at < BREAKS_OFF_WITHIN
