"""What happens to a fleet's invoices, as events; the timetable says which jobs follow each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class InvoiceIssued(Event):
    """A month of a fleet has its invoice: it can be sent and collected."""

    invoice_id: UUID

    @property
    def lock(self) -> str:
        return f"invoice:{self.invoice_id}"
