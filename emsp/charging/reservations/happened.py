"""What happens to a reservation, as events; the timetable says which jobs follow each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class _OfReservation(Event):
    reservation_id: UUID

    @property
    def lock(self) -> str:
        return f"reservation:{self.reservation_id}"


class ReservationRequested(_OfReservation):
    """A driver wants a charge point to be kept free and we took it on."""


class ReservationGivenUp(_OfReservation):
    """The driver wants it no longer."""
