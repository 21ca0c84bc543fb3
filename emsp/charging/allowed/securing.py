"""How the money for a charge is made sure of before it begins: balance set apart, and the rest held on a card."""

from __future__ import annotations

from uuid import UUID

from emsp.brands.tables import Brand
from emsp.charging.session import locked, note_once
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Declined
from emsp.money import Money, round_money
from emsp.payments import balance, hold
from emsp.payments.policy import Flow, policy_of
from emsp.payments.tables import Hold
from emsp.pricing.retail.conversion import factor
from emsp.pricing.retail.rates import known_rates
from emsp.pricing.tables import Quote

HOLD_WITHOUT_PRICE_MINOR = 5000
SMALLEST_HOLD_MINOR = 100


async def hold_for(session_id: UUID) -> Money | None:
    """Set apart what the driver has on their balance, and hold the rest of what a charge may come to; what is held.

    Run again, it goes on with the same hold. The state of the charge is not looked at and not changed. Raises Declined
    when the bank says no or the balance does not cover the charge, and ProcessorFailed (worth another try).
    """
    async with transaction() as db:
        session = await locked(db, session_id)
        opened = await _secured_by_balance_or_fleet(db, session)
    if opened is None:
        return None
    await hold.place(opened)
    async with transaction() as db:
        session = await locked(db, session_id)
        placed = await db.get_one(Hold, opened)
        text = f"{hold.amount_of(placed)} is held on your card."
        if placed.state == "HELD":
            await note_once(db, session, text, source="PAYMENT")
        return hold.amount_of(placed)


async def _secured_by_balance_or_fleet(db: Db, session: ChargingSession) -> UUID | None:
    """The hold that has to be placed; None where none is needed. Raises Declined when the balance is too low."""
    if session.fleet_id:
        await note_once(db, session, "Your fleet pays for this charge.", source="PAYMENT")
        return None
    brand, quote = await db.get_one(Brand, session.brand_id), await db.get_one(Quote, session.quote_id)
    worst = _worst_case(brand, quote)
    reserved = await balance.reserve(db, reference=str(session.id), driver_id=session.driver_id, up_to=worst)
    if session.payment_flow == Flow.PREPAID:
        needed = worst if quote.worst_case_minor is not None else Money(1, worst.currency)
        if reserved.amount_minor < needed.amount_minor:
            raise Declined("balance_too_low", f"your balance does not cover the {worst} that it may cost")
    if reserved.amount_minor:
        await note_once(db, session, f"{reserved} of your balance is set apart for this charge.", source="PAYMENT")
    if session.payment_flow == Flow.AFTER:
        await note_once(db, session, "Your card is charged once the bill is known.", source="PAYMENT")
    is_covered = reserved.amount_minor >= worst.amount_minor
    if session.payment_flow != Flow.HOLD or is_covered or session.payment_method_id is None:
        return None
    return await _open_hold(db, session, brand, worst - reserved)


def _worst_case(brand: Brand, quote: Quote) -> Money:
    """What is to be secured for a charge at a quote."""
    wanted = HOLD_WITHOUT_PRICE_MINOR if quote.worst_case_minor is None else quote.worst_case_minor
    return Money(wanted, quote.currency or brand.currency)


async def _open_hold(db: Db, session: ChargingSession, brand: Brand, rest: Money) -> UUID:
    assert session.payment_method_id is not None
    wanted = max(rest.amount_minor, SMALLEST_HOLD_MINOR, policy_of(brand.payment_policy).smallest_minor(rest.currency))
    cap = await largest_hold(db, brand, rest.currency)
    opened = await hold.open_hold(
        db,
        reference=str(session.id),
        driver_id=session.driver_id,
        payment_method_id=session.payment_method_id,
        amount=Money(min(wanted, cap.amount_minor), rest.currency),
    )
    session.hold_id = opened.id
    return opened.id


async def largest_hold(db: Db, brand: Brand, currency: str) -> Money:
    """The brand's largest hold; the same figure in a currency whose exchange rate is not known."""
    largest = Money(brand.hold_cap_minor, brand.currency)
    if currency == brand.currency:
        return largest
    rate = factor(brand.currency, currency, await known_rates(db))
    return round_money(largest.amount * rate, currency) if rate else Money(brand.hold_cap_minor, currency)
