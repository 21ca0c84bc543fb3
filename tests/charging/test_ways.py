"""Where two partners publish one charge point, a charge goes the way that was agreed on, or else the cheapest."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select, update

from emsp import clock
from emsp.brands.tables import Brand
from emsp.charging.authorize import check_start, request_start
from emsp.charging.tables import ChargingSession, Reservation
from emsp.charging.ways import prices_over_ways, quote_charge
from emsp.db.engine import Db, engine, transaction
from emsp.errors import Refused
from emsp.partners.agreements import Agreement, set_agreement
from emsp.partners.tables import Partner
from emsp.pricing.quotes.usual import USUAL
from emsp.pricing.retail.sale import terms_of
from emsp.pricing.tables import Quote, TariffRow
from emsp.stations import by_sql
from emsp.stations.asking import Cursor, Filter, Ids, Order
from emsp.stations.index import query
from emsp.stations.tables import Evse
from emsp.stations.twins.tables import EvseTwin
from tests.charging.conftest import Place
from tests.charging.outside import FakeNetwork
from tests.graphql import rows
from tests.stations.index.segments import index_of_database

CHEAP = {"currency": "EUR", "elements": [{"components": [{"dimension": "ENERGY", "price": "0.30"}]}]}
DEAR = {"currency": "EUR", "elements": [{"components": [{"dimension": "ENERGY", "price": "0.90"}]}]}


class Network(FakeNetwork):
    """Some partners are away."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[UUID] = set()

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        return partner_id not in self.away


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    from emsp.charging import ports

    fake: Any = Network()
    ports.plug(fake)
    return fake


async def hub_publishes_it_too(place: Place, tariff: dict[str, Any]) -> tuple[UUID, int]:
    """A hub's copy of the place, at a price of its own: its partner id, and the id of its connector."""
    async with transaction() as db:
        hub = await rows.added(db, Partner(name="Hub"))
        station = await rows.station(db, hub.id, 7, party_id="HUB", external_id="H1", external_key="h1")
        evse = await rows.evse(db, station, 1)
        connector = await rows.connector(db, evse)
        named = {"country_code": "NL", "party_id": "HUB", "external_id": "T1", "external_key": "t1"}
        times = {"source_updated_at": rows.JUNE, "updated_at": rows.JUNE}
        await rows.added(db, TariffRow(partner_id=hub.id, currency="EUR", document=tariff, **named, **times))
        now = clock.now()
        pin = place.connector.evse_id
        twin = EvseTwin(evse_id=evse.id, pin_evse_id=pin, matched_by="EVSE_ID", confidence_percent=99, decided_at=now)
        await rows.added(db, twin)
    return hub.id, connector.id


async def quoted(place: Place, connector_id: int | None = None) -> Quote:
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        wanted = connector_id or place.connector.id or 0
        return await quote_charge(db, brand=brand, driver_id=place.driver.id, connector_id=wanted, energy_wh=10_000)


async def started(place: Place, **asked: Any) -> ChargingSession:
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        return await request_start(db, brand=brand, driver=place.driver, idempotency_key=uuid4().hex, **asked)


async def prefer(partner_id: UUID, preference: int) -> None:
    async with transaction() as db:
        await set_agreement(db, partner_id, Agreement(preference=preference))


async def test_that_the_cheapest_way_is_quoted_and_started(place: Place, network: Network) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)
    hub_id, over_hub = await hub_publishes_it_too(place, CHEAP)
    quote = await quoted(place)
    assert (quote.connector_id, quote.net_minor) == (over_hub, 300)
    session = await started(place, quote_id=quote.id, connector_id=place.connector.id, evse_id=place.connector.evse_id)
    assert (session.partner_id, session.connector_id, session.quote_id) == (hub_id, over_hub, quote.id)
    with pytest.raises(Refused, match="You have an open charge at this charge point"):
        await started(place, evse_id=place.connector.evse_id)


async def test_that_the_pin_s_own_is_taken_where_it_is_cheaper_or_nothing_is_known(
    place: Place, network: Network
) -> None:
    _, over_hub = await hub_publishes_it_too(place, DEAR)
    assert (await quoted(place)).connector_id == (await quoted(place, over_hub)).connector_id == place.connector.id
    async with transaction() as db:
        await db.execute(update(TariffRow).values(withdrawn=True))
    quote = await quoted(place)
    assert (quote.connector_id, quote.total_minor) == (place.connector.id, None)


