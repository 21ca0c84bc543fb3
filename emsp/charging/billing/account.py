"""What is owed for a charge, and what was paid for it: its receipt and the corrections of it in sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from emsp.charging.billing.issue import receipts_of
from emsp.charging.session import locked
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db
from emsp.money import Money


@dataclass(frozen=True)
class Account:
    """A charge with its receipt and the corrections of it, in order."""

    session: ChargingSession
    receipts: Sequence[Receipt]

    @property
    def first(self) -> Receipt:
        return self.receipts[0]

    @property
    def owed(self) -> Money:
        return Money(sum(receipt.total_minor for receipt in self.receipts), self.first.currency)

    @property
    def paid(self) -> Money:
        return Money(sum(receipt.paid_minor for receipt in self.receipts), self.first.currency)

    @property
    def references(self) -> list[str]:
        return [str(receipt.id) for receipt in self.receipts]


async def account_of(db: Db, session_id: UUID) -> Account:
    """The account of a charge that was billed, its session locked."""
    return Account(await locked(db, session_id), await receipts_of(db, session_id))
