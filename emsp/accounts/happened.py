"""What happens to drivers, as events; the timetable says which jobs follow."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class DriverChanged(Event):
    """A driver is new, or differs in what operators know of one: whether they may charge, and their language."""

    driver_id: UUID

    @property
    def lock(self) -> str:
        return f"driver:{self.driver_id}"


@dataclass(frozen=True, kw_only=True)
class ChargeTokenChanged(Event):
    """A card or contract differs in what operators know of it: whose it is, and whether it is blocked."""

    charge_token_id: UUID

    @property
    def lock(self) -> str:
        return f"charge_token:{self.charge_token_id}"
