"""Stations are found by what a kilowatt-hour costs at one connector that has all else that is asked for."""

from decimal import Decimal
from typing import Any

import pytest

from emsp.db.engine import transaction
from emsp.stations import search
from emsp.stations.asking import Filter, Ids, Near, Order, Page, Place
from emsp.stations.clusters import clusters
from emsp.stations.facts import EvseFacts, StationFacts
from emsp.stations.geo import Box
from emsp.stations.tables import Station
from tests.stations.places import at, connector, evse, ids_of, partner, put, station
from tests.stations.prices import prices

AROUND = Box(4, 52, 6, 53)
COMBO = "IEC_62196_T2_COMBO"
PRICES = prices(free="0", cheap="0.29", usual="0.4900", dear="0.79")


def sells(*tariff_ids: str, uid: str = "E1", status: str = "AVAILABLE", **facts: Any) -> EvseFacts:
    """A charge point with a connector for each tariff; "-" stands for one that names none."""
    named = [[] if tariff_id == "-" else [tariff_id] for tariff_id in tariff_ids]
    connectors = [connector(str(number), tariff_ids=ids, **facts) for number, ids in enumerate(named)]
    return evse(uid, status, connectors=connectors)


async def given(*stations: StationFacts) -> dict[str, int]:
    """Their ids, after they were reported."""
    await put(await partner(), *stations)
    return await ids_of(Station)


async def find(
    place: Place = AROUND, order: Order = Order.PRICE, first: int = 20, after: str | None = None, **wanted: Any
) -> Page:
    async with transaction() as db:
        return await search.find(db, place, Filter(**wanted), order, first, after, at=at(0), prices=PRICES)


async def names(place: Place = AROUND, order: Order = Order.PRICE, **wanted: Any) -> list[str]:
    page = await find(place, order, **wanted)
    assert page.total_count == len(page.stations)
    return [row.external_id for row in page.stations]


def at_most(amount: str) -> dict[str, Decimal]:
    return {"max_price_per_kwh": Decimal(amount)}


async def test_that_the_cheapest_comes_first_then_the_nearest_and_the_unknown_last(database: str) -> None:
    await given(
        station("unknown", sells("never published")),
        station("silent", sells("-"), longitude=4.91),
        station("dear", sells("DEAR")),
        station("far", sells("usual", "cheap"), longitude=5.5),
        station("near", sells("dear", "cheap", "unheard of"), longitude=4.95),
        station("free", sells("free"), longitude=5.9),
        station("bare", evse("E9", connectors=[]), longitude=4.92),
    )
    assert await names(Near(4.9, 52.37)) == ["free", "near", "far", "dear", "unknown", "silent", "bare"]


async def test_that_only_what_fits_the_filter_is_compared(database: str) -> None:
    await given(
        station("busy", sells("cheap", uid="E1", status="CHARGING"), sells("dear", uid="E2")),
        station("free now", sells("usual")),
        station("other plug", sells("dear"), sells("free", uid="E2", standard=COMBO), longitude=4.8),
    )
    assert await names(standards=("IEC_62196_T2",)) == ["busy", "free now", "other plug"]
    assert await names(available_now=True, standards=("IEC_62196_T2",)) == ["free now", "busy", "other plug"]
    assert await names(standards=(COMBO,)) == ["other plug"]


async def test_that_a_price_is_at_most_what_was_said_and_never_unknown(database: str) -> None:
    await given(station("cheap", sells("cheap")), station("usual", sells("usual")), station("unknown", sells("-")))
    assert await names(**at_most("0.49")) == ["cheap", "usual"]
    assert await names(**at_most("0.4899")) == ["cheap"]
    assert await names(**at_most("99")) == ["cheap", "usual"]
    assert await names(**at_most("0")) == []


async def test_that_nothing_is_a_price_and_not_the_lack_of_one(database: str) -> None:
    await given(station("free", sells("free")), station("unknown", sells("-")))
    assert await names(**at_most("0")) == ["free"]


