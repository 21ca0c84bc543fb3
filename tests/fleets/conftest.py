"""A fleet in the database: the boss manages it, Ada charges at its cost, and a bank does as it is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

import pytest

from emsp import clock, timetable
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.fleets.bill import charge_fleet
from emsp.fleets.closing import close
from emsp.fleets.tables import Fleet, FleetCharge, FleetInvoice
from emsp.money import Money
from emsp.payments import ledger, ports
from emsp.payments.tables import Mandate
from tests.fleets.bank import FakeBank
from tests.graphql import rows


def _month_before(first: datetime) -> datetime:
    return (first - timedelta(days=1)).replace(day=1)


THIS = clock.now().replace(day=1, hour=18, minute=30, second=0, microsecond=0)
MAY = _month_before(THIS)
APRIL = _month_before(MAY)
MARCH = _month_before(APRIL)
"""Evenings on the first day of the three months before this one, whatever they are called."""


def month(moment: datetime) -> str:
    """YYYY-MM."""
    return f"{moment:%Y-%m}"


@dataclass
class Company:
    """A fleet with its people, and what is charged at its cost."""

    brand: Brand
    fleet: Fleet
    boss: Driver
    ada: Driver
    numbers: Any = field(default_factory=count)

    @property
    def payer(self) -> str:
        return f"fleet:{self.fleet.id}"

    async def charged(self, total_minor: int, at: datetime, **facts: Any) -> FleetCharge:
        """A charge of Ada's that was billed at a moment, with 21 % VAT, and the fleet owes for it."""
        net_minor = total_minor * 100 // 121
        number = next(self.numbers)
        values = {
            "fleet_id": self.fleet.id,
            "driver_id": self.ada.id,
            "reference": f"charge {number}",
            "receipt_number": f"VOLT-2026-{number:06}",
            "started_at": at,
            "billed_at": at,
            "energy_wh": 10_000,
            "currency": "EUR",
            "net_minor": net_minor,
            "total_minor": total_minor,
            "taxes": [{"percent": "21", "net_minor": net_minor, "tax_minor": total_minor - net_minor}],
        }
        charge = FleetCharge(**(values | facts))
        async with transaction() as db:
            await charge_fleet(db, charge)
            total = Money(charge.total_minor, charge.currency)
            await ledger.charge_billed(
                db, reference=charge.reference, payer=self.payer, net_minor=charge.net_minor, total=total
            )
        return charge

    async def closed(self, month: str, *, early: bool = False) -> list[FleetInvoice]:
        """The invoices for a month."""
        async with transaction() as db:
            return await close(db, self.fleet.id, month, early=early)

    async def mandated(self) -> Mandate:
        """The fleet lets its invoices be collected."""
        async with transaction() as db:
            mandate: Mandate = await rows.added(
                db,
                Mandate(
                    payer=self.payer,
                    state="ACTIVE",
                    customer_id="cus_fleet",
                    setup_id="seti_fleet",
                    payment_method_id="pm_sepa",
                    reference="REF1",
                    last4="3000",
                ),
            )
        return mandate

    async def owes(self, currency: str = "EUR") -> int:
        """What stands on the fleet's account, in minor units."""
        async with transaction() as db:
            return (await ledger.balance(db, self.payer, currency)).amount_minor


async def invoice(invoice_id: UUID) -> FleetInvoice:
    """An invoice as it stands."""
    async with transaction() as db:
        return await db.get_one(FleetInvoice, invoice_id)


@pytest.fixture
async def company(database: str) -> Company:
    timetable.set_up()
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
        boss, ada = await rows.driver(db, brand.id, "boss"), await rows.driver(db, brand.id, "ada")
        return Company(brand, await rows.fleet(db, boss, ada), boss, ada)


@pytest.fixture
def bank() -> FakeBank:
    """The processor, and the bank behind it."""
    fake = FakeBank()
    ports.plug(cast(ports.Processor, fake))
    return fake
