"""What a disputed payment is answered with, and what the driver sees of it."""

from typing import Any

import pytest

from emsp.accounts.tables import Driver
from emsp.charging.evidence import evidence_for, note_dispute
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import NotFound
from emsp.payments.tables import Charge, Dispute, Hold
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards
from tests.charging.saying import receipt_of, record, run_jobs, say, timeline
from tests.graphql import rows


async def billed(place: Place, cards: FakeCards) -> ChargingSession:
    """A charge of 10 kWh that was billed and paid."""
    session = await place.held(cards, state="CHARGING")
    await say(place, record(session))
    await run_jobs()
    return session


async def disputed(payment_id: str, reason: str = "FRAUDULENT") -> Dispute:
    """A dispute about a payment, as it is kept."""
    facts: dict[str, Any] = {"state": "NEEDS_RESPONSE", "currency": "EUR", "amount_minor": 545}
    async with transaction() as db:
        row: Dispute = await rows.added(db, Dispute(processor_id="du_1", payment_id=payment_id, reason=reason, **facts))
        return row


async def payment_of(session: ChargingSession) -> str:
    async with transaction() as db:
        row = await db.get_one(ChargingSession, session.id)
        return str((await db.get_one(Hold, row.hold_id)).processor_id)


async def texts(dispute: Dispute) -> dict[str, str]:
    async with transaction() as db:
        return await evidence_for(db, dispute)


async def test_that_it_tells_what_was_asked_priced_delivered_and_billed(place: Place, cards: FakeCards) -> None:
    session = await billed(place, cards)
    async with transaction() as db:
        (await db.get_one(Driver, place.driver.id)).name = "Ada"
    receipt = await receipt_of(session)
    assert receipt is not None

    told = await texts(await disputed(await payment_of(session)))

    assert set(told) == {
        "product_description",
        "service_date",
        "customer_email_address",
        "customer_name",
        "access_activity_log",
        "uncategorized_text",
    }
    assert told["product_description"].startswith(
        "Charging of an electric vehicle at Station 1, Oudegracht 1, 3511 AB Utrecht, NLD; charge point NL*ABC*E"
    )
    assert (
        "operated by Operator 1. The driver asked for it in the app of Volt at 2025-06-02 17:55:00 UTC. "
        in (told["product_description"])
    )
    assert (
        "10.000 kWh were delivered from 2025-06-02 18:00:00 UTC to 2025-06-02 19:00:00 UTC"
        in (told["product_description"])
    )
    assert (told["service_date"], told["customer_name"]) == ("2 June 2025", "Ada")
    assert told["customer_email_address"] == "ada@example.com"
    assert len(told["access_activity_log"].splitlines()) == len(await timeline(session))
    text = told["uncategorized_text"]
    assert "€0.5445 per kWh. Prices include VAT." in text
    assert "Estimate: 5.45 EUR\nAt most: 6.81 EUR" in text
    assert f"Receipt {receipt.number} of " in text
    assert text.endswith("Total, VAT included where it is known: 5.45 EUR")


async def test_that_a_payment_taken_for_twice_is_told_apart(place: Place, cards: FakeCards) -> None:
    session = await billed(place, cards)
    receipt = await receipt_of(session)
    assert receipt is not None
    told = await texts(await disputed(await payment_of(session), reason="DUPLICATE"))
    assert f"is for receipt {receipt.number} only" in told["duplicate_charge_explanation"]


async def test_that_what_was_charged_later_is_of_the_same_charge(place: Place, cards: FakeCards) -> None:
    session = await billed(place, cards)
    receipt = await receipt_of(session)
    assert receipt is not None
    async with transaction() as db:
        facts: dict[str, Any] = {"driver_id": place.driver.id, "currency": "EUR", "amount_minor": 100, "state": "PAID"}
        facts["payment_method_id"] = (await db.get_one(ChargingSession, session.id)).payment_method_id
        row = Charge(reference=str(receipt.id), processor_id="pi_later", **facts)
        await rows.added(db, row)
    assert receipt.number in (await texts(await disputed("pi_later")))["uncategorized_text"]


async def test_that_a_payment_for_no_charge_has_no_evidence(place: Place) -> None:
    dispute = await disputed("pi_of_a_top_up")
    with pytest.raises(NotFound, match="of no charge that was billed"):
        await texts(dispute)
    await note_dispute(dispute.id)


async def test_that_the_timeline_says_it_once_and_calmly(place: Place, cards: FakeCards) -> None:
    session = await billed(place, cards)
    before = await timeline(session)
    dispute = await disputed(await payment_of(session))
    for state in ("NEEDS_RESPONSE", "NEEDS_RESPONSE", "UNDER_REVIEW", "LOST"):
        async with transaction() as db:
            (await db.get_one(Dispute, dispute.id)).state = state
        await note_dispute(dispute.id)
    assert (await timeline(session))[len(before) :] == [
        "Your bank asks us about this payment; we tell it about this charge. There is nothing to do.",
        "Your bank has given this payment back to you.",
    ]
    async with transaction() as db:
        assert (await db.get_one(ChargingSession, session.id)).state == "SETTLED"
