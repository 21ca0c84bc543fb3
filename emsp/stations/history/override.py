"""What a charge point is while a driver of ours charges there, and when that is over; pure.

A charge that runs is one more word of the operator, and the newest word counts. A feed that never noticed the charge,
and says once more what it said before it, is not believed about its end. When the charge is over, what the operator
says itself stands again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

CHARGING = "CHARGING"
NOTICED = frozenset({CHARGING, "BLOCKED"})
BELIEVED_FOR = timedelta(hours=12)
"""A charge of which nobody has told for longer does not outdo a feed that goes on speaking."""


class Word(Struct, frozen=True):
    """A status as of a time."""

    status: str
    as_of: datetime


class Kept(Struct, frozen=True):
    """What the operator said itself, and as of when the charge was the newer word."""

    said: Word
    ours_as_of: datetime

    def is_ours(self, stands: Word) -> bool:
        return stands == Word(CHARGING, self.ours_as_of)


def runs(stands: Word, kept: Kept | None, heard_at: datetime, now: datetime) -> tuple[Word, Kept]:
    """What is to stand, and to be kept, while a charge runs of which the operator last told at `heard_at`."""
    if kept and kept.is_ours(stands):
        ours = Word(CHARGING, max(heard_at, kept.ours_as_of))
        return ours, Kept(kept.said, ours.as_of)
    if stands.status in NOTICED:
        return stands, Kept(stands, heard_at)
    if kept and _never_noticed(stands, kept) and now - heard_at <= BELIEVED_FOR:
        ours = Word(CHARGING, max(heard_at, stands.as_of))
        return ours, Kept(kept.said, ours.as_of)
    if stands.as_of <= heard_at:
        return Word(CHARGING, heard_at), Kept(stands, heard_at)
    return stands, Kept(stands, heard_at)


def _never_noticed(stands: Word, kept: Kept) -> bool:
    return stands.status == kept.said.status and kept.said.as_of <= kept.ours_as_of


def is_over(stands: Word, kept: Kept) -> Word:
    """What is to stand once the charge is over."""
    return kept.said if kept.is_ours(stands) else stands
