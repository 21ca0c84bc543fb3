"""What becomes of an invoice: sent once, collected by debit or transferred, reminded of, and reopened by the bank."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from emsp import clock
from emsp.accounts.tables import Mail
from emsp.db.engine import transaction
from emsp.errors import Invalid, Refused
from emsp.fleets import invoices, sending
from emsp.fleets.tables import Fleet, FleetInvoice
from emsp.money import Money
from emsp.papers.tables import Document
from emsp.payments import debits
from emsp.payments.ledger import imbalance
from emsp.payments.tables import Debit
from tests.charging.saying import run_jobs
from tests.fleets.bank import FakeBank
from tests.fleets.conftest import MARCH, Company, invoice, month
from tests.graphql import rows


async def closed(company: Company, total_minor: int = 545, **facts: Any) -> FleetInvoice:
    """An invoice over one charge, sent and, if there is a mandate, on its way to the bank."""
    await company.charged(total_minor, MARCH, **facts)
    [made] = await company.closed(month(MARCH))
    await run_jobs()
    return await invoice(made.id)


async def mails() -> list[Mail]:
    async with transaction() as db:
        return list(await db.scalars(select(Mail).order_by(col(Mail.created_at))))


async def state(of: FleetInvoice) -> tuple[str, int]:
    found = await invoice(of.id)
    return found.state, found.paid_minor


async def change(kind: Any, **facts: Any) -> None:
    """Let time pass, or the fleet agree on something else."""
    async with transaction() as db:
        await db.execute(update(kind).values(**facts))


async def told(processor_id: str) -> None:
    """The processor sends a webhook."""
    await debits.intent_changed(processor_id)
    await run_jobs()


async def pay(of: FleetInvoice, minor: int, reference: str, currency: str = "EUR") -> None:
    async with transaction() as db:
        await invoices.transferred(db, of.id, Money(minor, currency), statement_reference=reference)


async def test_that_an_invoice_is_sent_once_with_the_document_and_the_csv(company: Company, bank: FakeBank) -> None:
    await change(Fleet, billing={"company": "Rainy Day Couriers B.V.", "email": "office@example.com"})
    made = await closed(company)
    await sending.send_invoice(made.id)

    [mail] = await mails()
    async with transaction() as db:
        document = (await db.execute(select(Document))).scalar_one()
    assert (mail.recipient, mail.document_id, mail.sender_name) == ("office@example.com", document.id, "Volt")
    assert mail.subject.startswith(f"Volt invoice {made.number} for ")
    assert "€5.45" in mail.body
    assert "Please transfer this amount" in mail.body
    assert f"/fleets/{company.fleet.id}/bills/{month(MARCH)}.csv?until=" in mail.body
    assert (document.kind, document.subject, document.name) == ("FLEET_INVOICE", str(made.id), f"{made.number}.pdf")
    assert document.body.startswith(b"%PDF")
    assert (made.state, bank.wishes) == ("OPEN", [])


async def test_that_one_that_was_never_sent_is_sent_later(company: Company, bank: FakeBank) -> None:
    await company.charged(545, MARCH)
    await company.closed(month(MARCH))
    async with transaction() as db:
        await db.execute(text("DELETE FROM procrastinate_jobs"))
    await sending.take_up_again()
    await run_jobs()
    assert await mails() == []

    await change(FleetInvoice, issued_at=clock.now() - timedelta(hours=2))
    for _ in range(2):
        await sending.take_up_again()
        await run_jobs()
    assert [mail.recipient for mail in await mails()] == ["boss@example.com"]


async def test_that_it_goes_to_the_managers_where_no_address_is_known(company: Company, bank: FakeBank) -> None:
    async with transaction() as db:
        await rows.added(db, Fleet(brand_id=company.brand.id, name="Another"))
    await closed(company)
    assert [mail.recipient for mail in await mails()] == ["boss@example.com"]


async def test_that_a_mandate_pays_it_once_the_bank_says_so(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)

    assert await state(made) == ("COLLECTING", 0)
    [wish] = bank.wishes
    assert (wish.customer, wish.card, wish.amount_minor, wish.currency) == ("cus_fleet", "pm_sepa", 545, "EUR")
    assert "by SEPA Direct Debit" in (await mails())[0].body
    assert await company.owes() == 545

    processor_id = bank.settle("SUCCEEDED")
    await told(processor_id)
    await told(processor_id)
    await invoices.debit_changed(str(made.id))

    assert await state(made) == ("PAID", 545)
    assert await company.owes() == 0
    assert len(bank.wishes) == 1
    assert len(await mails()) == 1


async def test_that_a_debit_that_fails_leaves_it_due_and_says_so(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)

    await told(bank.settle("REQUIRES_PAYMENT_METHOD", "The account has not enough money."))
    await invoices.debit_changed(str(made.id))

    assert await state(made) == ("DUE", 0)
    assert (await invoice(made.id)).state_reason == "The account has not enough money."
    [_, mail] = await mails()
    assert mail.subject == f"Volt invoice {made.number} could not be collected"
    assert "The account has not enough money." in mail.body
    assert await company.owes() == 545


async def test_that_a_debit_that_is_returned_weeks_later_reopens_it_once(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)
    processor_id = bank.settle("SUCCEEDED")
    await told(processor_id)

    for _ in range(2):
        async with transaction() as db:
            was_ours = await debits.returned(
                db, payment_id=processor_id, dispute_id="du_1", amount=Money(545, "EUR"), reason="debit_not_authorized"
            )
        assert was_ours
        await run_jobs()

    assert await state(made) == ("DUE", 0)
    assert await company.owes() == 545
    assert [mail.subject.partition(made.number)[2] for mail in (await mails())[1:]] == [" could not be collected"]
    await pay(made, 545, "statement 9")
    await invoices.debit_changed(str(made.id))
    assert await state(made) == ("PAID", 545)
    assert await company.owes() == 0
    async with transaction() as db:
        assert await imbalance(db) == {}


async def test_that_a_return_that_is_heard_before_the_payment_leaves_it_due(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)
    processor_id = bank.settle("SUCCEEDED")
    async with transaction() as db:
        await debits.returned(
            db, payment_id=processor_id, dispute_id="du_1", amount=Money(545, "EUR"), reason="insufficient_funds"
        )
    await told(processor_id)

    assert await state(made) == ("DUE", 0)
    assert await company.owes() == 545


async def test_that_a_dispute_of_somebody_elses_payment_is_none_of_ours(company: Company) -> None:
    async with transaction() as db:
        assert not await debits.returned(
            db, payment_id="pi_card", dispute_id="du_1", amount=Money(1, "EUR"), reason="fraudulent"
        )


async def test_that_nothing_is_collected_in_another_currency_or_against_the_terms(
    company: Company, bank: FakeBank
) -> None:
    await company.mandated()
    crowns = await closed(company, currency="SEK")
    await change(Fleet, terms={"direct_debit": False})
    await company.charged(100, MARCH)
    [euros] = [one for one in await company.closed(month(MARCH)) if one.currency == "EUR"]
    await run_jobs()

    assert [await state(one) for one in (crowns, euros)] == [("OPEN", 0), ("OPEN", 0)]
    assert bank.wishes == []


async def test_that_a_debit_of_which_nothing_was_heard_is_looked_up(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)
    bank.settle("SUCCEEDED")
    await debits.ask_again()
    await run_jobs()
    assert await state(made) == ("COLLECTING", 0)

    await change(Debit, updated_at=clock.now() - timedelta(days=2))
    await debits.ask_again()
    await run_jobs()
    assert await state(made) == ("PAID", 545)


async def test_that_transfers_are_taken_once_each_and_in_parts(company: Company, bank: FakeBank) -> None:
    made = await closed(company)

    await pay(made, 500, "line 1")
    await pay(made, 500, "line 1")
    assert (await state(made), await company.owes()) == (("OPEN", 500), 45)
    with pytest.raises(Invalid, match=r"amount: must be at most what is left to pay, 0\.45 EUR"):
        await pay(made, 46, "line 2")
    with pytest.raises(Invalid, match="amount: must be an amount in EUR"):
        await pay(made, 45, "line 2", "SEK")
    await pay(made, 45, "line 2")

    assert (await state(made), await company.owes()) == (("PAID", 545), 0)
    with pytest.raises(Refused, match="no transfer is awaited"):
        await pay(made, 1, "line 3")
    assert await company.owes() == 0


async def test_that_no_transfer_is_awaited_while_the_bank_is_asked(company: Company, bank: FakeBank) -> None:
    await company.mandated()
    made = await closed(company)
    with pytest.raises(Refused, match="COLLECTING"):
        await pay(made, 545, "line 1")
    assert await state(made) == ("COLLECTING", 0)


async def test_that_a_late_invoice_is_due_reminded_of_and_at_last_blocks_the_fleet(
    company: Company, bank: FakeBank
) -> None:
    await change(Fleet, terms={"remind_after_days": [3, 10], "block_after_reminders": 2})
    made = await closed(company)

    async def days_late(days: int) -> tuple[str, int, bool]:
        await change(FleetInvoice, due_at=clock.now() - timedelta(days=days, minutes=1))
        for _ in range(2):
            await invoices.remind()
            await run_jobs()
        async with transaction() as db:
            is_blocked = (await db.get_one(Fleet, company.fleet.id)).blocked_at is not None
        found = await invoice(made.id)
        return found.state, found.reminders, is_blocked

    assert await days_late(-1) == ("OPEN", 0, False)
    assert await days_late(0) == ("DUE", 0, False)
    assert await days_late(3) == ("DUE", 1, False)
    assert await days_late(10) == ("DUE", 2, True)
    assert await days_late(100) == ("DUE", 2, True)
    assert [mail.subject for mail in (await mails())[1:]] == [f"Volt invoice {made.number} is not paid yet"] * 2
