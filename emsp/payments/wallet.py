"""What came onto a driver's balance and went off it, as the books have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlmodel import col, func

from emsp.db.engine import Db
from emsp.db.pages import Key, Page
from emsp.money import Money
from emsp.payments.ledger.balances import GIVEN_BACK, TOPPED_UP, USED, credit_account, prepaid_account
from emsp.payments.tables import LedgerEntry, LedgerTransaction, TopUp


@dataclass(frozen=True)
class Entry:
    """A movement on a balance: by which event in the books, and how much came; negative when it went.

    `id` is the number of the transaction in the books.
    """

    id: UUID
    created_at: datetime
    event: str
    reference: str
    amount: Money
    is_automatic: bool

    @property
    def receipt_id(self) -> UUID | None:
        """The receipt that the event is about; None where it is about none."""
        return UUID(self.reference.partition(":")[0]) if self.event in (USED, GIVEN_BACK) else None


async def entries(db: Db, driver_id: UUID, *, first: int, after: Key | None = None) -> Page:
    """What came and went, the newest first, money paid in and credit together."""
    query = _movements(driver_id)
    if after:
        query = query.where(col(LedgerTransaction.id) < after[1].int)
    rows = list(await db.execute(query.order_by(col(LedgerTransaction.id).desc()).limit(first + 1)))
    counted = select(func.count()).select_from(_movements(driver_id).subquery())
    total = (await db.execute(counted)).scalar_one()
    automatic = await _automatic(db, [row.reference for row in rows if row.event == TOPPED_UP])
    shown = [
        Entry(
            id=UUID(int=row.id),
            created_at=row.created_at,
            event=row.event,
            reference=row.reference,
            amount=Money(-int(row.amount_minor), row.currency),
            is_automatic=row.reference in automatic,
        )
        for row in rows[:first]
    ]
    return Page(shown, len(rows) > first, total)


def _movements(driver_id: UUID) -> Select[Any]:
    transaction, entry = LedgerTransaction, LedgerEntry
    columns: list[Any] = [transaction.id, transaction.event, transaction.reference, transaction.created_at]
    return (
        select(*columns, col(entry.currency), func.sum(entry.amount_minor).label("amount_minor"))
        .join(entry, col(entry.transaction_id) == col(transaction.id))
        .where(col(entry.account).in_((prepaid_account(driver_id), credit_account(driver_id))))
        .group_by(*columns, col(entry.currency))
    )


async def _automatic(db: Db, references: list[str]) -> set[str]:
    query = select(col(TopUp.id)).where(col(TopUp.id).in_([UUID(one) for one in references]), col(TopUp.automatic))
    return {str(one) for one in (await db.execute(query)).scalars()} if references else set()
