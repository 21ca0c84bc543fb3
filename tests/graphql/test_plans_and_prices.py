"""What a driver sees of a brand's own prices, fees, conversions and of their plan."""

from typing import Any

from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.pricing.retail.plan_terms import PlanTerms
from emsp.pricing.retail.plans import add_plan, subscribe
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

TARIFF = """query($id: ID!) { node(id: $id) { ... on Station { evses { connectors {
  priceMissingReason
  tariff {
    id currency summary ownPrice plan missingReason
    elements { components { dimension price { amount per } vatPercent } }
    fees { dimension price { amount per } vatPercent }
    converted { currency rate asOf source }
  }
} } } } }"""


async def prices(api: Api, town: Town, token: str | None = None, brand: str | None = None) -> list[dict[str, Any]]:
    """The connectors of the first charge point of the town's station."""
    answer = await api.ask(TARIFF, token, brand, id=ids.encode("Station", town.station.id))
    connectors: list[dict[str, Any]] = answer["node"]["evses"][0]["connectors"]
    return connectors


async def sells_by(town: Town, policy: dict[str, Any]) -> None:
    async with transaction() as db:
        (await db.get_one(Brand, town.volt.id)).price_policy = policy


async def test_a_brands_own_price_is_shown_also_where_the_operator_publishes_none(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.connector(db, town.evse, 2, tariff_keys=[])
    entry = {"countries": ["NL"], "max_power_w": 50_000, "currency": "EUR", "tax_included": True, "per_kwh": "0.39"}
    await sells_by(town, {"own_prices": [entry]})

    published, missing = await prices(api, town)
    [elsewhere, unknown] = await prices(api, town, brand="stroom")

    assert [each["tariff"]["summary"] for each in (published, missing)] == ["€0.39 per kWh. Prices include VAT."] * 2
    assert published["tariff"]["ownPrice"] is True
    assert missing["priceMissingReason"] is None
    assert published["tariff"]["id"] != missing["tariff"]["id"]
    assert elsewhere["tariff"]["ownPrice"] is False
    assert (unknown["tariff"], unknown["priceMissingReason"]) == (None, "NO_TARIFF_PUBLISHED")


async def test_fees_and_conversion_are_shown(api: Api, town: Town) -> None:
    fees = [{"per": "KWH", "net": "0.10"}, {"per": "PARKING_MINUTE", "net": "0.50"}]
    await sells_by(town, {"session_fee_net": "1", "usage_fees": fees, "currency": "BRAND"})
    async with transaction() as db:
        (await db.get_one(Brand, town.volt.id)).currency = "SEK"

    [connector] = await prices(api, town)

    tariff = connector["tariff"]
    assert tariff["currency"] == "SEK"
    assert tariff["converted"]["currency"] == "EUR"
    assert tariff["converted"]["rate"] == "10.978"
    assert tariff["elements"][0]["components"][0]["price"] == {"amount": "4.9401", "per": "KWH"}
    assert [(fee["dimension"], fee["price"]["amount"], fee["price"]["per"]) for fee in tariff["fees"]] == [
        ("FLAT", "1", "SESSION"),
        ("ENERGY", "0.1", "KWH"),
        ("PARKING_TIME", "30", "HOUR"),
    ]
    assert "Converted from EUR." in tariff["summary"]


async def test_a_tariff_is_found_again_by_its_id_as_the_asker_pays_it(api: Api, town: Town) -> None:
    [connector] = await prices(api, town)
    query = "query($id: ID!) { node(id: $id) { ... on Tariff { id summary } } }"

    found = await api.ask(query, id=connector["tariff"]["id"])

    assert found["node"] == {key: connector["tariff"][key] for key in ("id", "summary")}


async def test_a_driver_sees_their_plan_and_what_it_takes_off_and_nobody_elses(api: Api, town: Town) -> None:
    async with transaction() as db:
        terms = PlanTerms(free_energy_wh=20_000, no_session_fee=True)
        await subscribe(db, await add_plan(db, town.volt.id, "plus", "Plus", terms), town.ada.id)
    query = "{ viewer { plan { name text freeEnergyWh freeEnergyLeftWh } } }"

    ada, ben = await api.ask(query, "ada-token"), await api.ask(query, "ben-token")
    hers, his, anybodys = [await prices(api, town, token) for token in ("ada-token", "ben-token", None)]

    said = "With Plus: 20 kWh free each month, no service fee per session."
    assert ada["viewer"]["plan"] == {
        "name": "Plus",
        "text": said,
        "freeEnergyWh": 20_000,
        "freeEnergyLeftWh": 20_000,
    }
    assert ben["viewer"]["plan"] is None
    assert hers[0]["tariff"]["plan"] == said
    assert (his[0]["tariff"]["plan"], anybodys[0]["tariff"]["plan"]) == (None, None)
