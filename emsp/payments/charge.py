"""Off-session charges: what no hold covered, taken from the saved card when the bill is known."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock
from emsp.db.engine import Db, transaction
from emsp.errors import Declined
from emsp.money import Money
from emsp.payments.cards import wish_for
from emsp.payments.ports import processor
from emsp.payments.tables import Charge

UNDER_WAY = ("NEW", "CREATED")


async def open_charge(db: Db, *, reference: str, driver_id: UUID, payment_method_id: UUID, amount: Money) -> Charge:
    """The charge for `reference`, made if there is none yet."""
    values = Charge(
        reference=reference,
        driver_id=driver_id,
        payment_method_id=payment_method_id,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    await db.execute(insert(Charge).values(**values).on_conflict_do_nothing())
    return (await db.execute(select(Charge).where(Charge.reference == reference))).scalar_one()


async def charges_for(db: Db, references: Sequence[str]) -> list[Charge]:
    """The charges for these references, the oldest first."""
    query = select(Charge).where(col(Charge.reference).in_(references)).order_by(col(Charge.created_at))
    return list((await db.execute(query)).scalars())


async def collect(charge_id: UUID) -> None:
    """Take the money. Raises Declined or AuthenticationRequired, with the charge left DUE, or ProcessorFailed."""
    async with transaction() as db:
        charge = await db.get_one(Charge, charge_id)
        wish = await wish_for(db, charge, f"charge-{charge_id}")
    if charge.state == "PAID":
        return
    if charge.processor_id is None:
        charge.processor_id = (await processor().create_charge(wish)).processor_id
        await _become(charge_id, "CREATED", processor_id=charge.processor_id)
    await _confirm(charge_id, charge.processor_id)


async def _confirm(charge_id: UUID, processor_id: str) -> None:
    intent = await processor().intent(processor_id)
    if intent.status == "REQUIRES_CONFIRMATION":
        try:
            intent = await processor().confirm(processor_id, reference=f"charge-{charge_id}", off_session=True)
        except Declined as declined:
            await _become(charge_id, "DUE", failure=declined.message)
            raise
    if intent.status != "SUCCEEDED":
        await _become(charge_id, "DUE", failure="the payment needs the driver")
        raise Declined("declined", "the payment needs you")
    await _become(charge_id, "PAID")


async def _become(charge_id: UUID, state: str, **facts: object) -> None:
    async with transaction() as db:
        await db.execute(
            update(Charge)
            .where(col(Charge.id) == charge_id, col(Charge.state) != "PAID")
            .values(state=state, updated_at=clock.now(), **facts)
        )
