"""The price that was shown is the price that is billed, whatever has become of the tariff since."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from emsp import clock
from emsp.brands.tables import Brand
from emsp.charging.authorize import request_start
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.pricing.catalog import put_tariffs
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.facts import TariffFacts
from emsp.pricing.quotes import evidence
from emsp.pricing.quotes.quote import make_quote
from emsp.pricing.tables import Quote
from tests.charging.conftest import END, Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.saying import now, receipt_of, record, run_jobs, say
from tests.graphql import rows

DEARER = Tariff(
    currency="EUR", elements=(Element(components=(Component(Dimension.ENERGY, Decimal("0.90"), Decimal(21)),)),)
)


async def quoted(place: Place) -> Quote:
    """A quote for ten kilowatt-hours, as it is made for a driver."""
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        connector_id = place.connector.id or 0
        return await make_quote(db, brand=brand, driver_id=place.driver.id, connector_id=connector_id, energy_wh=10_000)


async def becomes_dearer(place: Place) -> None:
    """The operator doubles its price, and the brand adds half as much again."""
    facts = TariffFacts(
        country_code="NL", party_id="ABC", external_id="T1", tariff=DEARER, updated_at=rows.JUNE + timedelta(days=1)
    )
    async with transaction() as db:
        assert (await put_tariffs(db, place.partner.id, [facts])).changed == 1
        (await db.get_one(Brand, place.driver.brand_id)).price_policy = {"markup_percent": "50"}


async def test_that_a_tariff_that_changes_while_a_car_charges_changes_nothing(place: Place, cards: FakeCards) -> None:
    quote = await quoted(place)
    session = await replace(place, quote=quote).held(cards, state="CHARGING")
    await becomes_dearer(place)
    await say(place, record(session, net="9.00", tariffs=[DEARER]))
    await run_jobs()

    receipt = await receipt_of(session)

    assert receipt is not None
    assert (receipt.net_minor, receipt.total_minor, cards.taken()) == (450, 545, [545])
    assert (quote.total_minor, (await now(session)).ended_at) == (545, END)
    async with transaction() as db:
        kept = await db.get_one(Quote, quote.id)
        assert (kept.total_minor, kept.wholesale, evidence.is_as_signed(kept)) == (545, rows.TARIFF, True)
    assert (await quoted(place)).total_minor == 1634  # who asks now is told the new price: 13.50 and 21 %


async def start(place: Place, **wish: object) -> ChargingSession:
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        return await request_start(
            db,
            brand=brand,
            driver=place.driver,
            idempotency_key="once",
            **wish,  # type: ignore[arg-type]
        )


async def test_that_a_start_takes_only_a_quote_that_is_the_drivers_holds_and_is_for_this_place(
    place: Place, network: FakeNetwork
) -> None:
    quote = await quoted(place)
    async with transaction() as db:
        await rows.card(db, place.driver)
        ben = await rows.driver(db, place.driver.brand_id, "ben")
        his = await rows.quote(db, ben, place.connector)
        late = await rows.quote(db, place.driver, place.connector)
        late.valid_until = clock.now() - timedelta(seconds=1)
        evse = await rows.evse(db, await rows.station(db, place.partner.id, 2), 1)
        elsewhere = await rows.connector(db, evse)
        anybodys = await rows.quote(db, ben, place.connector)
        anybodys.driver_id = None
    for wish, code in (
        ({"quote_id": his.id}, "QUOTE_NOT_FOUND"),
        ({"quote_id": anybodys.id}, "QUOTE_NOT_FOUND"),
        ({"quote_id": late.id}, "QUOTE_EXPIRED"),
        ({"quote_id": quote.id, "connector_id": elsewhere.id}, "QUOTE_FOR_ANOTHER_CONNECTOR"),
    ):
        with pytest.raises(Refused) as refused:
            await start(place, **wish)
        assert refused.value.code == code
    assert (await start(place, quote_id=quote.id, connector_id=place.connector.id)).quote_id == quote.id


async def test_that_a_start_without_a_quote_is_guaranteed_one_of_its_own(place: Place, network: FakeNetwork) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)
    session = await start(place, connector_id=place.connector.id)
    await becomes_dearer(place)
    async with transaction() as db:
        quote = await db.get_one(Quote, session.quote_id)
    assert (quote.total_minor, quote.worst_case_minor) == (1089, 1361)  # 20 kWh, and 25
    _, said = evidence.read(quote.signature)
    assert (said.guaranteed, said.plan.energy_wh) == (True, 20_000)
