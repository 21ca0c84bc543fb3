"""Receipts as documents: typeset once their payment is decided, kept, and sent to the driver.

A document tells how its receipt was paid, or that it is due; what is paid later does not change it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from emsp import clock, jobs, logs
from emsp.accounts.mail import write_mail
from emsp.accounts.tables import Mail
from emsp.charging.lifecycle import State
from emsp.charging.paper.facts import Facts, facts_of
from emsp.charging.paper.mail import receipt_mail
from emsp.charging.paper.paper import file_name, kind_of, paper_of
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.papers.keep import keep, kept
from emsp.papers.tables import Document

LOOK_AGAIN_AFTER = timedelta(seconds=30)
WAITS_AT_MOST = timedelta(hours=1)
log = logs.log(__name__)


async def prepare(receipt_id: UUID) -> None:
    """Job: let a receipt be handed out, by a job that the money never waits for."""
    async with transaction() as db:
        await _later(db, receipt_id)


async def _later(db: Db, receipt_id: UUID, after: timedelta | None = None) -> None:
    await jobs.defer(db, hand_out, after=after, lock=f"paper:{receipt_id}", receipt_id=receipt_id)


async def hand_out(receipt_id: UUID) -> None:
    """Job: typeset a receipt and send it to the driver, once; while its payment is being tried, look again later.

    Drivers of fleets are not written to: the fleet has the invoice. Run again, it finds the mail.
    """
    async with transaction() as db:
        receipt = await db.get_one(Receipt, receipt_id, with_for_update=True)
        if not await is_decided(db, receipt):
            await _later(db, receipt_id, LOOK_AGAIN_AFTER)
            return
        facts = await facts_of(db, receipt_id)
        document = await _kept(db, facts)
        if not facts.fleet and not await _was_sent(db, document):
            await _send(db, facts, document)


async def document_of(db: Db, receipt: Receipt) -> Document | None:
    """The document of a receipt, made now if it was not yet; None while its payment is being tried."""
    if known := await kept(db, kind_of(receipt), str(receipt.id)):
        return known
    return await _kept(db, await facts_of(db, receipt.id)) if await is_decided(db, receipt) else None


async def is_decided(db: Db, receipt: Receipt) -> bool:
    """Whether it is known how the receipt is paid, or that it is due; nobody waits for that longer than an hour."""
    session = await db.get_one(ChargingSession, receipt.session_id)
    return session.state in (State.SETTLED, State.PAYMENT_DUE) or clock.now() - receipt.issued_at > WAITS_AT_MOST


async def _kept(db: Db, facts: Facts) -> Document:
    kind, subject = kind_of(facts.receipt), str(facts.receipt.id)
    return await keep(db, kind=kind, subject=subject, name=file_name(facts), paper=paper_of(facts))


async def _was_sent(db: Db, document: Document) -> bool:
    query = select(Mail.id).where(Mail.document_id == document.id)
    return (await db.execute(query.limit(1))).first() is not None


async def _send(db: Db, facts: Facts, document: Document) -> None:
    subject, body = receipt_mail(facts)
    await write_mail(
        db,
        recipient=facts.driver.email,
        subject=subject,
        body=body,
        sender_name=facts.brand.name,
        document_id=document.id,
    )
    log.info("receipt sent", receipt=facts.receipt.number, kind=document.kind)
