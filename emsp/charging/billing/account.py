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
from emsp.payments.ledger import charges


@dataclass(frozen=True)
class Account:
    """A charge with its receipt and the corrections of it, in order, and how much of it was given up as too little."""

    session: ChargingSession
    receipts: Sequence[Receipt]
    given_up_minor: int = 0

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
    def unpaid(self) -> Money:
        """What is owed and was not paid; less than nothing when too much was."""
        return self.owed - self.paid

    @property
    def given_up(self) -> Money:
        return Money(self.given_up_minor, self.first.currency)

    @property
    def is_even(self) -> bool:
        """Whether nothing is asked of the driver any more."""
        return self.unpaid.amount_minor <= self.given_up_minor

    @property
    def references(self) -> list[str]:
        return [str(receipt.id) for receipt in self.receipts]

    def receipt(self, receipt_id: UUID) -> Receipt:
        """The receipt of this charge with this id."""
        return next(receipt for receipt in self.receipts if receipt.id == receipt_id)


async def account_of(db: Db, session_id: UUID) -> Account:
    """The account of a charge that was billed, its session locked."""
    session, receipts = await locked(db, session_id), await receipts_of(db, session_id)
    return Account(session, receipts, await charges.given_up(db, [str(receipt.id) for receipt in receipts]))
