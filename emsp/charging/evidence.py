"""What a disputed payment is answered with: place and times of the charge, its timeline, the price and the receipt.

The texts go by the names of the card processor's evidence. They hold what the driver's bank needs to see that a charge
was asked for, priced beforehand, delivered and billed, and nothing of other drivers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import select

from emsp.charging import read
from emsp.charging.billing.issue import bill_in, receipts_of
from emsp.charging.paper.facts import Facts, facts_of
from emsp.charging.session import locked, note_once
from emsp.charging.tables import ChargingSession, Receipt, SessionEvent
from emsp.db.engine import Db, transaction
from emsp.errors import NotFound
from emsp.money import Money
from emsp.payments.tables import Charge, Dispute, Hold
from emsp.pricing.quotes.quote import retail_of
from emsp.pricing.words import explain

TEXT_MAX = 20_000
LANGUAGE = "en"
TOLD = {
    "NEEDS_RESPONSE": "Your bank asks us about this payment; we tell it about this charge. There is nothing to do.",
    "WON": "Your bank has decided: the payment stands.",
    "LOST": "Your bank has given this payment back to you.",
}


async def note_dispute(dispute_id: UUID) -> None:
    """Job: a line in the charge's timeline when a dispute about its payment is opened, and when it is decided."""
    async with transaction() as db:
        dispute = await db.get_one(Dispute, dispute_id)
        session_id = await _session_of(db, dispute.payment_id)
        text = TOLD.get(dispute.state)
        if session_id and text:
            await note_once(db, await locked(db, session_id), text, source="PAYMENT")


async def evidence_for(db: Db, dispute: Dispute) -> dict[str, str]:
    """The texts to answer a dispute with. Raises NotFound when the payment is of no charge that was billed."""
    session_id = await _session_of(db, dispute.payment_id)
    receipts = await receipts_of(db, session_id) if session_id else []
    if not receipts or session_id is None:
        raise NotFound("the payment is of no charge that was billed; answer it at the card processor")
    facts = await facts_of(db, receipts[0].id)
    timeline = (await read.events(db, [session_id]))[session_id]
    texts = {
        "product_description": _product(facts),
        "service_date": _day(facts),
        "customer_email_address": facts.driver.email,
        "customer_name": facts.driver.name or "",
        "access_activity_log": "\n".join(_said(event) for event in timeline),
        "uncategorized_text": "\n".join([*_promise(facts), "", *_bills(facts, receipts)]),
    }
    if dispute.reason == "DUPLICATE":
        texts["duplicate_charge_explanation"] = _only_once(facts, dispute)
    return {name: _fitting(text) for name, text in texts.items() if text}


async def _session_of(db: Db, payment_id: str) -> UUID | None:
    """The charge that a payment at the card processor was for, by its hold or by its receipt."""
    held = select(ChargingSession.id).join(Hold, ChargingSession.hold_id == Hold.id)  # type: ignore[arg-type]
    found: UUID | None = await db.scalar(held.where(Hold.processor_id == payment_id))
    if found:
        return found
    reference = await db.scalar(select(Charge.reference).where(Charge.processor_id == payment_id))
    receipt = await db.get(Receipt, UUID(reference)) if reference else None
    return receipt.session_id if receipt else None


def _product(facts: Facts) -> str:
    place, delivered = facts.place, facts.delivered
    station = place.station
    address = [station.name, station.street, f"{station.postal_code or ''} {station.city or ''}".strip()]
    where = ", ".join(part for part in [*address, station.country] if part)
    operator = f", operated by {place.operator.name}" if place.operator else ""
    times = f"from {_moment(delivered.started_at)} to {_moment(delivered.ended_at)}"
    return (
        f"Charging of an electric vehicle at {where}; charge point {place.evse.evse_id or place.evse.uid}{operator}. "
        f"The driver asked for it in the app of {facts.brand.name} at {_moment(facts.session.created_at)}. "
        f"{_kwh(delivered.energy_wh)} kWh were delivered {times}, as measured by the operator of the charge point."
    )


def _day(facts: Facts) -> str:
    started = facts.delivered.started_at or facts.session.created_at
    return f"{started.day} {started:%B %Y}"


def _said(event: SessionEvent) -> str:
    return f"{_moment(event.at)}  {event.source}  {event.text}"


def _promise(facts: Facts) -> Iterator[str]:
    quote = facts.quote
    yield f"Price shown before the charge ({_moment(quote.created_at)}):"
    if retail := retail_of(quote):
        yield explain.summary(retail, LANGUAGE)
    if quote.currency and quote.total_minor is not None:
        yield f"Estimate: {Money(quote.total_minor, quote.currency)}"
    if quote.currency and quote.worst_case_minor is not None:
        yield f"At most: {Money(quote.worst_case_minor, quote.currency)}"
    if quote.signature:
        yield f"The same as a signed token (JWS), which anybody can verify: {quote.signature}"


def _bills(facts: Facts, receipts: Sequence[Receipt]) -> Iterator[str]:
    for receipt in receipts:
        yield f"{'Correction' if receipt.corrects_id else 'Receipt'} {receipt.number} of {_moment(receipt.issued_at)}:"
        bill = bill_in(receipt)
        for billed in bill.lines:
            text = explain.line_text(billed.line, LANGUAGE, currency=bill.currency, taken_back=billed.taken_back)
            yield f"- {text}: {Money(billed.amount_minor, bill.currency)}"
        yield f"Total, VAT included where it is known: {Money(receipt.total_minor, receipt.currency)}"


def _only_once(facts: Facts, dispute: Dispute) -> str:
    return (
        f"This payment of {Money(dispute.amount_minor, dispute.currency)} is for receipt {facts.receipt.number} only. "
        f"Each charge has one receipt with a number of its own; this one is of the charge that began at "
        f"{_moment(facts.delivered.started_at)} at {facts.place.evse.evse_id or facts.place.evse.uid}."
    )


def _fitting(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 1]}…"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "an unknown time"


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh // 1000}.{energy_wh % 1000:03d}"
