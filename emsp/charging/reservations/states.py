"""The published life of a reservation, as a table: what each state means and what may follow it."""

from __future__ import annotations

from enum import StrEnum


class ReservationState(StrEnum):
    """Where a reservation stands."""

    REQUESTED = "REQUESTED"
    UNCONFIRMED = "UNCONFIRMED"
    CONFIRMED = "CONFIRMED"
    CANCELING = "CANCELING"
    USED = "USED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"
    REFUSED = "REFUSED"


S = ReservationState

MEANING = {
    S.REQUESTED: "The operator is asked to keep the charge point free.",
    S.UNCONFIRMED: "No answer came in time; it may be kept free all the same, and a late answer still counts.",
    S.CONFIRMED: "The operator keeps the charge point free until the time that the reservation names.",
    S.CANCELING: "The operator is asked to give it up; until it has, the charge point is still kept free.",
    S.USED: "A charge began under it.",
    S.EXPIRED: "Its time is over.",
    S.CANCELED: "It was given up, by the driver or by the operator; the reason says by whom.",
    S.REFUSED: "The operator did not take it.",
}

_AFTER: dict[ReservationState, tuple[ReservationState, ...]] = {
    S.REQUESTED: (S.CONFIRMED, S.UNCONFIRMED, S.REFUSED, S.CANCELING, S.CANCELED, S.USED, S.EXPIRED),
    S.UNCONFIRMED: (S.CONFIRMED, S.REFUSED, S.CANCELING, S.CANCELED, S.USED, S.EXPIRED),
    S.CONFIRMED: (S.CANCELING, S.CANCELED, S.USED, S.EXPIRED),
    S.CANCELING: (S.CONFIRMED, S.CANCELED, S.USED, S.EXPIRED),
    S.USED: (),
    S.EXPIRED: (),
    S.CANCELED: (),
    S.REFUSED: (),
}

OPEN = (S.REQUESTED, S.UNCONFIRMED, S.CONFIRMED, S.CANCELING)
GOOD = (S.REQUESTED, S.UNCONFIRMED, S.CONFIRMED)
"""Those under which a charge may begin."""
FINAL = (S.USED, S.EXPIRED, S.CANCELED, S.REFUSED)


def after(state: ReservationState) -> tuple[ReservationState, ...]:
    """The states that may follow `state`."""
    return _AFTER[state]


def before(state: ReservationState) -> tuple[ReservationState, ...]:
    """The states that `state` may come from."""
    return tuple(earlier for earlier, later in _AFTER.items() if state in later)
