"""What happens to connections, as events; the timetable says which jobs follow."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class PartnerConnected(Event):
    """A connection was registered: for the first time, again, or in another version."""

    connection_id: UUID

    @property
    def lock(self) -> str:
        return f"connection:{self.connection_id}"
