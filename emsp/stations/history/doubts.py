"""When the word of an operator is to be doubted: a charge point free that nobody can start, one that charges for days.

A doubt changes no status: it is shown beside it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

FAILED_IN_A_ROW = 3
LOOKED_BACK = timedelta(days=1)
"""So far back starts are looked at: as far as it is known who else charged in between."""
FORGOTTEN_AFTER = timedelta(days=7)
"""So long failed starts say something, when nobody tried again."""
STUCK_AFTER = timedelta(hours=72)
"""So long what charges without a break is believed."""


class Reason(StrEnum):
    """Why the word of an operator is doubted."""

    FAILED_STARTS = "FAILED_STARTS"
    """It is said to be free, and several starts failed there one after the other."""
    STUCK = "STUCK"
    """It is said to charge, for days."""


class Start(Struct, frozen=True):
    """What became of a charge that a driver of ours asked for at a charge point."""

    at: datetime
    worked: bool


class Seen(Struct, frozen=True):
    """A charge point as its operator has it, and what we saw there.

    `used_at` is when anybody was last heard to charge there; `starts` are in any order.
    """

    status: str
    used_at: datetime | None = None
    starts: tuple[Start, ...] = ()


class Doubt(Struct, frozen=True):
    """`evidence` is how many starts failed one after the other, or for how many seconds it was said to charge when that
    was first doubted."""

    reason: Reason
    evidence: int
    since: datetime


def doubt(seen: Seen, now: datetime, before: Doubt | None = None) -> Doubt | None:
    """The doubt that failed starts give in what is said of a charge point, if any; `before` is the one there was."""
    return (_cannot_be_started(seen) or _still(seen, before, now)) if seen.status == "AVAILABLE" else None


def _cannot_be_started(seen: Seen) -> Doubt | None:
    failed = failed_in_a_row(seen.starts, seen.used_at)
    return Doubt(Reason.FAILED_STARTS, len(failed), failed[-1].at) if len(failed) >= FAILED_IN_A_ROW else None


def _still(seen: Seen, before: Doubt | None, now: datetime) -> Doubt | None:
    """What was doubted once is until somebody charges there, or it is forgotten."""
    if before is None or before.reason != Reason.FAILED_STARTS or now - before.since > FORGOTTEN_AFTER:
        return None
    was_used = seen.used_at is not None and seen.used_at > before.since
    worked = any(start.worked and start.at > before.since for start in seen.starts)
    return None if was_used or worked else before


def failed_in_a_row(starts: Iterable[Start], used_at: datetime | None = None) -> list[Start]:
    """The last starts as far back as they failed, the newest first; whoever charged there has ended the row."""
    failed: list[Start] = []
    for start in sorted(starts, key=lambda start: start.at, reverse=True):
        if start.worked or (used_at and start.at <= used_at):
            break
        failed.append(start)
    return failed
