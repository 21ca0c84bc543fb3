"""Quotes in the database: what they are made of, what they say when there is no price, and that they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlmodel import func, select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.accounts.vehicles import add_vehicle, remove_vehicle
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.partners.tables import Partner
from emsp.pricing.quotes import evidence
from emsp.pricing.quotes.quote import ToLevel, make_quote
from emsp.pricing.tables import Quote, TariffRow
from emsp.stations.tables import Connector, Station
from tests.graphql import rows

Ask = Callable[..., Awaitable[Quote]]


class Place(msgspec.Struct):
    """A driver of a brand, and a socket of 22 kW at which a kWh costs 0.45 € and 21 % VAT."""

    brand: Brand
    driver: Driver
    station: Station
    connector: Connector


@pytest.fixture
async def place(database: str) -> Place:
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
        partner = await rows.added(db, Partner(name="ABC"))
        await rows.tariff(db, partner.id)
        station = await rows.station(db, partner.id, 1)
        connector = await rows.connector(db, await rows.evse(db, station, 1))
        return Place(brand, await rows.driver(db, brand.id, "ada"), station, connector)


@pytest.fixture
def ask(place: Place) -> Ask:
    async def asked(**wish: Any) -> Quote:
        wish = {"energy_wh": 10_000} | wish if "to_level" not in wish else wish
        async with transaction() as db:
            connector_id = place.connector.id or 0
            return await make_quote(
                db, brand=place.brand, driver_id=place.driver.id, **{"connector_id": connector_id} | wish
            )

    return asked


async def change(table: Any, key: Any, **facts: Any) -> None:
    async with transaction() as db:
        row = await db.get_one(table, key)
        for name, value in facts.items():
            setattr(row, name, value)


async def test_that_a_quote_holds_the_tariff_the_plan_and_the_worst_case(place: Place, ask: Ask) -> None:
    quote = await ask()
    assert (quote.currency, quote.net_minor, quote.total_minor) == ("EUR", 450, 545)
    assert quote.worst_case_minor == 681  # 12.5 kWh
    assert quote.valid_until == quote.created_at + timedelta(minutes=15)
    charging_s = 12_500 * 3600 // 11_000 + 1
    assert quote.worst_case_until == quote.created_at + timedelta(seconds=charging_s, hours=1)
    assert [said["code"] for said in quote.assumptions] == ["NO_VEHICLE", "CONSTANT_POWER", "WORST_CASE"]
    assert quote.assumptions[-1]["parameters"] == {
        "energy_wh": "12500",
        "until": clock.utc_text(quote.worst_case_until),
    }
    assert (quote.wholesale, quote.tariff_id, quote.missing_reason) == (rows.TARIFF, 1, None)


async def test_that_a_quote_is_evidence_that_others_can_check(place: Place, ask: Ask) -> None:
    quote = await ask()
    _, said = evidence.read(quote.signature)
    assert (said.quote, said.brand, said.guaranteed) == (quote.id, "Volt", True)
    assert (said.currency, said.net, said.total) == ("EUR", Decimal("4.50"), Decimal("5.45"))
    assert (said.worst_case, said.worst_case_until) == (Decimal("6.81"), quote.worst_case_until)
    assert (said.where.operator, said.where.evse_id, said.where.connector_id) == ("NL-ABC", "NL*ABC*E0001*1", "1")
    assert (said.issued_at, said.valid_until) == (quote.created_at, quote.valid_until)
    assert said.plan.energy_wh == 10_000
    bill = evidence.computed_again(said)
    assert bill is not None
    assert str(bill.total) == "5.45 EUR"
    assert str(place.driver.id) not in msgspec.json.encode(said).decode()
    assert evidence.is_as_signed(quote)


async def test_that_a_quote_that_was_changed_since_does_not_pass_for_what_was_signed(place: Place, ask: Ask) -> None:
    quote = await ask()
    as_made = quote.model_dump()
    for name, value in {
        "total_minor": 1,
        "worst_case_minor": 99_999,
        "currency": "SEK",
        "tariff": {"tariff": {"currency": "EUR", "elements": []}},
        "valid_until": rows.JUNE,
    }.items():
        assert not evidence.is_as_signed(Quote(**as_made | {name: value})), name
    assert evidence.is_as_signed(Quote(**as_made))


async def test_that_a_quote_stands_whatever_becomes_of_the_tariff_and_the_place(place: Place, ask: Ask) -> None:
    quote = await ask()
    dearer = {"currency": "EUR", "elements": [{"components": [{"dimension": "ENERGY", "price": "9"}]}]}
    await change(TariffRow, 1, document=dearer)
    await change(Connector, place.connector.id, tariff_keys=[], removed=True)
    await change(Station, place.station.id, time_zone="UTC")
    await change(Brand, place.brand.id, price_policy={"markup_percent": "100"})
    async with transaction() as db:
        kept = await db.get_one(Quote, quote.id)
        assert (kept.total_minor, evidence.is_as_signed(kept)) == (545, True)


BY_NIGHT: dict[str, Any] = {
    "currency": "EUR",
    "elements": [
        {
            "components": [{"dimension": "ENERGY", "price": "0.3"}],
            "restrictions": {"start_time": "22:00:00", "end_time": "06:00:00"},
        },
        {"components": [{"dimension": "ENERGY", "price": "0.5"}]},
    ],
}
ABSURD = {"currency": "EUR", "elements": [{"components": [{"dimension": "ENERGY", "price": "1E+30"}]}]}
NOWHERE = {
    "currency": "EUR",
    "elements": [
        {"components": [{"dimension": "ENERGY", "price": "1"}], "restrictions": {"end_date": "2000-01-01"}},
    ],
}


UNPRICEABLE = [
    ({"currency": "EUR", "elements": []}, "Europe/Amsterdam", "NOT_COMPUTABLE"),
    (rows.TARIFF | {"not_computable": "RATE_OF_THE_MOON"}, "Europe/Amsterdam", "NOT_COMPUTABLE"),
    ({"currency": "EUR"}, "Europe/Amsterdam", "NOT_COMPUTABLE"),
    (rows.TARIFF | {"currency": "ABC"}, "Europe/Amsterdam", "CURRENCY_UNKNOWN"),
    (rows.TARIFF | {"currency": "XXX"}, "Europe/Amsterdam", "CURRENCY_UNKNOWN"),
    (ABSURD, "Europe/Amsterdam", "NOT_COMPUTABLE"),
    (ABSURD | {"max_price": {"net": "1E+29"}}, "Europe/Amsterdam", "NOT_COMPUTABLE"),
    (BY_NIGHT, "UTC", "TIME_ZONE_UNKNOWN"),
    (BY_NIGHT, "Mars/Olympus_Mons", "TIME_ZONE_UNKNOWN"),
    (NOWHERE, "Europe/Amsterdam", "NO_PRICE_AT_THIS_TIME"),
]


async def test_that_no_price_is_a_value_with_its_reason(place: Place, ask: Ask) -> None:
    for document, time_zone, reason in UNPRICEABLE:
        await change(TariffRow, 1, document=document)
        await change(Station, place.station.id, time_zone=time_zone)
        quote = await ask()
        assert quote.missing_reason == reason
        assert (quote.currency, quote.total_minor, quote.worst_case_minor, quote.tariff) == (None, None, None, None)
        assert (quote.lines, quote.assumptions) == ([], [])
        _, said = evidence.read(quote.signature)
        assert (said.missing_reason, said.total, said.guaranteed) == (reason, None, False)


async def test_that_a_brand_that_bills_by_the_record_guarantees_nothing(place: Place, ask: Ask) -> None:
    place.brand.price_policy = {"guarantee": "OPERATORS_RECORD"}
    _, said = evidence.read((await ask()).signature)
    assert (said.total, said.guaranteed) == (Decimal("5.45"), False)


async def test_that_a_tariff_without_a_clock_has_its_price_in_any_time_zone(place: Place, ask: Ask) -> None:
    await change(Station, place.station.id, time_zone="UTC")
    assert (await ask()).total_minor == 545


async def test_that_a_brand_s_own_price_stands_where_the_operator_s_is_of_no_use_or_missing(
    place: Place, ask: Ask
) -> None:
    place.brand.price_policy = {"own_prices": [{"currency": "EUR", "tax_included": True, "per_kwh": "0.59"}]}
    await change(TariffRow, 1, document={"currency": "EUR", "elements": []})
    useless = await ask()
    await change(Connector, place.connector.id, tariff_keys=[])
    missing = await ask()
    assert (useless.total_minor, useless.missing_reason) == (590, None)
    assert (missing.total_minor, missing.missing_reason) == (590, None)


async def test_that_a_car_is_charged_to_its_target(place: Place, ask: Ask) -> None:
    async with transaction() as db:
        car = await add_vehicle(
            db, place.driver.id, name="Bee", battery_capacity_wh=57_000, max_ac_power_w=7_400, max_dc_power_w=100_000
        )
    quote = await ask(to_level=ToLevel(vehicle_id=car.id, target_percent=80))
    assert (quote.plan["energy_wh"], quote.plan["power_w"]) == ("38000", "7400")
    assert quote.total_minor == 2069  # 38 kWh at 0.45 and 21 %
    assert [said["code"] for said in quote.assumptions] == [
        "CONSTANT_POWER",
        "BATTERY_LEVEL_ASSUMED",
        "CHARGING_LOSSES",
        "WORST_CASE",
    ]
    told = await ask(to_level=ToLevel(vehicle_id=car.id, target_percent=80, current_percent=50))
    assert (told.plan["energy_wh"], told.total_minor) == ("19000", 1035)
    _, said = evidence.read(told.signature)
    assert said.plan.car is not None
    assert said.plan.car.battery_capacity_wh == 57_000
    assert "Bee" not in msgspec.json.encode(said).decode()


async def test_that_only_an_own_car_that_is_still_there_is_charged(place: Place, ask: Ask) -> None:
    async with transaction() as db:
        ben = await rows.driver(db, place.brand.id, "ben")
        his = await add_vehicle(db, ben.id, name="Ben's", battery_capacity_wh=57_000, max_ac_power_w=7_400)
        gone = await add_vehicle(db, place.driver.id, name="Old", battery_capacity_wh=57_000, max_ac_power_w=7_400)
        await remove_vehicle(db, place.driver.id, gone.id)
    for vehicle in (his, gone):
        with pytest.raises(Refused) as refused:
            await ask(to_level=ToLevel(vehicle_id=vehicle.id, target_percent=80))
        assert (refused.value.code, refused.value.field) == ("VEHICLE_NOT_FOUND", ["input", "vehicleId"])
    async with transaction() as db:
        assert await db.scalar(select(func.count()).select_from(Quote)) == 0


async def test_that_a_wish_that_makes_no_sense_is_refused_by_its_field(place: Place, ask: Ask) -> None:
    for wish, field in (
        ({"energy_wh": None}, "energyWh"),
        ({"energy_wh": 0}, "energyWh"),
        ({"energy_wh": 1_000_001}, "energyWh"),
        ({"stay_until": rows.JUNE.replace(year=2020)}, "stayUntil"),
        ({"stay_until": clock.now() + timedelta(days=8)}, "stayUntil"),
    ):
        with pytest.raises(Invalid) as invalid:
            await ask(**wish)
        assert invalid.value.field == field
    async with transaction() as db:
        assert await db.scalar(select(func.count()).select_from(Quote)) == 0


async def test_that_what_is_not_shown_has_no_quote(place: Place, ask: Ask) -> None:
    await change(Connector, place.connector.id, removed=True)
    with pytest.raises(NotFound):
        await ask()
