"""When an operator that tells nothing of a charge is asked about it, and when people are to look; pure.

Asking is all that follows from silence. Nothing is failed, ended or billed because of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from emsp.charging.lifecycle import State

SHORTEST = timedelta(seconds=20)
"""Sooner nobody is asked, whatever the settings say."""
DAY = timedelta(days=1)


class Patience(Struct, frozen=True):
    """How long to wait for word before each question, the last wait repeated for ever; `looked_at` is after how many
    questions without word somebody is to look, `question` what the driver is told once."""

    waits: Sequence[timedelta]
    looked_at: int
    question: str
    most: int | None = None
    """How often it is asked at all; None for as long as it takes."""


class Silent(Struct, frozen=True):
    """A charge as its silence is judged: where it stands since when, the last word from the operator (by its own
    clock), the last question and how many there were."""

    state: State
    state_since: datetime
    heard_at: datetime | None
    asked_at: datetime | None
    asks: int


def patience(
    *, plug_in_s: int, unconfirmed_s: int, command_s: int, silent_s: int, record_s: int
) -> Mapping[State, Patience]:
    """The patience with each state, from the settings that other waits are measured by."""
    began = "We asked the operator whether the charge has begun."
    silent, record = timedelta(seconds=silent_s), timedelta(seconds=record_s)
    return {
        State.COMMAND_SENT: Patience([_at_least(2 * command_s)], 5, began),
        State.AWAITING_PLUG: Patience([_at_least(plug_in_s * 2 // 3)], 5, began),
        State.START_UNCONFIRMED: Patience([_at_least(unconfirmed_s // 3)], 5, began),
        State.CHARGING: Patience(
            [silent, silent, 2 * silent, 4 * silent, 8 * silent, 16 * silent],
            5,
            "The operator has told us nothing for a while; we asked it how the charge stands.",
        ),
        State.STOPPING: Patience(
            [silent / 5, silent / 5, silent, 4 * silent, 16 * silent],
            4,
            "We asked the operator whether the charge is over.",
        ),
        State.ENDED: Patience(
            [record, 5 * record, 30 * record, 108 * record, DAY],
            4,
            "We asked the operator for its record of this charge.",
        ),
        State.FAILED: Patience([silent], 2, "We asked the operator whether it began after all.", most=1),
    }


def is_due(charge: Silent, patience: Mapping[State, Patience], now: datetime) -> bool:
    """Whether the operator is to be asked about the charge now."""
    rule = patience.get(charge.state)
    if rule is None:
        return False
    asks = asks_since_word(charge, now)
    wait = rule.waits[min(asks, len(rule.waits) - 1)]
    return (rule.most is None or asks < rule.most) and now - _quiet_since(charge, now) >= wait


def asks_since_word(charge: Silent, now: datetime) -> int:
    """How often it was asked in vain: questions before the last word of the operator do not count."""
    return charge.asks if charge.asked_at and charge.asked_at >= _word_at(charge, now) else 0


def wants_a_look(charge: Silent, patience: Mapping[State, Patience], now: datetime) -> bool:
    """Whether it was asked in vain so often that people are to look."""
    rule = patience.get(charge.state)
    return rule is not None and asks_since_word(charge, now) >= rule.looked_at


def _quiet_since(charge: Silent, now: datetime) -> datetime:
    return max(_word_at(charge, now), charge.asked_at or charge.state_since)


def _word_at(charge: Silent, now: datetime) -> datetime:
    """When the charge last moved, or was told of; an operator's clock that is ahead of ours is not believed.

    Of a charge that is over the record is awaited: that the session is told of once more is not what was asked for.
    """
    heard_at = None if charge.state is State.ENDED else charge.heard_at
    return max(charge.state_since, min(heard_at or charge.state_since, now))


def _at_least(seconds: int) -> timedelta:
    return max(timedelta(seconds=seconds), SHORTEST)