async def test_that_one_connector_of_one_charge_point_is_cheap_and_has_the_rest(database: str) -> None:
    await given(
        station("split", sells("cheap", status="CHARGING"), sells("dear", uid="E2")),
        station("whole", sells("cheap"), sells("dear", uid="E2", status="CHARGING")),
        station("strong and dear", sells("cheap"), sells("dear", uid="E2", max_power_w=150_000)),
    )
    assert sorted(await names(available_now=True, **at_most("0.50"))) == ["strong and dear", "whole"]
    assert await names(min_power_w=50_000, **at_most("0.50")) == []
    assert await names(min_power_w=50_000, **at_most("0.80")) == ["strong and dear"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.DISTANCE, ["weak", "strong"]),
        (Order.POWER, ["strong", "weak"]),
        (Order.BEST_MATCH, ["strong", "weak"]),
        (Order.PRICE, ["weak", "strong"]),
    ],
)
async def test_that_every_order_looks_at_cheap_connectors_only(
    database: str, order: Order, expected: list[str]
) -> None:
    strong_and_dear = sells("dear", uid="E2", max_power_w=300_000)
    await given(
        station("weak", sells("cheap", status="CHARGING"), strong_and_dear),
        station("strong", sells("usual", max_power_w=22_000), longitude=5.0),
        station("dear", strong_and_dear),
    )
    assert await names(Near(4.9, 52.37), order, **at_most("0.50")) == expected


async def test_that_every_place_can_be_searched_by_price(database: str) -> None:
    ids = await given(
        station("dear", sells("dear")), station("cheap", sells("cheap"), longitude=5.0), station("none", sells("-"))
    )
    by_hand = Ids((ids["none"], ids["dear"], ids["cheap"]))
    for place in (AROUND, Box(-180, -90, 180, 90), Near(4.9, 52.37, 90_000), Near(4.9, 52.37), by_hand):
        assert await names(place) == ["cheap", "dear", "none"]
        assert await names(place, Order.DISTANCE, **at_most("0.30")) == ["cheap"]
    assert await names(by_hand, Order.DISTANCE, **at_most("0.80")) == ["dear", "cheap"]


async def test_that_pages_by_price_follow_each_other_without_gaps(database: str) -> None:
    tariffs = ("cheap", "dear", "-", "free", "usual")
    many = [station(f"L{n}", sells(tariffs[n % 5]), longitude=4.9 + n // 10 / 2) for n in range(24)]
    await given(*many)
    whole = [row.external_id for row in (await find(first=100)).stations]
    seen: list[str] = []
    after: str | None = None
    for _ in range(5):
        page = await find(first=5, after=after)
        assert page.total_count == 24
        seen += [row.external_id for row in page.stations]
        after = page.cursors[-1]
    assert seen == whole
    assert page.has_next is False


async def test_that_clusters_count_what_is_cheap_enough(database: str) -> None:
    await given(
        station("cheap", sells("cheap"), sells("dear", uid="E2")), station("dear", sells("dear")), station("none")
    )
    async with transaction() as db:
        (found,) = await clusters(db, AROUND, 3, Filter(max_price_per_kwh=Decimal("0.5")), at=at(0), prices=PRICES)
    assert (found.station_count, found.availability.total) == (1, 2)


async def test_that_no_price_is_asked_for_unless_it_is_wanted(database: str) -> None:
    await given(station("L1"))

    async def fails(_: Any) -> Any:
        raise AssertionError("nobody asked for a price")

    async with transaction() as db:
        page = await search.find(db, AROUND, Filter(available_now=True), Order.POWER, prices=fails)
        assert len(page.stations) == 1
        with pytest.raises(ValueError, match="needs prices"):
            await search.find(db, AROUND, None, Order.PRICE)


async def test_that_connectors_that_agree_are_priced_once(database: str) -> None:
    await given(*(station(f"L{n}", sells("usual", "usual", max_power_w=11_000 * (1 + n % 2))) for n in range(10)))
    asked: list[int] = []

    async def counting(outlets: Any) -> Any:
        asked.append(len(outlets))
        return await PRICES(outlets)

    async with transaction() as db:
        page = await search.find(db, AROUND, None, Order.PRICE, prices=counting)
    assert (asked, page.total_count) == ([2], 10)
