"""Disputes: kept as they stand, booked once, whatever is heard of them and in whatever order."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import func, text
from sqlmodel import select

from emsp.db.engine import transaction
from emsp.errors import NotFound, Refused
from emsp.payments import disputes, ledger, movements, ports
from emsp.payments.ports import DisputeFacts, Movement
from emsp.payments.tables import Charge, Debit, Dispute, Mandate, ProcessorMovement
from tests.graphql import rows
from tests.payments.conftest import Person

JUNE = datetime(2026, 6, 2, 12, tzinfo=UTC)
ACCOUNTS = ("processor_clearing", "disputed", "processor_fees", "receivable_written_off", "bank")


def movement(number: int, kind: str, amount: int, fee: int = 0, source: str = "du_1") -> Movement:
    return Movement(
        id=f"txn_{number}",
        kind=kind,
        source=source,
        currency="EUR",
        amount_minor=amount,
        fee_minor=fee,
        net_minor=amount - fee,
        created_at=JUNE.replace(minute=number),
    )


TAKEN = movement(1, "DISPUTE", -3000, 2000)
BACK = movement(2, "DISPUTE_REVERSAL", 3000)
OPENED = DisputeFacts(
    processor_id="du_1",
    payment_id="pi_1",
    state="NEEDS_RESPONSE",
    reason="FRAUDULENT",
    currency="EUR",
    amount_minor=3000,
    fee_minor=2000,
    evidence_due_at=JUNE,
    has_evidence=False,
    movements=(TAKEN,),
)
WON = replace(OPENED, state="WON", movements=(TAKEN, BACK))
LOST = replace(OPENED, state="LOST")
ASKED = replace(OPENED, state="WARNING_NEEDS_RESPONSE", fee_minor=0, movements=())


class Bank:
    """A card processor that tells how a dispute stands, and what moved."""

    def __init__(self, facts: DisputeFacts = OPENED) -> None:
        self.facts = facts
        self.moved: list[Movement] = []
        self.asked_since: list[datetime] = []
        self.handed_in: list[tuple[dict[str, str], bool, str]] = []

    async def dispute(self, processor_id: str) -> DisputeFacts:
        assert processor_id == self.facts.processor_id
        return self.facts

    async def hand_in_evidence(
        self, processor_id: str, *, texts: dict[str, str], submit: bool, reference: str
    ) -> DisputeFacts:
        self.handed_in.append((texts, submit, reference))
        self.facts = replace(self.facts, has_evidence=True, state="UNDER_REVIEW" if submit else self.facts.state)
        return self.facts

    async def movements_since(self, since: datetime) -> Any:
        self.asked_since.append(since)
        for one in sorted(self.moved, key=lambda one: one.created_at, reverse=True):
            if one.created_at >= since:
                yield one


@pytest.fixture
def bank() -> Bank:
    fake = Bank()
    ports.plug(cast(ports.Processor, fake))
    return fake


@pytest.fixture
async def charge(ada: Person) -> Charge:
    """A payment of Ada's that was taken from her card."""
    async with transaction() as db:
        row: Charge = await rows.added(
            db,
            Charge(
                reference=str(uuid4()),
                driver_id=ada.id,
                payment_method_id=ada.card.id,
                state="PAID",
                currency="EUR",
                amount_minor=3000,
                processor_id="pi_1",
                created_at=JUNE,
            ),
        )
        return row


async def balances() -> dict[str, int]:
    """What stands on the accounts that are not empty, in cents."""
    async with transaction() as db:
        assert await ledger.imbalance(db) == {}
        found = {name: (await ledger.balance(db, name, "EUR")).amount_minor for name in ACCOUNTS}
    return {name: amount for name, amount in found.items() if amount}


async def the_dispute() -> Dispute:
    async with transaction() as db:
        return (await db.execute(select(Dispute))).scalar_one()


async def followed() -> int:
    """How often others were told that a dispute changed."""
    async with transaction() as db:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'charging.evidence.note_dispute'")
        return int((await db.execute(query)).scalar_one())


async def test_that_an_opened_dispute_is_kept_with_its_driver_and_booked(bank: Bank, charge: Charge) -> None:
    for _ in range(3):
        await disputes.dispute_changed("du_1")
    dispute = await the_dispute()
    assert (dispute.driver_id, dispute.payment_id, dispute.state) == (charge.driver_id, "pi_1", "NEEDS_RESPONSE")
    assert (dispute.amount_minor, dispute.fee_minor, dispute.closed_at) == (3000, 2000, None)
    assert await balances() == {"disputed": 3000, "processor_fees": 2000, "processor_clearing": -5000}
    assert await followed() == 1


async def test_that_a_won_dispute_leaves_the_fee(bank: Bank, charge: Charge) -> None:
    await disputes.dispute_changed("du_1")
    bank.facts = WON
    for _ in range(2):
        await disputes.dispute_changed("du_1")
    assert await balances() == {"processor_fees": 2000, "processor_clearing": -2000}
    assert (await the_dispute()).closed_at is not None
    assert await followed() == 2


async def test_that_a_won_dispute_is_closed_once_the_money_is_back(bank: Bank, charge: Charge) -> None:
    bank.facts = replace(OPENED, state="WON")
    await disputes.dispute_changed("du_1")
    assert await balances() == {"disputed": 3000, "processor_fees": 2000, "processor_clearing": -5000}
    bank.facts = WON
    await disputes.dispute_changed("du_1")
    assert await balances() == {"processor_fees": 2000, "processor_clearing": -2000}


