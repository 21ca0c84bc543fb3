"""How far what was last said of a charge point holds still, by its age and by how soon its party tells; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

LIVE_WITHIN = timedelta(minutes=15)
RECENT_WITHIN = timedelta(hours=24)
HOLDS_FOR = timedelta(hours=24)
"""So long the word of a party that tells of changes at once holds, as it would have told of another."""
STILL_RECENT = timedelta(days=7)
TELLS_AT_ONCE = LIVE_WITHIN
ALIVE_WITHIN = timedelta(hours=2)
SAMPLE_LEAST = 20
"""Of fewer changes it is not known how soon a party usually tells."""


class Freshness(StrEnum):
    """How far the newest known status can be taken to hold still."""

    LIVE = "LIVE"
    """At most 15 minutes old; or a day, of a party that tells of changes within 15 minutes and was heard lately."""
    RECENT = "RECENT"
    """At most 24 hours old; a week, of such a party."""
    STALE = "STALE"
    """Older than that."""
    UNKNOWN = "UNKNOWN"
    """No status is known."""


class Usual(Struct, frozen=True):
    """How long after a change a party usually tells of it, in seconds, over its last `sample` changes.

    `heard_at` is when it told of the newest of them.
    """

    median_s: int
    p95_s: int
    sample: int
    heard_at: datetime

    def tells_at_once(self, now: datetime) -> bool:
        """Whether a change would be known by now, since the party is prompt and was heard lately."""
        is_prompt = self.sample >= SAMPLE_LEAST and timedelta(seconds=self.p95_s) <= TELLS_AT_ONCE
        return is_prompt and now - self.heard_at <= ALIVE_WITHIN


def freshness(as_of: datetime | None, now: datetime, usual: Usual | None = None) -> Freshness:
    """By the age of the newest known status, and by how its party usually tells, where that is known."""
    if as_of is None:
        return Freshness.UNKNOWN
    is_sure = usual is not None and usual.tells_at_once(now)
    live, recent = (HOLDS_FOR, STILL_RECENT) if is_sure else (LIVE_WITHIN, RECENT_WITHIN)
    if now - as_of <= live:
        return Freshness.LIVE
    return Freshness.RECENT if now - as_of <= recent else Freshness.STALE
