"""Money that a driver paid in and did not use, sent back to the cards that it came from.

While it is on its way it is set apart like money for a charge; it leaves the books' balance once it has arrived. Credit
stays where it is. A card can take back what was paid by it and no more; what no card takes back stays on the balance.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp import logs
from emsp.db.engine import Db, transaction
from emsp.errors import ProcessorFailed
from emsp.money import Money
from emsp.payments import balance, refund
from emsp.payments.ledger.balances import balance_paid_back, pay_back_returned
from emsp.payments.tables import BalanceReservation, Refund, TopUp

REASON = "the driver takes out what was not used"
PREFIX = "pay-back:"
log = logs.log(__name__)


async def pay_back(driver_id: UUID) -> list[Refund]:
    """Send a driver's unused money back; the refunds as they stand.

    Raises ProcessorFailed when the processor does not answer: what was not sent then is sent by `take_up_again`.
    """
    async with transaction() as db:
        await balance.lock(db, driver_id)
        opened: list[Refund] = []
        for there_is in await balance.standing(db, driver_id):
            opened += await _open(db, driver_id, there_is)
    return [await _send(one.id) for one in opened]


async def take_up_again() -> None:
    """Job: what is on its way back is looked at again, until it has arrived or cannot."""
    async with transaction() as db:
        waiting = select(Refund.id).join(BalanceReservation, col(BalanceReservation.reference) == col(Refund.reference))
        is_ours = col(Refund.reference).startswith(PREFIX) & (col(BalanceReservation.state) == "RESERVED")
        found = list((await db.execute(waiting.where(is_ours))).scalars())
    for refund_id in found:
        try:
            await _send(refund_id)
        except ProcessorFailed as failed:
            log.warning("money could not be sent back yet", refund=str(refund_id), reason=str(failed))


async def _open(db: Db, driver_id: UUID, there_is: balance.Balance) -> list[Refund]:
    """A refund on each top-up that still has something of it, the newest first, each with the money set apart."""
    left_minor = min(there_is.prepaid.amount_minor, there_is.available.amount_minor)
    opened = []
    for paid, refundable_minor in await _refundable(db, driver_id, there_is.prepaid.currency):
        amount = Money(min(left_minor, refundable_minor), paid.currency)
        if amount.amount_minor <= 0:
            continue
        reference = f"{PREFIX}{paid.id}:{uuid4()}"
        assert paid.processor_id is not None
        one = await refund.open_refund(
            db, reference=reference, driver_id=driver_id, payment_id=paid.processor_id, amount=amount, reason=REASON
        )
        assert one is not None
        await balance.reserve(db, reference=reference, driver_id=driver_id, up_to=amount)
        left_minor -= amount.amount_minor
        opened.append(one)
    return opened


async def _refundable(db: Db, driver_id: UUID, currency: str) -> list[tuple[TopUp, int]]:
    query = (
        select(TopUp)
        .where(TopUp.driver_id == driver_id, TopUp.currency == currency, TopUp.state == "PAID")
        .order_by(col(TopUp.created_at).desc())
    )
    paid = list((await db.execute(query)).scalars())
    given: dict[str, int] = {}
    for one in await refund.refunds_on(db, [top_up.processor_id for top_up in paid if top_up.processor_id]):
        given[one.payment_id] = given.get(one.payment_id, 0) + (one.amount_minor if one.state != "FAILED" else 0)
    return [(one, one.amount_minor - given.get(one.processor_id or "", 0)) for one in paid]


async def _send(refund_id: UUID) -> Refund:
    sent = await refund.give_back(refund_id)
    await refund_changed(sent.id)
    return sent


async def refund_changed(refund_id: UUID) -> None:
    """Job: the books learn what became of money on its way back; of any other refund there is nothing to do."""
    async with transaction() as db:
        one = await db.get_one(Refund, refund_id)
        if not one.reference.startswith(PREFIX):
            return
        await balance.lock(db, one.driver_id)
        amount = Money(one.amount_minor, one.currency)
        if one.state == "DONE":
            await balance_paid_back(db, reference=one.reference, driver_id=one.driver_id, amount=amount)
            await balance.close(db, one.reference)
        elif one.state == "FAILED":
            await balance.release(db, one.reference)
            await pay_back_returned(db, reference=one.reference, driver_id=one.driver_id, amount=amount)
            log.error("money could not be sent back", refund=str(refund_id), reason=one.failure)
