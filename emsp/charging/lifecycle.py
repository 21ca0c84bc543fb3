"""The published life of a charging session, as a table: what each state means and what may follow it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a charging session stands."""

    REQUESTED = "REQUESTED"
    COMMAND_SENT = "COMMAND_SENT"
    AWAITING_PLUG = "AWAITING_PLUG"
    START_UNCONFIRMED = "START_UNCONFIRMED"
    CHARGING = "CHARGING"
    STOPPING = "STOPPING"
    ENDED = "ENDED"
    SETTLED = "SETTLED"
    PAYMENT_DUE = "PAYMENT_DUE"
    IN_REVIEW = "IN_REVIEW"
    FAILED = "FAILED"


MEANING = {
    State.REQUESTED: "Accepted by us; the payment is being secured.",
    State.COMMAND_SENT: "The operator has the start command.",
    State.AWAITING_PLUG: "The charger said yes and waits for the plug; there is no session yet.",
    State.START_UNCONFIRMED: "No answer came in time; a late start is still adopted and never charged twice.",
    State.CHARGING: "Energy flows, or the car is plugged in and may draw it.",
    State.STOPPING: "The operator has the stop command.",
    State.ENDED: "The charge is over; the operator's record of it is awaited.",
    State.SETTLED: "Billed and paid.",
    State.PAYMENT_DUE: "Billed; the payment needs the driver.",
    State.IN_REVIEW: "The operator's record cannot be right; nothing is charged until somebody has looked at it.",
    State.FAILED: "It never started, or its record was rejected; nothing is billed and the hold is released.",
}

_AFTER: dict[State, tuple[State, ...]] = {
    State.REQUESTED: (State.COMMAND_SENT, State.FAILED),
    State.COMMAND_SENT: (
        State.AWAITING_PLUG,
        State.START_UNCONFIRMED,
        State.CHARGING,
        State.ENDED,
        State.FAILED,
    ),
    State.AWAITING_PLUG: (State.CHARGING, State.ENDED, State.FAILED),
    State.START_UNCONFIRMED: (State.AWAITING_PLUG, State.CHARGING, State.ENDED, State.FAILED),
    State.CHARGING: (State.STOPPING, State.ENDED, State.FAILED),
    State.STOPPING: (State.CHARGING, State.ENDED, State.FAILED),
    State.ENDED: (State.SETTLED, State.PAYMENT_DUE, State.IN_REVIEW),
    State.IN_REVIEW: (State.ENDED, State.FAILED),
    State.PAYMENT_DUE: (State.SETTLED,),
    State.SETTLED: (),
    State.FAILED: (),
}

STARTING = (State.REQUESTED, State.COMMAND_SENT, State.AWAITING_PLUG, State.START_UNCONFIRMED)
OPEN = (*STARTING, State.CHARGING, State.STOPPING)
FINAL = (State.SETTLED, State.FAILED)


def after(state: State) -> tuple[State, ...]:
    """The states that may follow `state`."""
    return _AFTER[state]


def before(state: State) -> tuple[State, ...]:
    """The states that `state` may come from."""
    return tuple(earlier for earlier, later in _AFTER.items() if state in later)
