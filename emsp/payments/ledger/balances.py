"""What drivers have with us: money that they paid in, credit that they were given, and points.

Money paid in (`prepaid:ID`) and credit (`credit:ID`) are two accounts, since only money can be paid back. Both are
liabilities: what a driver has stands there as a negative balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import CLEARING, minus, write
from emsp.payments.tables import LedgerEntry, LedgerTransaction

MARKETING = "marketing"
POINTS, POINTS_ISSUED = "PTS", "points_issued"
USED, GIVEN_BACK = "balance_used", "balance_given_back"
TOPPED_UP, REDEEMED, PAID_BACK = "top_up_received", "voucher_redeemed", "balance_paid_back"
RETURNED = "balance_pay_back_returned"


def prepaid_account(driver_id: UUID) -> str:
    """The account of what a driver paid in."""
    return f"prepaid:{driver_id}"


def credit_account(driver_id: UUID) -> str:
    """The account of what a driver was given to charge with."""
    return f"credit:{driver_id}"


def points_account(driver_id: UUID) -> str:
    """The account of a driver's points."""
    return f"points:{driver_id}"


async def top_up_received(db: Db, *, reference: str, driver_id: UUID, amount: Money) -> bool:
    """The card processor has money for us that a driver paid in. False when it was written before."""
    return await write(db, TOPPED_UP, reference, [(CLEARING, amount), (prepaid_account(driver_id), minus(amount))])


async def balance_paid_back(db: Db, *, reference: str, driver_id: UUID, amount: Money) -> bool:
    """The card processor sent back to a driver what was paid in and not used. False when it was written before."""
    return await write(db, PAID_BACK, reference, [(prepaid_account(driver_id), amount), (CLEARING, minus(amount))])


async def pay_back_returned(db: Db, *, reference: str, driver_id: UUID, amount: Money) -> bool:
    """What had been paid back to a driver was returned by the bank. False when it was written before, or never left."""
    left = select(LedgerTransaction.id).where(
        LedgerTransaction.event == PAID_BACK, LedgerTransaction.reference == reference
    )
    if (await db.execute(left)).first() is None:
        return False
    entries = [(CLEARING, amount), (prepaid_account(driver_id), minus(amount))]
    return await write(db, RETURNED, reference, entries)


async def voucher_redeemed(db: Db, *, reference: str, driver_id: UUID, amount: Money) -> bool:
    """A driver was given credit by a voucher. False when it was written before."""
    return await write(db, REDEEMED, reference, [(MARKETING, amount), (credit_account(driver_id), minus(amount))])


async def balance_used(db: Db, *, reference: str, driver_id: UUID, credit: Money, prepaid: Money) -> bool:
    """What a driver owed for a receipt was paid with credit and with money paid in. False when written before."""
    entries = [(credit_account(driver_id), credit), (prepaid_account(driver_id), prepaid)]
    return await write(db, USED, reference, [*entries, (f"driver:{driver_id}", minus(credit + prepaid))])


async def balance_given_back(db: Db, *, reference: str, driver_id: UUID, credit: Money, prepaid: Money) -> bool:
    """What a driver had paid too much from the balance is there again. False when it was written before."""
    entries = [(credit_account(driver_id), minus(credit)), (prepaid_account(driver_id), minus(prepaid))]
    return await write(db, GIVEN_BACK, reference, [*entries, (f"driver:{driver_id}", credit + prepaid)])


async def points_awarded(db: Db, *, reference: str, driver_id: UUID, points: int) -> bool:
    """A driver was given points, or some were taken when negative. False when it was written before."""
    given = Money(points, POINTS)
    return await write(
        db, "points_awarded", reference, [(POINTS_ISSUED, given), (points_account(driver_id), minus(given))]
    )


async def stood(db: Db, driver_id: UUID) -> dict[str, tuple[int, int]]:
    """What a driver has, in minor units by currency: (money paid in, credit)."""
    prepaid, credit = prepaid_account(driver_id), credit_account(driver_id)
    found: dict[str, dict[str, int]] = {}
    query = (
        select(LedgerEntry.account, LedgerEntry.currency, func.sum(LedgerEntry.amount_minor))
        .where(col(LedgerEntry.account).in_((prepaid, credit)))
        .group_by(col(LedgerEntry.account), col(LedgerEntry.currency))
    )
    for account, currency, amount in await db.execute(query):
        found.setdefault(currency, {})[account] = -int(amount)
    return {currency: (of.get(prepaid, 0), of.get(credit, 0)) for currency, of in found.items()}


async def used_for(db: Db, receipt: str) -> Money | None:
    """What was used of a balance for a receipt, whatever was given back since; None when nothing was."""
    query = (
        select(LedgerEntry.currency, LedgerEntry.amount_minor)
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(LedgerTransaction.event == USED, LedgerTransaction.reference == receipt)
        .where(col(LedgerEntry.account).startswith("driver:"))
    )
    found = (await db.execute(query)).one_or_none()
    return Money(-int(found[1]), found[0]) if found else None


async def paid_by_balance(db: Db, receipts: Sequence[str]) -> dict[str, list[tuple[str, Money]]]:
    """What was used of balances for each of these receipts, less what was given back: (account, amount) each.

    They are found by the receipt that a reference begins with: RECEIPT or RECEIPT:more.
    """
    receipt = func.split_part(LedgerTransaction.reference, ":", 1)
    query = (
        select(receipt, LedgerEntry.account, LedgerEntry.currency, func.sum(LedgerEntry.amount_minor))
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .where(col(LedgerTransaction.event).in_((USED, GIVEN_BACK)), receipt.in_(receipts))
        .where(~col(LedgerEntry.account).startswith("driver:"))
        .group_by(receipt, col(LedgerEntry.account), col(LedgerEntry.currency))
    )
    paid: dict[str, list[tuple[str, Money]]] = {}
    for of, account, currency, amount in await db.execute(query):
        paid.setdefault(of, []).append((account, Money(int(amount), currency)))
    return paid
