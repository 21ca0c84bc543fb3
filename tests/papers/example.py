"""A charge as it might be, its receipt and a credit note for it, made without a database.

`python -m tests.papers.example FOLDER` draws both as FOLDER/receipt.png and FOLDER/credit-note.png.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import to_builtins

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.billing.given import given_back
from emsp.charging.paper.facts import Delivered, Facts, OnCard, Payment, Place
from emsp.charging.paper.paper import paper_of
from emsp.charging.tables import ChargingSession, Receipt
from emsp.money import Money
from emsp.papers.typeset import as_png
from emsp.payments.tables import PaymentMethod
from emsp.pricing.engine.billed import Bill, billed
from emsp.pricing.engine.price import Period, price
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Operator, Station

BEGAN = datetime(2026, 3, 6, 16, 42, tzinfo=UTC)
ENDED = BEGAN + timedelta(hours=1, minutes=31)
TARIFF: dict[str, Any] = {
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [
        {
            "components": [{"dimension": "ENERGY", "price": "0.49", "vat_percent": "21"}],
            "restrictions": {"start_time": "07:00:00", "end_time": "18:00:00"},
        },
        {"components": [{"dimension": "ENERGY", "price": "0.39", "vat_percent": "21"}]},
        {"components": [{"dimension": "FLAT", "price": "0.35", "vat_percent": "21"}]},
        {"components": [{"dimension": "PARKING_TIME", "price": "3.00", "vat_percent": "21"}]},
    ],
}
VISA = PaymentMethod(driver_id=uuid4(), processor_id="pm", brand_name="visa", last4="4242")
AGREES: dict[str, Any] = {"result": "AGREES", "reason": None}


def example_bill() -> Bill:
    """26.84 kWh before and after six in the evening, and a quarter of an hour of parking."""
    six = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
    full = ENDED - timedelta(minutes=15)
    periods = [
        Period(BEGAN, six, Decimal(6210), charging_s=Decimal(1080)),
        Period(six, full, Decimal(20630), charging_s=Decimal(3480)),
        Period(full, ENDED, Decimal(0), parking_s=Decimal(900)),
    ]
    return billed(price(msgspec.convert(TARIFF, Tariff), periods, time_zone="Europe/Amsterdam"))


def example_facts(*, language: str = "en", bill: Bill | None = None, **more: Any) -> Facts:
    """A receipt of 26.84 kWh, paid by a card on which 45 euros had been held; `more` takes the place of facts."""
    bill = bill or example_bill()
    brand = example_brand()
    driver = Driver(
        brand_id=brand.id,
        email="anna.devries@example.com",
        language=language,
        billing={"name": "Anna de Vries", "street": "Lange Nieuwstraat 12", "postal_code": "3512 PH"}
        | {"city": "Utrecht", "country": "NL"},
    )
    known: dict[str, Any] = {
        "receipt": example_receipt(bill, brand, driver, 1207, ENDED + timedelta(minutes=3)),
        "session": ChargingSession(
            brand_id=brand.id, driver_id=driver.id, partner_id=uuid4(), quote_id=uuid4(), idempotency_key=""
        ),
        "brand": brand,
        "driver": driver,
        "place": example_place(),
        "quote": _quote(brand, driver),
        "delivered": Delivered(BEGAN, ENDED, 26_840),
        "payment": _paid(bill),
        "costs": bill.total,
    }
    return Facts(**(known | more))


def example_credit(amount_minor: int = 500, *, language: str = "en") -> Facts:
    """A credit note by which support gives back some of it, for a reason."""
    facts = example_facts(language=language)
    bill = given_back(example_bill(), amount_minor)
    later = ENDED + timedelta(days=2, hours=15)
    receipt = example_receipt(bill, facts.brand, facts.driver, 1246, later, corrects_id=facts.receipt.id)
    receipt.reason = "The cable would not unlock and you had to wait for 40 minutes. We are sorry."
    return example_facts(
        language=language,
        bill=bill,
        receipt=receipt,
        brand=facts.brand,
        first=facts.receipt,
        costs=example_bill().total + bill.total,
        payment=Payment(
            paid=bill.total,
            owed_in_all=example_bill().total + bill.total,
            paid_in_all=example_bill().total + bill.total,
            balance=Money(0, "EUR"),
            back=(OnCard(Money(-bill.total_minor, "EUR"), VISA, later + timedelta(minutes=1)),),
        ),
    )


def example_brand() -> Brand:
    """Volt, a brand that has said who it is."""
    return Brand(
        slug="volt",
        name="Volt",
        languages=["en", "nl", "de", "fr"],
        support_email="help@volt.example",
        legal={
            "name": "Volt Mobility B.V.",
            "street": "Stationsplein 45",
            "postal_code": "1012 AB",
            "city": "Amsterdam",
            "country": "NL",
            "vat_id": "NL123456782B90",
            "registration_number": "12345678",
            "phone": "+31 20 555 01 23",
        },
    )


def example_receipt(
    bill: Bill, brand: Brand, driver: Driver, sequence: int, issued_at: datetime, corrects_id: UUID | None = None
) -> Receipt:
    """The row of a receipt for a bill."""
    return Receipt(
        brand_id=brand.id,
        driver_id=driver.id,
        session_id=uuid4(),
        corrects_id=corrects_id,
        year=2026,
        sequence=sequence,
        number=f"VOLT-2026-{sequence:06d}",
        currency=bill.currency,
        net_minor=bill.net_minor,
        total_minor=bill.total_minor,
        paid_minor=bill.total_minor,
        lines=list(to_builtins(bill.lines)),
        taxes=list(to_builtins(bill.taxes)),
        verification=AGREES,
        issued_at=issued_at,
    )


def example_place() -> Place:
    """A charge point in Utrecht."""
    station = Station(
        partner_id=uuid4(),
        country_code="NL",
        party_id="ABC",
        external_id="L1",
        external_key="l1",
        name="Jaarbeursplein P1",
        street="Jaarbeursplein 6",
        postal_code="3521 AL",
        city="Utrecht",
        country="NLD",
        latitude=52.09,
        longitude=5.1,
        time_zone="Europe/Amsterdam",
    )
    return Place(
        station=station,
        evse=Evse(station_id=1, uid="E41", uid_key="e41", evse_id="NL*ABC*E41*1"),
        connector=Connector(evse_id=1, external_id="1", external_key="1", standard="IEC_62196_T2", max_power_w=22_000),
        operator=Operator(name="Greenpoint Charging"),
    )


def _quote(brand: Brand, driver: Driver) -> Quote:
    return Quote(
        brand_id=brand.id,
        driver_id=driver.id,
        connector_id=1,
        tariff={"tariff": TARIFF},
        plan={"energy_wh": "30000"},
        currency="EUR",
        total_minor=1365,
        worst_case_minor=4500,
    )


def _paid(bill: Bill) -> Payment:
    captured = OnCard(bill.total, VISA, ENDED + timedelta(minutes=3))
    return Payment(
        paid=bill.total,
        owed_in_all=bill.total,
        paid_in_all=bill.total,
        balance=Money(0, "EUR"),
        held=OnCard(Money(4500, "EUR"), VISA, BEGAN),
        captured=captured,
    )


def draw(folder: Path) -> None:
    """Both pictures, the first page of each."""
    for name, facts in (("receipt", example_facts()), ("credit-note", example_credit())):
        (folder / f"{name}.png").write_bytes(as_png(paper_of(facts), pixels_per_inch=96)[0])


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
