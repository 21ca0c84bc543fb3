"""Receipts as drivers get them: typeset when the payment is decided, kept as they are, sent once, and downloaded."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from starlette.applications import Starlette

from emsp import clock
from emsp.accounts.tables import Driver, Mail
from emsp.brands.tables import Brand
from emsp.charging.billing.goodwill import give_goodwill
from emsp.charging.paper import hand_out as papers
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import transaction
from emsp.fleets.tables import Fleet
from emsp.money import Money
from emsp.papers.keep import keep
from emsp.papers.links import GOOD_FOR, document_url
from emsp.papers.tables import Document
from emsp.settings import settings
from emsp.web import downloads
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards
from tests.charging.saying import receipts_of, record, run_jobs, say
from tests.charging.test_corrections import credit, settled, then
from tests.graphql import rows
from tests.papers.reading import text_of
from tests.papers.test_papers import PAPER


async def documents() -> list[Document]:
    async with transaction() as db:
        return list((await db.scalars(select(Document).order_by(col(Document.created_at)))).all())


async def mails() -> list[Mail]:
    async with transaction() as db:
        return list((await db.scalars(select(Mail).order_by(col(Mail.created_at)))).all())


async def changed(table: Any, row_id: Any, **facts: Any) -> None:
    async with transaction() as db:
        await db.execute(update(table).where(table.id == row_id).values(**facts))


async def test_that_a_paid_charge_brings_its_receipt_by_mail(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)

    [document], [mail], [receipt] = await documents(), await mails(), await receipts_of(session)
    assert (document.kind, document.subject) == ("RECEIPT", str(receipt.id))
    assert (document.name, document.language) == (f"receipt-{receipt.number}.pdf", "en")
    assert (mail.recipient, mail.sender_name, mail.document_id) == ("ada@example.com", "Volt", document.id)
    assert mail.subject == "Your charge at Station 1: €5.45"
    assert "10.00 kWh" in mail.body
    assert "It is paid." in mail.body
    text = text_of(document.body)
    for told in (receipt.number, "Station 1", "Operator 1", "€5.45", "Paid · Visa •••• 4242", "€20.00 on Visa"):
        assert told in text, told
    assert "2 Jun 2025, 20:00 (CEST)" in text


async def test_that_the_job_may_run_twice(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    before = await documents()
    for receipt in await receipts_of(session):
        await papers.hand_out(receipt.id)

    assert [one.sha256 for one in await documents()] == [one.sha256 for one in before]
    assert len(await mails()) == 1


async def test_that_a_document_is_never_changed(place: Place, cards: FakeCards) -> None:
    await settled(place, cards)
    [document] = await documents()
    for statement in (update(Document).values(body=b"else"), Document.__table__.delete()):  # type: ignore[attr-defined]
        with pytest.raises(DBAPIError, match="written once"):
            async with transaction() as db:
                await db.execute(statement)

    assert [one.body for one in await documents()] == [document.body]


async def test_that_what_is_paid_or_named_later_does_not_change_it(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    [receipt], [document] = await receipts_of(session), await documents()
    await changed(Driver, place.driver.id, billing={"name": "Somebody Else"})
    async with transaction() as db:
        again = await papers.document_of(db, await db.get_one(Receipt, receipt.id))

    assert again
    assert (again.id, again.body) == (document.id, document.body)


async def test_that_what_is_due_is_said(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=100, state="ENDED")
    cards.declines = True
    await say(place, record(session))
    await run_jobs()

    [document] = await documents()
    [mail] = [one for one in await mails() if one.document_id]
    assert "Still due: €4.45" in text_of(document.body)
    assert "€4.45 of it is still due: please pay in the app." in mail.body


async def test_that_nothing_is_handed_out_while_the_payment_is_being_tried(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await changed(ChargingSession, session.id, state="ENDED")
    [receipt] = await receipts_of(session)
    async with transaction() as db:
        row = await rows.added(db, Receipt(**receipt.model_dump() | other_number(receipt)))
        assert await papers.document_of(db, row) is None
    await papers.hand_out(row.id)
    assert len(await documents()) == 1

    await changed(Receipt, row.id, issued_at=clock.now() - 2 * papers.WAITS_AT_MOST)
    await papers.hand_out(row.id)
    assert len(await documents()) == 2, "after an hour it says what is known"


def other_number(receipt: Receipt) -> dict[str, Any]:
    return {"id": uuid4(), "record_id": None, "corrects_id": receipt.id, "sequence": 99, "number": "VOLT-99"}


async def test_that_a_correction_comes_as_credit_note(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await changed(Driver, place.driver.id, language="de")
    await then(place, credit(session))

    [_, note], [_, mail], [first, second] = await documents(), await mails(), await receipts_of(session)
    assert (note.kind, note.name) == ("CREDIT_NOTE", f"rechnungskorrektur-{second.number}.pdf")
    text = text_of(note.body)
    assert f"Rechnungskorrektur {second.number}" in text
    assert f"{first.number} vom " in text
    assert "Zurückgenommen: Energie" in text
    assert "Der Ladevorgang kostet jetzt 0,00 €" in text
    assert "Auf Ihre Karte 5,45 €, Visa •••• 4242" in text
    assert mail.subject == "Sie bekommen 5,45\xa0€ für Ihren Ladevorgang bei Station 1 zurück"


async def test_that_what_support_gives_back_comes_as_credit_note_with_its_reason(
    place: Place, cards: FakeCards
) -> None:
    session = await settled(place, cards)
    await give_goodwill(session.id, Money(200, "EUR"), "Sorry for #the [wait].")
    await run_jobs()

    [_, note], [_, mail] = await documents(), await mails()
    assert "Reason: Sorry for #the [wait]." in text_of(note.body)
    assert "Why: Sorry for #the [wait]." in mail.body
    assert mail.subject == "You get €2.00 back for your charge at Station 1"


async def test_that_drivers_of_fleets_have_a_statement_and_no_mail(place: Place, cards: FakeCards) -> None:
    async with transaction() as db:
        fleet = await rows.added(db, Fleet(brand_id=place.driver.brand_id, name="ACME", billing={"city": "Gent"}))
    session = await place.session(state="ENDED", fleet_id=fleet.id)
    await say(place, record(session))
    await run_jobs()

    [document] = await documents()
    text = text_of(document.body)
    assert "Charging statement" in text
    assert "no invoice: ACME is invoiced for this charge" in text
    assert await mails() == []


async def test_that_seller_and_buyer_are_those_of_the_day(place: Place, cards: FakeCards) -> None:
    await changed(Brand, place.driver.brand_id, legal={"name": "Volt B.V.", "vat_id": "NL123456789B01"})
    company = {"company": "ACME & Söhne", "country": "DE", "vat_id": "DE123456789"}
    await changed(Driver, place.driver.id, billing=company)
    await settled(place, cards)

    text = text_of((await documents())[0].body)
    assert "Volt B.V. VAT ID NL123456789B01" in text
    assert "ACME & Söhne Germany VAT ID DE123456789 ada@example.com" in text


async def get(url: str) -> httpx.Response:
    app = Starlette(routes=downloads.routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings().public_url) as client:
        return await client.get(url)


@pytest.mark.usefixtures("database")
async def test_that_a_link_gives_the_same_bytes_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction() as db:
        document = await keep(db, kind="RECEIPT", subject="1", name="receipt-1.pdf", paper=PAPER)
    url = document_url(document.id)
    answers = [await get(url), await get(url)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content == document.body
    assert answers[0].headers["content-type"] == "application/pdf"
    assert answers[0].headers["content-disposition"] == 'inline; filename="receipt-1.pdf"'

    for other in (
        url.replace(str(document.id), str(uuid4())),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("?")[0],
        url.replace("until=", "until=9"),
        url.replace("until=", "until=x"),
    ):
        assert (await get(other)).status_code == 404, other
    later = clock.now() + GOOD_FOR * 2
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: later)
        assert (await get(url)).status_code == 404


@pytest.mark.usefixtures("database")
async def test_that_of_one_kind_and_subject_one_document_is_kept() -> None:
    async with transaction() as db:
        first = await keep(db, kind="RECEIPT", subject="1", name="a.pdf", paper=PAPER)
        again = await keep(db, kind="RECEIPT", subject="1", name="b.pdf", paper=PAPER)
        other = await keep(db, kind="CREDIT_NOTE", subject="1", name="c.pdf", paper=PAPER)

    assert (first.id, first.name, other.id != first.id) == (again.id, "a.pdf", True)