async def test_that_a_price_that_is_not_known_is_never_the_cheapest(place: Place, network: Network) -> None:
    _, over_hub = await hub_publishes_it_too(place, DEAR)
    async with transaction() as db:
        await db.execute(update(TariffRow).where(TariffRow.party_id != "HUB").values(withdrawn=True))
    assert (await quoted(place)).connector_id == over_hub


async def test_that_an_agreement_is_preferred_whatever_it_costs(place: Place, network: Network) -> None:
    hub_id, over_hub = await hub_publishes_it_too(place, DEAR)
    await prefer(hub_id, 5)
    quote = await quoted(place)
    assert (quote.connector_id, quote.net_minor) == (over_hub, 900)
    await prefer(place.partner.id, 6)
    assert (await quoted(place)).connector_id == place.connector.id
    await prefer(place.partner.id, -1)
    await prefer(hub_id, 0)
    assert (await quoted(place)).connector_id == over_hub


async def test_that_a_partner_that_is_away_or_not_allowed_is_passed_by(place: Place, network: Network) -> None:
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    network.away = {hub_id}
    assert (await quoted(place)).connector_id == place.connector.id
    network.away = {hub_id, place.partner.id}
    assert (await quoted(place)).connector_id == place.connector.id, "which is then told at the start"
    network.away = set()
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        brand.network_policy = {"blocked_parties": ["NL*HUB"]}
    assert (await quoted(place)).connector_id == place.connector.id


async def test_that_whoever_keeps_it_free_for_the_driver_is_asked(place: Place, network: Network) -> None:
    await hub_publishes_it_too(place, CHEAP)
    async with transaction() as db:
        reservation = Reservation(
            brand_id=place.driver.brand_id,
            driver_id=place.driver.id,
            partner_id=place.partner.id,
            station_id=(await db.get_one(Evse, place.connector.evse_id)).station_id,
            evse_id=place.connector.evse_id,
            idempotency_key="once",
            state="CONFIRMED",
            state_reason="It is kept free.",
            authorization_reference="1",
            token_uid="RES1",
            expires_at=clock.now().replace(year=clock.now().year + 1),
        )
        await rows.added(db, reservation)
    assert (await quoted(place)).connector_id == place.connector.id


async def test_that_a_start_without_a_quote_goes_the_same_way(place: Place, network: Network) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)
        brand = await db.get_one(Brand, place.driver.brand_id)
        await check_start(db, brand=brand, driver=place.driver, connector_id=place.connector.id or 0)
    hub_id, over_hub = await hub_publishes_it_too(place, CHEAP)
    session = await started(place, evse_id=place.connector.evse_id)
    assert (session.partner_id, session.connector_id) == (hub_id, over_hub)


async def test_that_a_quote_for_another_charge_point_stays_one(place: Place, network: Network) -> None:
    await hub_publishes_it_too(place, CHEAP)
    async with transaction() as db:
        await rows.card(db, place.driver)
        other = await rows.connector(db, await rows.evse(db, await rows.station(db, place.partner.id, 3), 1))
    quote = await quoted(place)
    for elsewhere in ({"connector_id": other.id}, {"evse_id": other.evse_id}):
        with pytest.raises(Refused, match="The quote is for another connector"):
            await started(place, quote_id=quote.id, **elsewhere)
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        asked = {"brand": brand, "driver": place.driver, "quote_id": quote.id}
        await check_start(db, **asked, connector_id=place.connector.id or 0)
        with pytest.raises(Refused, match="The quote is for another connector"):
            await check_start(db, **asked, connector_id=other.id)


async def test_that_what_is_less_sure_is_not_started_instead(place: Place, network: Network) -> None:
    await hub_publishes_it_too(place, CHEAP)
    async with transaction() as db:
        await db.execute(update(EvseTwin).values(confidence_percent=84))
    assert (await quoted(place)).connector_id == place.connector.id


