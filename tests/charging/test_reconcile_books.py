"""Our tables and ledger against a card processor that runs: nothing differs, until something is planted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, update

from emsp import clock
from emsp.charging.reconcile.compare import Kind
from emsp.charging.reconcile.run import reconcile
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import hold, ledger
from emsp.payments import ports as payments_ports
from emsp.payments.tables import Charge, Customer, Hold, Reconciliation, Refund
from emsp.sandbox.cards import CardsOptions, build_app
from emsp.settings import settings
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.charging.conftest import Place
from tests.charging.saying import record, run_jobs, say
from tests.graphql import rows
from tests.sandbox_cards.conftest import listening

LONG_AGO = timedelta(hours=2)


@pytest.fixture
async def processor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StripeProcessor]:
    """The product's own processor, talking to a card processor that listens here."""
    async with listening(build_app(CardsOptions())) as url:
        monkeypatch.setenv("EMSP_STRIPE_API_BASE", url)
        settings.cache_clear()
        client.cache_clear()
        made = StripeProcessor()
        payments_ports.plug(made)
        yield made
    settings.cache_clear()
    client.cache_clear()


@dataclass
class Books:
    """A driver with a card, and ways to move money with or without telling ourselves."""

    place: Place
    processor: StripeProcessor
    customer: str
    card: str
    method_id: UUID

    async def paid_charge(self) -> ChargingSession:
        """Held, charged, billed and captured, as any charge is."""
        session = await self.held_charge()
        await say(self.place, record(session, external_id=uuid4().hex[:8], session_external_id=None))
        await run_jobs()
        return session

    async def held_charge(self) -> ChargingSession:
        session = await self.place.session(state="ENDED")
        async with transaction() as db:
            opened = await hold.open_hold(
                db,
                reference=str(session.id),
                driver_id=self.place.driver.id,
                payment_method_id=self.method_id,
                amount=Money(2000, "EUR"),
            )
            row = await db.get_one(ChargingSession, session.id)
            row.hold_id, row.payment_method_id = opened.id, self.method_id
        await hold.place(opened.id)
        async with transaction() as db:
            return await db.get_one(ChargingSession, session.id)

    async def intent(self, reference: str, *, amount_minor: int = 700, is_confirmed: bool = True) -> str:
        """A payment at the processor that our tables know nothing of."""
        params: Any = {
            "amount": amount_minor,
            "currency": "eur",
            "customer": self.customer,
            "payment_method": self.card,
            "payment_method_types": ["card"],
            "metadata": {"reference": reference},
        }
        made = await client().v1.payment_intents.create_async(params)
        if is_confirmed:
            await client().v1.payment_intents.confirm_async(made.id)
        return made.id

    async def charge(self, processor_id: str, state: str = "PAID", amount_minor: int = 700) -> Charge:
        """A charge in our tables."""
        values = {"driver_id": self.place.driver.id, "payment_method_id": self.method_id, "currency": "EUR"}
        async with transaction() as db:
            row: Charge = await rows.added(
                db,
                Charge(
                    reference=uuid4().hex, state=state, amount_minor=amount_minor, processor_id=processor_id, **values
                ),
            )
            return row

    async def found(self) -> set[tuple[Kind, str]]:
        """What differs once every row had its time to settle."""
        async with transaction() as db:
            for table in (Hold, Charge, Refund):
                await db.execute(update(table).values(updated_at=clock.now() - LONG_AGO))
        return {(one.kind, one.subject) for one in (await reconcile()).differences}


@pytest.fixture
async def books(place: Place, processor: StripeProcessor) -> Books:
    customer = await processor.create_customer(driver_id=str(place.driver.id), email=place.driver.email)
    setup = await processor.create_setup(customer=customer, reference="ada", card_token="pm_card_visa")
    assert setup.card is not None
    async with transaction() as db:
        await rows.added(db, Customer(driver_id=place.driver.id, processor_id=customer))
        method = await rows.card(db, place.driver)
        method.processor_id = setup.card.processor_id
    return Books(place, processor, customer, setup.card.processor_id, method.id)


async def _hold(session: ChargingSession) -> Hold:
    async with transaction() as db:
        assert session.hold_id is not None
        return await db.get_one(Hold, session.hold_id)


async def _set(row: Any, **facts: Any) -> None:
    async with transaction() as db:
        await db.execute(update(type(row)).where(col(type(row).id) == row.id).values(**facts))


async def test_that_charges_which_went_well_differ_in_nothing(books: Books) -> None:
    await books.paid_charge()
    await books.held_charge()
    result = await reconcile()
    assert (result.payments, result.refunds) == (2, 0)
    assert await books.found() == set()
    async with transaction() as db:
        kept = await db.get_one(Reconciliation, 1)
        assert (kept.compared, kept.differences) == ({"payments": 2, "refunds": 0}, [])


async def test_that_each_planted_difference_is_named(books: Books) -> None:
    paid = [await _hold(await books.paid_charge()) for _ in range(3)]
    left, gone = [await _hold(await books.held_charge()) for _ in range(2)]

    unknown = await books.intent("nobody's")
    twice = await books.intent(f"hold-{paid[0].id}")
    missing = await books.charge("pi_nowhere", state="DUE")
    unseen = await books.charge(await books.intent("charge-late"), state="DUE")
    not_taken = await books.charge(await books.intent("charge-early", is_confirmed=False))
    not_booked = await books.charge(await books.intent("charge-forgotten"))
    async with transaction() as db:
        payer, amount = f"driver:{books.place.driver.id}", Money(700, "EUR")
        await ledger.payment_received(
            db, event="rest_charged", reference=not_taken.reference, payer=payer, amount=amount
        )
        await ledger.payment_received(db, event="rest_charged", reference="nobody", payer=payer, amount=amount)
    await _set(paid[1], captured_minor=paid[1].captured_minor + 1)
    await _set(left, state="RELEASED")
    assert gone.processor_id
    assert paid[2].processor_id
    await books.processor.cancel(gone.processor_id, reference="by hand")
    stranger = await books.processor.refund(paid[2].processor_id, amount_minor=100, reference="by hand")

    found = await books.found()
    assert found == {
        (Kind.PAYMENT_UNKNOWN, unknown),
        (Kind.PAYMENT_TWICE, twice),
        (Kind.PAYMENT_MISSING, missing.processor_id),
        (Kind.TAKEN_NOT_KNOWN, unseen.processor_id),
        (Kind.NOT_TAKEN, not_taken.processor_id),
        (Kind.NOT_BOOKED, str(not_booked.id)),
        (Kind.BOOKED_WITHOUT_PAYMENT, "nobody"),
        (Kind.AMOUNT_DIFFERS, paid[1].processor_id),
        (Kind.BOOKED_DIFFERS, str(paid[1].id)),
        (Kind.HOLD_LEFT, left.processor_id),
        (Kind.HOLD_GONE, gone.processor_id),
        (Kind.REFUND_UNKNOWN, stranger.processor_id),
        (Kind.CLEARING_DIFFERS, "EUR"),
    }
