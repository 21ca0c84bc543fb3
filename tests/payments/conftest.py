"""A driver with a card, at a brand, and a card processor that does as it is told."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from emsp import timetable
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.money import Money
from emsp.payments import ports
from emsp.payments.balance import Balance, balance_in
from emsp.payments.ledger.balances import top_up_received, voucher_redeemed
from emsp.payments.ports import Intent, Repayment, Wish
from emsp.payments.tables import Customer, PaymentMethod
from tests.graphql import rows


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


class Cards:
    """Takes money from every card, unless `says` something else; keeps what was asked of it."""

    def __init__(self) -> None:
        self.says = "SUCCEEDED"
        self.repays = "SUCCEEDED"
        self.wishes: list[Wish] = []
        self.confirmed: list[tuple[str, bool]] = []
        self.removed: list[str] = []
        self.intents: dict[str, Intent] = {}
        self.repayments: dict[str, Repayment] = {}

    async def create_charge(self, wish: Wish) -> Intent:
        known = [intent for intent in self.intents.values() if intent.reference == wish.reference]
        self.wishes.append(wish)
        made = Intent(
            processor_id=f"pi_{len(self.intents)}_{uuid4().hex[:6]}",
            status="REQUIRES_CONFIRMATION",
            amount_minor=wish.amount_minor,
            captured_minor=0,
            currency=wish.currency,
            client_secret="secret",
            reference=wish.reference,
        )
        return known[0] if known else self.intents.setdefault(made.processor_id, made)

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool, **more: Any) -> Intent:
        self.confirmed.append((processor_id, off_session))
        if self.says == "DECLINED":
            self.become(processor_id, "REQUIRES_PAYMENT_METHOD")
            raise Declined("insufficient_funds", "Your card has insufficient funds.")
        if self.says == "REQUIRES_ACTION" and off_session:
            self.become(processor_id, "REQUIRES_PAYMENT_METHOD")
            raise AuthenticationRequired("Your bank asks you.")
        return self.become(processor_id, self.says)

    async def intent(self, processor_id: str) -> Intent:
        return self.intents[processor_id]

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        done = self.intents[processor_id].status in ("SUCCEEDED", "CANCELED")
        return self.intents[processor_id] if done else self.become(processor_id, "CANCELED")

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment:
        made = Repayment(processor_id=f"re_{reference}", status=self.repays, amount_minor=amount_minor)
        return self.repayments.setdefault(made.processor_id, made)

    async def repayment(self, processor_id: str) -> Repayment:
        return self.repayments[processor_id]

    async def remove_card(self, processor_id: str) -> None:
        self.removed.append(processor_id)

    def become(self, processor_id: str, status: str) -> Intent:
        """What happens at the bank, behind our back."""
        before = self.intents[processor_id]
        self.intents[processor_id] = Intent(
            processor_id=processor_id,
            status=status,
            amount_minor=before.amount_minor,
            captured_minor=before.amount_minor if status == "SUCCEEDED" else 0,
            currency=before.currency,
            client_secret=before.client_secret,
            reference=before.reference,
        )
        return self.intents[processor_id]

    def taken(self) -> list[int]:
        """What was taken from cards, in minor units."""
        return [intent.captured_minor for intent in self.intents.values() if intent.captured_minor]


@dataclass
class Person:
    """A driver with a card, and what they have."""

    brand: Brand
    driver: Driver
    card: PaymentMethod

    @property
    def id(self) -> UUID:
        return self.driver.id

    async def pays_in(self, minor: int) -> None:
        async with transaction() as db:
            await top_up_received(db, reference=uuid4().hex, driver_id=self.id, amount=eur(minor))

    async def is_given(self, minor: int) -> None:
        """As a voucher gives it."""
        async with transaction() as db:
            await voucher_redeemed(db, reference=uuid4().hex, driver_id=self.id, amount=eur(minor))

    async def has(self) -> Balance:
        async with transaction() as db:
            return await balance_in(db, self.id, "EUR")

    async def figures(self) -> tuple[int, int, int]:
        """Paid in, credit, set apart; in cents."""
        there_is = await self.has()
        return there_is.prepaid.amount_minor, there_is.credit.amount_minor, there_is.reserved.amount_minor


async def a_person(name: str = "ada") -> Person:
    """A driver of the brand Volt with a saved card."""
    timetable.set_up()
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug=f"volt-{name}", name="Volt", languages=["en"]))
        driver = await rows.driver(db, brand.id, name)
        await rows.added(db, Customer(driver_id=driver.id, processor_id=f"cus_{name}"))
        return Person(brand, driver, await rows.card(db, driver))


@pytest.fixture
async def ada(database: str) -> Person:
    return await a_person()


@pytest.fixture
def cards() -> Cards:
    fake = Cards()
    ports.plug(cast(ports.Processor, fake))
    return fake