async def searched(place: Place) -> Decimal | None:
    """What a kilowatt-hour costs at the place, as a search sorts and filters by it; PostgreSQL and an index agree."""
    index = await index_of_database()
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        terms = await terms_of(db, brand, place.driver.id)
        here = Ids(tuple(await db.scalars(select(Evse.station_id).where(Evse.id == place.connector.evse_id))))

        async def hit(wanted: Filter) -> Decimal | None:
            asked = {"at": clock.now(), "prices": prices_over_ways(db, brand, terms)}
            pages = [
                await by_sql.find(db, here, wanted, Order.PRICE, 1, None, **asked),
                await query.find(index, here, wanted, Order.PRICE, 1, None, **asked),
            ]
            found = [(Cursor.read(page.cursors[0], "PRICE") if page.cursors else None) for page in pages]
            assert found[0] == found[1]
            return Decimal(found[0].first) / 10_000 if found[0] and found[0].first < 2**53 else None

        price = await hit(Filter())
        if price is not None:
            assert await hit(Filter(max_price_per_kwh=price)) == price
            assert await hit(Filter(max_price_per_kwh=price - Decimal("0.0001"))) is None
        return price


async def agree(place: Place) -> Decimal | None:
    """The price that is searched by, which is that of the way that is quoted."""
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        asked = {"connector_id": place.connector.id, "energy_wh": USUAL.energy_wh}
        quote = await quote_charge(db, brand=brand, driver_id=place.driver.id, **asked)
    price = await searched(place)
    assert (None if price is None else price * 20 * 100) == quote.total_minor
    return price


async def test_that_a_search_goes_by_the_price_of_the_way_that_is_taken(place: Place, network: Network) -> None:
    alone = await agree(place)
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    cheap = await agree(place)
    assert alone is not None
    assert cheap is not None
    assert cheap < alone
    await prefer(place.partner.id, 1)
    assert await agree(place) == alone
    network.away = {place.partner.id}
    assert await agree(place) == cheap, "over whoever can be reached"
    await prefer(place.partner.id, 0)
    network.away = {hub_id}
    assert await agree(place) == alone
    network.away = set()
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        brand.network_policy = {"blocked_parties": ["NL*HUB"]}
    assert await agree(place) == alone


async def test_that_a_search_knows_a_price_where_only_the_other_partner_has_one(place: Place, network: Network) -> None:
    await hub_publishes_it_too(place, DEAR)
    async with transaction() as db:
        await db.execute(update(TariffRow).where(TariffRow.party_id != "HUB").values(withdrawn=True))
    assert await agree(place) is not None
    async with transaction() as db:
        await db.execute(update(EvseTwin).values(confidence_percent=84))
    assert await agree(place) is None, "what is less sure is not started instead"


async def test_that_a_search_by_price_takes_as_many_statements_with_many_twins(place: Place, network: Network) -> None:
    async def statements() -> int:
        seen: list[Any] = []

        def note(*call: Any) -> None:
            seen.append(call[2])

        async with transaction() as db:
            brand = await db.get_one(Brand, place.driver.brand_id)
            terms = await terms_of(db, brand, None)
            ids = Ids(tuple(await db.scalars(select(Evse.station_id))))
            event.listen(engine().sync_engine, "before_cursor_execute", note)
            try:
                await by_sql.find(db, ids, None, Order.PRICE, 100, None, prices=prices_over_ways(db, brand, terms))
            finally:
                event.remove(engine().sync_engine, "before_cursor_execute", note)
        return len(seen)

    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    one = await statements()
    for number in range(10, 20):
        async with transaction() as db:
            pin = await rows.evse(db, await rows.station(db, place.partner.id, number), 1)
            named = {"party_id": "HUB", "external_id": f"H{number}", "external_key": f"h{number}"}
            twin = await rows.evse(db, await rows.station(db, hub_id, number + 10, **named), 1)
            for evse in (pin, twin):
                await rows.connector(db, evse)
            same = {"matched_by": "EVSE_ID", "confidence_percent": 99, "decided_at": clock.now()}
            await rows.added(db, EvseTwin(evse_id=twin.id, pin_evse_id=pin.id, **same))
    assert await statements() == one
