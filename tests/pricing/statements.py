"""What quotes say, for tests of those who read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.quotes.evidence import Statement, Where
from emsp.pricing.quotes.planned import PlannedCharge
from emsp.pricing.retail.prices import RetailTariff

START = datetime(2026, 6, 2, 18, tzinfo=UTC)
TARIFF = Tariff("EUR", (Element((Component(Dimension.ENERGY, Decimal("0.45"), Decimal(21)),)),))
WHERE = Where(connector=1, connector_id="1", operator="NL-ABC", time_zone="Europe/Amsterdam", evse_id="NL*ABC*E1")
PLAN = PlannedCharge(START, Decimal(10_000), Decimal(11_000))

UNPRICED = Statement(
    quote=UUID(int=1),
    issuer="https://volt.example",
    brand="Volt",
    where=WHERE,
    issued_at=START,
    valid_until=START + timedelta(minutes=15),
    plan=PLAN,
    missing_reason="NO_TARIFF_PUBLISHED",
)
PRICED = Statement(
    quote=UUID(int=2),
    issuer="https://volt.example",
    brand="Volt",
    where=WHERE,
    issued_at=START,
    valid_until=START + timedelta(minutes=15),
    plan=PLAN,
    guaranteed=True,
    currency="EUR",
    net=Decimal("4.50"),
    total=Decimal("5.45"),
    worst_case=Decimal("6.81"),
    worst_case_until=START + timedelta(hours=2),
    tariff=RetailTariff(TARIFF),
)
