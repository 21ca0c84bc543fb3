"""A driver pays what is due, with the app in hand: from the balance, else with a card, also after the bank asked."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.charging.billing.account import Account, account_of
from emsp.charging.billing.collect import collect_payment
from emsp.charging.billing.issue import receipts_of
from emsp.charging.lifecycle import State
from emsp.charging.session import locked, note
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, Invalid, KeyReused, NotFound, Refused
from emsp.payments import cards, charge
from emsp.payments.tables import Charge, PaymentMethod

NOTHING_DUE = "Nothing is due for this charge."
NOT_YET = "This charge is not billed yet, or is being paid; look again in a moment."


@dataclass(frozen=True)
class Paying:
    """How far a payment is: PAID, PROCESSING, or REQUIRES_ACTION with what the app needs to let the bank ask."""

    session: ChargingSession
    status: str
    client_secret: str | None = None


async def pay_due(
    driver_id: UUID, session_id: UUID, *, payment_method_id: UUID | None = None, idempotency_key: str
) -> Paying:
    """Pay what is due for a charge of the driver's: at once, or after the bank asked them, by being called again.

    One key is one attempt, however often it comes; what is paid stays paid. Without a card named it is the one that
    failed, or the default one. Raises NotFound for another driver's charge, Refused with a code, Invalid for a key that
    came with another card, and ProcessorFailed when the card processor does not answer: then the same key goes on with
    the same attempt.
    """
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.driver_id != driver_id:
            raise NotFound(f"charging session {session_id}")
        if session.fleet_id or session.state not in (State.PAYMENT_DUE, State.SETTLED):
            raise Refused("NOTHING_DUE", NOTHING_DUE if session.fleet_id else NOT_YET, "input", "sessionId")
        receipts = await receipts_of(db, session_id)
    await collect_payment(receipts[-1].id)
    async with transaction() as db:
        account = await account_of(db, session_id)
        if account.is_even:
            return Paying(account.session, "PAID")
        method, due = await _method_and_charge(db, account, payment_method_id)
    try:
        intent = await charge.pay(due.id, method, idempotency_key=idempotency_key)
    except KeyReused as reused:
        raise Invalid("was sent before, with another card", "idempotencyKey") from reused
    except Declined as declined:
        raise await _declined(session_id, method, declined) from declined
    if intent.status == "SUCCEEDED":
        await collect_payment(UUID(due.reference))
    async with transaction() as db:
        session = await locked(db, session_id)
    if intent.status == "REQUIRES_ACTION":
        return Paying(session, "REQUIRES_ACTION", intent.client_secret)
    return Paying(session, "PAID" if intent.status == "SUCCEEDED" else "PROCESSING")


async def _method_and_charge(db: Db, account: Account, payment_method_id: UUID | None) -> tuple[PaymentMethod, Charge]:
    """The card that pays, and the one charge of what is due; made where nothing was tried by card so far."""
    session = account.session
    due = [one for one in await charge.charges_for(db, account.references) if one.state == "DUE"]
    if not due and session.state != State.PAYMENT_DUE:
        raise Refused("NOTHING_DUE", NOT_YET, "input", "sessionId")
    known = {method.id for method in await cards.methods_of(db, session.driver_id)}
    failed = due[0].payment_method_id if due and due[0].payment_method_id in known else None
    method = await cards.paying_method(db, session.driver_id, payment_method_id or failed)
    if due:
        return method, due[0]
    opened = await charge.open_charge(
        db,
        reference=str(account.receipts[-1].id),
        driver_id=session.driver_id,
        payment_method_id=method.id,
        amount=account.unpaid - account.given_up,
        state="DUE",
    )
    return method, opened


async def _declined(session_id: UUID, method: PaymentMethod, declined: Declined) -> Refused:
    async with transaction() as db:
        text = f"Your payment with the card ending in {method.last4 or '????'} was declined: {declined.message}"
        await note(db, await locked(db, session_id), text, source="PAYMENT")
    return Refused("CARD_DECLINED", declined.message, "input", "paymentMethodId")