async def test_that_a_lost_dispute_is_our_loss_and_not_the_drivers(bank: Bank, charge: Charge) -> None:
    bank.facts = LOST
    await disputes.dispute_changed("du_1")
    assert await balances() == {
        "receivable_written_off": 3000,
        "processor_fees": 2000,
        "processor_clearing": -5000,
    }
    async with transaction() as db:
        assert (await ledger.balance(db, f"driver:{charge.driver_id}", "EUR")).amount_minor == 0


async def test_that_a_question_of_the_bank_moves_nothing(bank: Bank, charge: Charge) -> None:
    bank.facts = ASKED
    await disputes.dispute_changed("du_1")
    bank.facts = replace(ASKED, state="WARNING_CLOSED")
    await disputes.dispute_changed("du_1")
    assert await balances() == {}
    assert (await the_dispute()).closed_at is not None


async def test_that_an_old_look_up_does_not_open_a_decided_dispute_again(bank: Bank, charge: Charge) -> None:
    bank.facts = LOST
    await disputes.dispute_changed("du_1")
    async with transaction() as db:
        await disputes.keep(db, OPENED)
    assert (await the_dispute()).state == "LOST"
    bank.facts = replace(LOST, state="APPEAL_UNDER_REVIEW")
    await disputes.dispute_changed("du_1")
    assert ((await the_dispute()).state, (await the_dispute()).closed_at) == ("APPEAL_UNDER_REVIEW", None)


async def test_that_a_dispute_of_nobodys_payment_is_kept_too(database: str, bank: Bank, ada: Person) -> None:
    await disputes.dispute_changed("du_1")
    assert (await the_dispute()).driver_id is None
    async with transaction() as db:
        assert await disputes.keep(db, replace(OPENED, processor_id="du_2", payment_id=None)) is None


async def test_that_a_debit_which_a_bank_took_back_is_owed_again(bank: Bank, ada: Person) -> None:
    async with transaction() as db:
        mandate = await rows.added(db, Mandate(payer="fleet:1", state="ACTIVE", customer_id="cus_1", setup_id="seti_1"))
        debit = await rows.added(
            db,
            Debit(
                reference="invoice-1",
                mandate_id=mandate.id,
                payer="fleet:1",
                state="PROCESSING",
                currency="EUR",
                amount_minor=3000,
                processor_id="pi_1",
            ),
        )
    bank.facts = replace(LOST, reason="DEBIT_NOT_AUTHORIZED")
    for _ in range(2):
        await disputes.dispute_changed("du_1")
    assert await balances() == {"processor_fees": 2000, "processor_clearing": -2000}
    async with transaction() as db:
        assert (await ledger.balance(db, "fleet:1", "EUR")).amount_minor == 0
        assert (await db.get_one(Debit, debit.id)).state == "RETURNED"


async def test_that_it_is_answered_as_a_draft_and_then_for_good(bank: Bank, charge: Charge) -> None:
    await disputes.dispute_changed("du_1")
    texts = {"customer_name": "Ada"}
    draft = await disputes.answer(await the_dispute(), texts, submit=False)
    assert (draft.state, draft.evidence, draft.submitted_at) == ("NEEDS_RESPONSE", texts, None)
    sent = await disputes.answer(draft, texts, submit=True)
    assert sent.state == "UNDER_REVIEW"
    assert sent.submitted_at is not None
    assert len({reference for _, _, reference in bank.handed_in}) == 2
    with pytest.raises(Refused) as refused:
        await disputes.answer(sent, texts, submit=True)
    assert refused.value.code == "DISPUTE_NOT_ANSWERABLE"
    assert len(bank.handed_in) == 2


async def test_that_disputes_are_found_by_either_id(bank: Bank, charge: Charge) -> None:
    await disputes.dispute_changed("du_1")
    async with transaction() as db:
        found = await disputes.dispute_named(db, "du_1")
        assert await disputes.dispute_named(db, str(found.id)) is found
        assert await disputes.disputes(db, only_open=True) == [found]
        with pytest.raises(NotFound):
            await disputes.dispute_named(db, "du_2")


async def test_that_movements_are_kept_and_their_fees_booked_once(bank: Bank, charge: Charge) -> None:
    bank.moved = [movement(3, "CHARGE", 3000, 70, "ch_1"), movement(4, "REFUND", -500, 0, "re_1")]
    bank.moved += [movement(5, "FEE", -120, 0, "fee_1"), movement(6, "PAYOUT", -2000, 0, "po_1")]
    await movements.pull()
    bank.moved += [movement(7, "PAYOUT_REVERSAL", 2000, 0, "po_1")]
    for _ in range(2):
        await movements.pull()
    assert await balances() == {"processor_fees": 190, "processor_clearing": -190}
    async with transaction() as db:
        assert (await db.execute(select(func.count()).select_from(ProcessorMovement))).scalar_one() == 5
    asked = [JUNE, JUNE.replace(minute=6), JUNE.replace(minute=7)]
    assert bank.asked_since == [moment - timedelta(hours=2) for moment in asked]


async def test_that_nothing_is_asked_for_before_there_was_a_payment(database: str, bank: Bank) -> None:
    bank.moved = [movement(3, "PAYOUT", -2000, 0, "po_of_others")]
    await movements.pull()
    assert bank.asked_since == []
    assert await balances() == {}


async def test_that_a_dispute_without_a_webhook_is_found_by_what_it_moved(bank: Bank, charge: Charge) -> None:
    bank.moved = [TAKEN]
    await movements.pull()
    assert (await the_dispute()).state == "NEEDS_RESPONSE"
    assert await balances() == {"disputed": 3000, "processor_fees": 2000, "processor_clearing": -5000}
