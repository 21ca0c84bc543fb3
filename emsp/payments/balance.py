"""A driver's balance: money paid in and credit from vouchers, set apart for charges, used before any card.

What there is comes from the ledger, by query; what is set apart is a reservation. Credit is used first, and what is
given back goes to the money paid in first, so that nobody loses money by having used credit. Whoever changes something
holds the driver's row until the end of the transaction, after the session's: two charges never use the same money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, func, select, update

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.events import Event
from emsp.money import Money
from emsp.payments.ledger import balances
from emsp.payments.tables import AutoTopUp, BalanceReservation


@dataclass(frozen=True)
class Balance:
    """What a driver has in one currency: paid in, given as credit, and how much of both is set apart for charges."""

    prepaid: Money
    credit: Money
    reserved: Money

    @property
    def total(self) -> Money:
        return self.prepaid + self.credit

    @property
    def available(self) -> Money:
        """What may be used for anything; never less than nothing."""
        return at_least_nothing(self.total - self.reserved)


@dataclass(frozen=True, kw_only=True)
class BalanceFell(Event):
    """A driver's balance is below what they want to have on it."""

    driver_id: UUID

    @property
    def lock(self) -> str:
        return f"top-up {self.driver_id}"


@dataclass(frozen=True, kw_only=True)
class BalanceGrew(Event):
    """A driver paid in, or was given credit."""

    driver_id: UUID

    @property
    def lock(self) -> str:
        return f"balance {self.driver_id}"


async def available(db: Db, driver_id: UUID, currency: str) -> Money:
    """What a driver may use in `currency`: the balance less what is set apart; never less than nothing."""
    return (await balance_in(db, driver_id, currency)).available


async def balances_of(db: Db, driver_id: UUID) -> list[Money]:
    """What a driver has, set apart or not: one a currency, those of nothing left out."""
    return [balance.total for balance in await standing(db, driver_id) if balance.total.amount_minor]


async def standing(db: Db, driver_id: UUID) -> list[Balance]:
    """What a driver has and how much of it is set apart, by currency in the order of the alphabet."""
    stood, reserved = await balances.stood(db, driver_id), await _reserved(db, driver_id)
    return [
        Balance(Money(prepaid, currency), Money(credit, currency), Money(reserved.get(currency, 0), currency))
        for currency, (prepaid, credit) in sorted(stood.items())
    ]


async def balance_in(db: Db, driver_id: UUID, currency: str) -> Balance:
    """What a driver has in `currency`."""
    nothing = Money(0, currency)
    found = [balance for balance in await standing(db, driver_id) if balance.total.currency == currency]
    return found[0] if found else Balance(nothing, nothing, nothing)


async def reserve(db: Db, *, reference: str, driver_id: UUID, up_to: Money) -> Money:
    """Set apart what there is for `reference`, at most `up_to`; how much that is.

    Asked again, the first answer stands; nothing once it was used or released.
    """
    await lock(db, driver_id)
    known = await db.get(BalanceReservation, reference)
    if known is None:
        there_is = await available(db, driver_id, up_to.currency)
        known = BalanceReservation(
            reference=reference,
            driver_id=driver_id,
            currency=up_to.currency,
            amount_minor=max(0, min(there_is.amount_minor, up_to.amount_minor)),
        )
        db.add(known)
        await db.flush()
    return Money(known.amount_minor if known.state == "RESERVED" else 0, known.currency)


async def use(
    db: Db, *, reference: str, receipt: str, driver_id: UUID, owed: Money, only_reserved: bool = False
) -> Money:
    """Pay up to `owed` of a receipt; how much that was. The reservation of `reference` ends, its rest is free again.

    What is set apart under `reference` pays first, then the free balance, unless `only_reserved`. Where something was
    used for `receipt` before, nothing more is, and the answer is the same; RECEIPT:more is another use of a receipt.
    """
    await lock(db, driver_id)
    paid, set_apart = await balances.used_for(db, receipt), await _end(db, reference, "USED")
    if paid:
        return paid
    there_is, nothing = await balance_in(db, driver_id, owed.currency), Money(0, owed.currency)
    reserved = set_apart if set_apart and set_apart.currency == owed.currency else nothing
    most = _smaller(reserved, there_is.total) if only_reserved else there_is.available
    taken = _smaller(at_least_nothing(owed), at_least_nothing(most))
    if taken.amount_minor:
        credit = _smaller(at_least_nothing(there_is.credit), taken)
        await balances.balance_used(db, reference=receipt, driver_id=driver_id, credit=credit, prepaid=taken - credit)
        await _note_use(db, reference, _smaller(taken, reserved))
        await tell_if_low(db, driver_id, owed.currency)
    return taken


