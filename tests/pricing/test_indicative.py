"""Stations are sorted and filtered by what their connectors cost a driver, each priced as a quote would be."""

import random
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import event, select
from sqlmodel import col

from emsp.db.engine import Db, engine, transaction
from emsp.money import Money
from emsp.partners.tables import Partner
from emsp.pricing.catalog import put_tariffs, tariffs_of_connectors, withdraw_tariff
from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.report import AssumptionCode
from emsp.pricing.engine.tariff import Component, Dimension, Element, NotComputable, Restrictions, Tariff
from emsp.pricing.facts import TariffFacts
from emsp.pricing.quotes.indicative import asked_at, indicative_prices, prices_in
from emsp.pricing.quotes.missing import NoPrice
from emsp.pricing.quotes.quote import rule_at
from emsp.pricing.quotes.usual import Indicative
from emsp.pricing.retail.prices import retail_price
from emsp.pricing.retail.sale import place_of
from emsp.pricing.retail.terms import PricePolicy, Terms
from emsp.stations import search
from emsp.stations.asking import Filter, Near, Order, Outlet
from emsp.stations.geo import haversine_m
from emsp.stations.outlets import outlets_of
from emsp.stations.tables import Connector, Evse, Station
from tests.stations.places import connector, evse, ids_of, put, station

NOW = datetime(2026, 6, 2, 10, 30, tzinfo=UTC)
HERE = Near(4.9, 52.37)
PLAIN = Terms(PricePolicy(), "EUR")


async def partner(name: str = "A partner") -> UUID:
    async with transaction() as db:
        row = Partner(name=name)
        db.add(row)
    return row.id


def tariff(external_id: str, *elements: Element, currency: str = "EUR", minutes: int = 0, **more: Any) -> TariffFacts:
    return TariffFacts(
        country_code="NL",
        party_id="ABC",
        external_id=external_id,
        tariff=Tariff(currency=currency, elements=elements, external_id=external_id, **more),
        updated_at=NOW + timedelta(minutes=minutes),
    )


def element(restrictions: Restrictions | None = None, **prices: str) -> Element:
    """Prices by dimension, without tax to come."""
    components = (Component(Dimension(name), Decimal(amount), Decimal(0)) for name, amount in prices.items())
    return Element(tuple(components), restrictions)


async def publish(partner_id: UUID, *tariffs: TariffFacts) -> None:
    async with transaction() as db:
        await put_tariffs(db, partner_id, tariffs)


async def by_connector(terms: Terms = PLAIN, at: datetime = NOW) -> dict[int, Indicative]:
    """What the usual charge costs at every connector."""
    async with transaction() as db:
        outlets = await outlets_of(db, list(await db.scalars(select(Connector.id))))  # type: ignore[call-overload]
        told = await indicative_prices(await asked_at(db, set(outlets.values()), at), terms, at)
    return {connector_id: told[outlet] for connector_id, outlet in outlets.items()}


async def only(terms: Terms = PLAIN, at: datetime = NOW) -> Indicative:
    (said,) = (await by_connector(terms, at)).values()
    return said


