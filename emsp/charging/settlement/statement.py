"""What we owe an operator for a month, line by line; pure.

A charge belongs to the month in which it ended, for ever. What is booked of it later, a credit, a correction, a claim
or its end, is a late line of the same month, so that all months together are the operator's account to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from emsp.charging.settlement.months import Month

KINDS = {
    "energy_bought": "RECORD",
    "energy_corrected": "CORRECTION",
    "claim_opened": "CLAIM",
    "claim_closed": "CLAIM_CLOSED",
}
CLAIMS = ("CLAIM", "CLAIM_CLOSED")


class Movement(Struct, frozen=True, kw_only=True):
    """One entry of an operator's account: `owed_minor` is by how much we owe it more.

    `record` is the operator's id of the record that caused it, `ended_at` when the charge ended by the record that it
    was billed by first, in the time zone of the place: that is the month it belongs to, whatever comes later.
    """

    event: str
    booked_at: datetime
    currency: str
    owed_minor: int
    session_id: UUID | None
    record: str | None
    ended_at: datetime | None
    time_zone: str | None


class StatementLine(Struct, frozen=True, kw_only=True):
    """A movement of what we owe: RECORD, CORRECTION, CLAIM, CLAIM_CLOSED or OTHER. `late`: booked after the month."""

    kind: str
    record: str | None
    session_id: UUID | None
    ended_at: datetime | None
    booked_at: datetime
    owed_minor: int
    late: bool


class Statement(Struct, frozen=True, kw_only=True):
    """What we owe for a month in one currency, and what it is made of; amounts in minor units, net."""

    month: str
    currency: str
    lines: Sequence[StatementLine]

    @property
    def records(self) -> int:
        """How many charges were billed to us."""
        return len({line.session_id for line in self.lines if line.kind == "RECORD"})

    @property
    def asked_minor(self) -> int:
        """What the records that stand ask for."""
        return sum(line.owed_minor for line in self.lines if line.kind not in CLAIMS)

    @property
    def claimed_minor(self) -> int:
        """What of that we do not owe, by claims that stand."""
        return -sum(line.owed_minor for line in self.lines if line.kind in CLAIMS)

    @property
    def owed_minor(self) -> int:
        return self.asked_minor - self.claimed_minor

    @property
    def late_minor(self) -> int:
        """How much of what is owed came after the month."""
        return sum(line.owed_minor for line in self.lines if line.late)


def month_of(movement: Movement) -> Month:
    """The month that a movement belongs to: of the charge's end at its place, else of its booking."""
    if movement.ended_at is None:
        return Month.of(movement.booked_at.astimezone(UTC))
    return Month.of(movement.ended_at.astimezone(ZoneInfo(movement.time_zone or "UTC")))


def statements(movements: Iterable[Movement], month: Month) -> list[Statement]:
    """The statements of a month, one a currency, by name."""
    lines: dict[str, list[StatementLine]] = {}
    for movement in movements:
        if month_of(movement) == month:
            lines.setdefault(movement.currency, []).append(_line(movement, month))
    return [Statement(month=str(month), currency=currency, lines=lines[currency]) for currency in sorted(lines)]


def _line(movement: Movement, month: Month) -> StatementLine:
    is_over = movement.booked_at >= month.bounds(movement.time_zone or "UTC")[1]
    return StatementLine(
        kind=KINDS.get(movement.event, "OTHER"),
        record=movement.record,
        session_id=movement.session_id,
        ended_at=movement.ended_at,
        booked_at=movement.booked_at,
        owed_minor=movement.owed_minor,
        late=is_over,
    )