async def release(db: Db, reference: str) -> Money | None:
    """What is set apart under `reference` is free again: how much, or None when nothing was."""
    known = await db.get(BalanceReservation, reference)
    if known is None:
        return None
    await lock(db, known.driver_id)
    ended = await _end(db, reference, "RELEASED")
    return ended if ended and ended.amount_minor else None


async def close(db: Db, reference: str) -> None:
    """What was set apart under `reference` has left the balance as a whole, for something that is no charge."""
    ended = await _end(db, reference, "USED")
    if ended:
        await _note_use(db, reference, ended)


async def give_back(db: Db, *, reference: str, driver_id: UUID, amount: Money, receipts: Sequence[str] = ()) -> bool:
    """Put `amount` back on the balance; False when it is nothing, or was done for `reference` before.

    `reference` is the receipt that is the reason, or begins with it (RECEIPT:more); `receipts` are those of the charge.
    What was money paid in becomes that again, and all else credit.
    """
    if amount.amount_minor <= 0:
        return False
    await lock(db, driver_id)
    used_before = await balances.paid_by_balance(db, list({reference.partition(":")[0], *receipts}))
    account = balances.prepaid_account(driver_id)
    parts = [part for of in used_before.values() for name, part in of if name == account]
    came_from = sum(part.amount_minor for part in parts if part.currency == amount.currency)
    prepaid = _smaller(amount, at_least_nothing(Money(came_from, amount.currency)))
    return await balances.balance_given_back(
        db, reference=reference, driver_id=driver_id, credit=amount - prepaid, prepaid=prepaid
    )


async def used(db: Db, receipts: Sequence[str]) -> dict[str, Money]:
    """What was paid from the balance for each of these receipts, less what was given back; where it is not nothing.

    A correction that gave something back has a negative one: the sum over the receipts of a charge is what counts.
    """
    paid = await balances.paid_by_balance(db, receipts)
    sums = {receipt: sum(part.amount_minor for _, part in parts) for receipt, parts in paid.items()}
    return {receipt: Money(minor, paid[receipt][0][1].currency) for receipt, minor in sums.items() if minor}


async def tell_if_low(db: Db, driver_id: UUID, currency: str) -> None:
    """If the driver wants to have more on the balance than there is: say so to whoever tops it up."""
    wish = await db.get(AutoTopUp, driver_id)
    if wish is None or wish.paused_at or wish.currency != currency:
        return
    if (await balance_in(db, driver_id, currency)).total.amount_minor < wish.below_minor:
        await events.emit(db, BalanceFell(driver_id=driver_id))


async def lock(db: Db, driver_id: UUID) -> None:
    """Hold the driver's row until the end of the transaction."""
    await db.execute(select(Driver.id).where(Driver.id == driver_id).with_for_update())


def at_least_nothing(amount: Money) -> Money:
    return Money(max(amount.amount_minor, 0), amount.currency)


def _smaller(one: Money, other: Money) -> Money:
    return min(one, other, key=lambda money: money.amount_minor)


async def _reserved(db: Db, driver_id: UUID) -> dict[str, int]:
    query = (
        select(BalanceReservation.currency, func.sum(BalanceReservation.amount_minor))
        .where(BalanceReservation.driver_id == driver_id, BalanceReservation.state == "RESERVED")
        .group_by(col(BalanceReservation.currency))
    )
    return {currency: int(amount) for currency, amount in await db.execute(query)}


async def _end(db: Db, reference: str, state: str) -> Money | None:
    """End a reservation, if it is one still; what was set apart."""
    ended = await db.execute(
        update(BalanceReservation)
        .where(col(BalanceReservation.reference) == reference, col(BalanceReservation.state) == "RESERVED")
        .values(state=state, updated_at=clock.now())
        .returning(col(BalanceReservation.amount_minor), col(BalanceReservation.currency))
    )
    found = ended.one_or_none()
    return Money(*found) if found else None


async def _note_use(db: Db, reference: str, amount: Money) -> None:
    await db.execute(
        update(BalanceReservation)
        .where(col(BalanceReservation.reference) == reference, col(BalanceReservation.state) == "USED")
        .where(col(BalanceReservation.used_minor) == 0)
        .values(used_minor=amount.amount_minor)
    )