async def test_that_a_changed_tariff_never_shows_an_old_price(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1", evse(connectors=[connector(tariff_ids=["T1"])])))
    assert await only() == Indicative(missing_reason="TARIFF_UNKNOWN")
    await publish(partner_id, tariff("T1", element(ENERGY="0.40")))
    assert (await only()).total == Money(800, "EUR")
    await publish(partner_id, tariff("T1", element(ENERGY="0.45")))
    assert (await only()).total == Money(900, "EUR")
    await publish(partner_id, tariff("T1", element(ENERGY="0.40"), minutes=1, valid_until=NOW + timedelta(hours=1)))
    assert (await only()).total == Money(800, "EUR")
    assert (await only(at=NOW + timedelta(hours=1))).missing_reason == "TARIFF_EXPIRED"
    async with transaction() as db:
        await withdraw_tariff(db, "NL", "ABC", "T1")
    assert await only() == Indicative(missing_reason="TARIFF_UNKNOWN")


async def test_that_a_changed_policy_has_its_own_price(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1", evse(connectors=[connector(tariff_ids=["T1"])])))
    await publish(partner_id, tariff("T1", element(ENERGY="0.40")))
    for percent, per_kwh in (("0", "0.4"), ("25", "0.5"), ("0", "0.4")):
        assert (await only(Terms(PricePolicy(markup_percent=Decimal(percent)), "EUR"))).per_kwh == Decimal(per_kwh)


async def found(terms: Terms, currency: str | None = None, limit: str | None = None) -> list[str]:
    """The stations in the order of their prices."""
    wanted = Filter(max_price_per_kwh=Decimal(limit) if limit else None)
    async with transaction() as db:
        page = await search.find(db, HERE, wanted, Order.PRICE, prices=prices_in(db, terms, currency, NOW))
    assert page.total_count == len(page.stations)
    return [row.external_id for row in page.stations]


async def test_that_prices_of_several_currencies_are_compared_by_a_rate_or_not_at_all(database: str) -> None:
    partner_id = await partner()
    currencies = {"euro": "EUR", "krone": "DKK", "won of the north": "KPW"}
    await put(partner_id, *(station(id_, evse(connectors=[connector(tariff_ids=[id_])])) for id_ in currencies))
    await publish(partner_id, *(tariff(id_, element(ENERGY="1"), currency=code) for id_, code in currencies.items()))

    assert await found(PLAIN) == ["krone", "euro", "won of the north"]
    assert await found(PLAIN, "DKK") == ["krone", "euro", "won of the north"]
    assert (await found(PLAIN, "KPW"))[0] == "won of the north"
    assert await found(PLAIN, "EUR", "0.99") == ["krone"]
    assert await found(PLAIN, "DKK", "1") == ["krone"]
    assert await found(PLAIN, "DKK", "9") == ["krone", "euro"]
    assert await found(PLAIN, "KPW", "9") == ["won of the north"]
    assert await found(PLAIN, "USD", "9") == ["krone", "euro"]


async def test_that_a_thousand_connectors_take_as_many_statements_as_one(database: str) -> None:
    partner_id = await partner()
    await publish(partner_id, *(tariff(f"T{n}", element(ENERGY=f"0.{n + 10}")) for n in range(20)))
    statements: list[int] = []
    for count in (1, 60):
        points = (evse(f"E{p}", connectors=[connector(str(p), tariff_ids=[f"T{p}"])]) for p in range(20))
        await put(partner_id, *(station(f"L{n}", *points) for n in range(count)))
        seen: list[str] = []
        async with transaction() as db:

            def note(*call: Any, seen: list[str] = seen) -> None:
                seen.append(call[2])

            event.listen(engine().sync_engine, "before_cursor_execute", note)
            await search.find(db, HERE, None, Order.PRICE, prices=prices_in(db, PLAIN, at=NOW))
            event.remove(engine().sync_engine, "before_cursor_execute", note)
        statements.append(len(seen))
    assert statements == [6, 6]


TARIFFS = {
    "energy": [element(ENERGY="0.35")],
    "dear": [element(ENERGY="0.7912")],
    "time": [element(TIME="4.5", FLAT="0.35")],
    "free": [element(ENERGY="0")],
    "night": [element(Restrictions(end_time=time(13)), ENERGY="0.90"), element(ENERGY="0.2")],
    "weak": [element(Restrictions(max_power_w=Decimal(20_000)), ENERGY="0.25"), element(ENERGY="0.55")],
    "blocks": [element(Restrictions(max_energy_wh=Decimal(8_000)), ENERGY="0"), element(ENERGY="0.65")],
}


async def some_world(dice: random.Random) -> None:
    partner_id = await partner()
    odd = [
        tariff("gap", element(Restrictions(start_time=time(2), end_time=time(3)), ENERGY="0.1")),
        tariff("riddle", element(ENERGY="0.1"), not_computable="a riddle"),
        tariff("over", element(ENERGY="0.1"), valid_until=NOW),
        tariff("card only", element(ENERGY="0.1"), kind="AD_HOC_PAYMENT"),
    ]
    await publish(partner_id, *odd, *(tariff(name, *elements) for name, elements in TARIFFS.items()))
    ids = [*TARIFFS, "gap", "riddle", "over", "card only", "unheard of"]
    await put(
        partner_id,
        *(
            station(
                f"L{number}",
                *(
                    evse(
                        f"E{position}",
                        dice.choice(["AVAILABLE", "CHARGING"]),
                        connectors=[
                            connector(
                                str(c),
                                tariff_ids=dice.sample(ids, dice.choice([0, 1, 1, 1, 2])),
                                power_type=dice.choice(["AC_3_PHASE", "DC", "UNKNOWN"]),
                                max_power_w=dice.choice([None, 3_700, 22_000, 150_000]),
                            )
                            for c in range(dice.randrange(3))
                        ],
                    )
                    for position in range(1 + dice.randrange(2))
                ),
                longitude=4.9 + dice.randrange(9) / 10,
            )
            for number in range(60)
        ),
    )


async def one_by_one(db: Db, terms: Terms) -> dict[str, list[tuple[str, Decimal | None]]]:
    """Of each station the status and the price of every connector, made for each by itself."""
    joined = select(Station, Evse, Connector).select_from(Station).join(Evse, col(Evse.station_id) == Station.id)
    rows = await db.execute(joined.outerjoin(Connector, col(Connector.evse_id) == Evse.id))
    prices: dict[str, list[tuple[str, Decimal | None]]] = {}
    for place, point, socket in rows:
        there = prices.setdefault(place.external_id, [])
        if socket is not None:
            there.append((point.status, await per_kwh(db, place, socket, terms)))
    return prices


async def per_kwh(db: Db, place: Station, socket: Connector, terms: Terms) -> Decimal | None:
    power_w = Decimal(socket.max_power_w or 11_000)
    if socket.power_type.startswith("AC") or (socket.power_type == "UNKNOWN" and power_w <= 43_000):
        power_w = min(power_w, Decimal(11_000))
    periods = periods_of_plan(NOW, Decimal(20_000), min(power_w, Decimal(60_000)))
    row = (await tariffs_of_connectors(db, [socket.id or 0], NOW))[socket.id or 0]
    try:
        report = retail_price(rule_at(row, terms, place_of(socket, place)), periods, time_zone=place.time_zone)
    except (NoPrice, NotComputable):
        return None
    if any(said.code is AssumptionCode.ENERGY_WITHOUT_PRICE for said in report.assumptions):
        return None
    return billed(report).total.amount / 20


@pytest.mark.parametrize("seed", [1, 2])
async def test_that_order_and_filter_are_as_each_connector_priced_by_itself_has_them(database: str, seed: int) -> None:
    dice = random.Random(seed)
    await some_world(dice)
    terms = Terms(PricePolicy(markup_percent=Decimal(dice.choice([0, 7])), session_fee_net=Decimal("0.35")), "EUR")
    async with transaction() as db:
        prices = await one_by_one(db, terms)
        places = {row.external_id: row for row in await db.scalars(select(Station))}
    for limit, available in ((None, False), (None, True), (Decimal("0.55"), False), (Decimal("0.42"), True)):
        ranks = {
            id_: sorted(p for status, p in there if p is not None and (status == "AVAILABLE" or not available))
            for id_, there in prices.items()
        }
        if limit is not None:
            ranks = {id_: known for id_, known in ranks.items() if known and known[0] <= limit}
        elif available:
            async with transaction() as db:
                free = await search.find(db, HERE, Filter(available_now=True), first=100)
            ranks = {row.external_id: ranks[row.external_id] for row in free.stations}
        expected = sorted(
            ranks,
            key=lambda id_: (
                ranks[id_][0] if ranks[id_] else Decimal("Infinity"),
                haversine_m(HERE.longitude, HERE.latitude, places[id_].longitude, places[id_].latitude),
                places[id_].id,
            ),
        )
        async with transaction() as db:
            wanted = Filter(max_price_per_kwh=limit, available_now=available)
            page = await search.find(db, HERE, wanted, Order.PRICE, 100, prices=prices_in(db, terms, at=NOW))
        assert [row.external_id for row in page.stations] == expected
        assert page.total_count == len(expected)


async def test_that_outlets_are_what_connectors_have_in_common(database: str) -> None:
    await put(
        await partner(),
        station("L1", evse("E1", connectors=[connector("1", tariff_ids=["B", "A"]), connector("2", tariff_ids=["X"])])),
        station("L2", evse("E1", connectors=[connector("3", tariff_ids=["B", "A"])])),
    )
    ids = await ids_of(Connector)
    async with transaction() as db:
        outlets = await outlets_of(db, [*ids.values(), 999])
    assert set(outlets) == set(ids.values())
    assert isinstance(outlets[ids["1"]], Outlet)
    assert outlets[ids["1"]] == outlets[ids["3"]]
    assert outlets[ids["2"]] == replace(outlets[ids["1"]], tariff_keys=("x",))
    assert outlets[ids["1"]].tariff_keys == ("b", "a")
