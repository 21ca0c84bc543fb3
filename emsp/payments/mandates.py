"""Mandates: a payer lets us take what is invoiced from a bank account (SEPA Direct Debit).

Begun by a person who may speak for the payer, signed in the processor's form, completed by whoever hears of it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, logs
from emsp.db.engine import Db, transaction
from emsp.errors import NotFound
from emsp.payments.ports import Bank, Setup, processor
from emsp.payments.tables import Mandate
from emsp.vault import digest

CURRENCY = "EUR"
"""The only one of SEPA."""
log = logs.log(__name__)


@dataclass(frozen=True)
class Begun:
    """A mandate, and the secret with which the form lets a person sign it."""

    mandate: Mandate
    client_secret: str


async def begin(payer: str, *, email: str, name: str, accepted_by: str, idempotency_key: str) -> Begun:
    """Begin a mandate of `payer`, an account of the ledger. Raises ProcessorFailed when the processor is away.

    The mandate that is active stays so until the new one is signed.
    """
    async with transaction() as db:
        known = await _latest(db, payer)
    customer = known.customer_id if known else None
    if customer is None:
        customer = await processor().create_bank_customer(payer=payer, email=email, name=name)
    reference = f"{payer.replace(':', '-')}-{digest(idempotency_key)}"
    setup = await processor().create_bank_setup(customer=customer, reference=reference)
    async with transaction() as db:
        fresh = Mandate(payer=payer, customer_id=customer, setup_id=setup.processor_id, accepted_by=accepted_by)
        await db.execute(insert(Mandate).values(**fresh.model_dump()).on_conflict_do_nothing())
        mandate = await _one(db, col(Mandate.setup_id) == setup.processor_id)
    return Begun(mandate, setup.client_secret)


async def finish(payer: str) -> Mandate:
    """The mandate that was begun last, as it stands at the processor by now. Raises NotFound when there is none."""
    async with transaction() as db:
        mandate = await _latest(db, payer)
    if mandate is None:
        raise NotFound("there is no mandate")
    if mandate.state == "PENDING":
        await _complete(mandate, await processor().setup(mandate.setup_id))
    async with transaction() as db:
        return await _one(db, col(Mandate.id) == mandate.id)


async def setup_changed(processor_id: str) -> None:
    """The processor says that an attempt went on; if it is a mandate, it is completed even if nobody comes back."""
    async with transaction() as db:
        mandate = (await db.execute(select(Mandate).where(Mandate.setup_id == processor_id))).scalar_one_or_none()
    if mandate and mandate.state == "PENDING":
        await _complete(mandate, await processor().setup(processor_id))


async def active_of(db: Db, payer: str) -> Mandate | None:
    """The mandate by which the payer's invoices are collected; None when there is none."""
    query = select(Mandate).where(Mandate.payer == payer, Mandate.state == "ACTIVE")
    mandate: Mandate | None = await db.scalar(query.order_by(col(Mandate.updated_at).desc()).limit(1))
    return mandate


async def shown_of(db: Db, payer: str) -> Mandate | None:
    """The active mandate of the payer, else the one that was begun last."""
    return await active_of(db, payer) or await _latest(db, payer)


async def revoke(db: Db, payer: str) -> None:
    """The payer takes its leave back: no invoice is collected by it any more. Raises NotFound when there is none."""
    if not await _revoke_others(db, payer, None):
        raise NotFound("there is no mandate")


async def _complete(mandate: Mandate, setup: Setup) -> None:
    async with transaction() as db:
        if setup.bank:
            await _activate(db, mandate, setup.bank)
        elif setup.message:
            await _change(db, mandate, failure=setup.message)
        elif setup.status == "CANCELED":
            await _change(db, mandate, state="REVOKED", failure="It was not signed.")


async def _activate(db: Db, mandate: Mandate, bank: Bank) -> None:
    """The newest signature counts."""
    facts = {
        "payment_method_id": bank.processor_id,
        "reference": bank.mandate_reference,
        "last4": bank.last4,
        "holder": bank.holder,
        "failure": None,
    }
    if await _change(db, mandate, state="ACTIVE", **facts):
        await _revoke_others(db, mandate.payer, mandate.id)
        log.info("mandate active", mandate_id=str(mandate.id), payer=mandate.payer)


async def _change(db: Db, mandate: Mandate, **facts: object) -> bool:
    changed = await db.execute(
        update(Mandate)
        .where(col(Mandate.id) == mandate.id, col(Mandate.state) == "PENDING")
        .values(updated_at=clock.now(), **facts)
        .returning(col(Mandate.id))
    )
    return bool(changed.all())


async def _revoke_others(db: Db, payer: str, but: UUID | None) -> bool:
    revoked = await db.execute(
        update(Mandate)
        .where(col(Mandate.payer) == payer, col(Mandate.state) == "ACTIVE", col(Mandate.id) != but)
        .values(state="REVOKED", updated_at=clock.now())
        .returning(col(Mandate.id))
    )
    return bool(revoked.all())


async def _latest(db: Db, payer: str) -> Mandate | None:
    query = select(Mandate).where(Mandate.payer == payer).order_by(col(Mandate.created_at).desc()).limit(1)
    mandate: Mandate | None = await db.scalar(query)
    return mandate


async def _one(db: Db, condition: ColumnElement[bool]) -> Mandate:
    mandate = (await db.execute(select(Mandate).where(condition))).scalar_one_or_none()
    if mandate is None:
        raise NotFound("there is no such mandate")
    return mandate
