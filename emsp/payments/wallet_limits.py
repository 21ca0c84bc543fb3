"""How much a driver may pay in at once, and how much may stand on a balance: a brand's payment policy says so."""

from __future__ import annotations

from uuid import UUID

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import Refused
from emsp.money import Money
from emsp.payments.balance import balance_in
from emsp.payments.policy import policy_of

AMOUNT = ("input", "amount")


async def refuse_amount(db: Db, brand: Brand, driver_id: UUID, amount: Money) -> None:
    """Raises Refused for what may not be paid in, or not on top of what there is."""
    refuse_size(brand, amount)
    most = Money(policy_of(brand.payment_policy).balance_largest_minor, amount.currency)
    there_is = (await balance_in(db, driver_id, amount.currency)).total
    if (there_is + amount).amount_minor > most.amount_minor:
        raise Refused("AMOUNT_TOO_LARGE", f"There may be no more than {most} on a balance.", *AMOUNT)


def refuse_size(brand: Brand, amount: Money) -> None:
    """Raises Refused for an amount that is too small, too large, or in money that the balance is not kept in."""
    refuse_currency(brand, amount, *AMOUNT)
    policy = policy_of(brand.payment_policy)
    smallest, largest = (Money(m, brand.currency) for m in (policy.top_up_smallest_minor, policy.top_up_largest_minor))
    if amount.amount_minor < smallest.amount_minor:
        raise Refused("AMOUNT_TOO_SMALL", f"The smallest amount is {smallest}.", *AMOUNT)
    if amount.amount_minor > largest.amount_minor:
        raise Refused("AMOUNT_TOO_LARGE", f"The largest amount is {largest}.", *AMOUNT)


def refuse_currency(brand: Brand, amount: Money, *field: str) -> None:
    """Raises Refused for money that the balance is not kept in."""
    if amount.currency != brand.currency:
        raise Refused("CURRENCY_NOT_OFFERED", f"The balance is kept in {brand.currency}.", *field, "currency")
