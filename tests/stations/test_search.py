"""Stations are found where they are, with what is asked for, in the order asked for, page by page."""

from collections.abc import Sequence
from typing import Any

import pytest

from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.stations import search
from emsp.stations.asking import Filter, Ids, Near, Order, Page, Place
from emsp.stations.facts import StationFacts
from emsp.stations.geo import Box
from emsp.stations.tables import Operator, Station
from tests.stations.places import at, connector, evse, ids_of, partner, put, station
from tests.stations.prices import nothing_known

AROUND = Box(4, 52, 6, 53)
COMBO = {"standard": "IEC_62196_T2_COMBO", "power_type": "DC", "max_power_w": 150_000}


async def find(place: Place, order: Order = Order.DISTANCE, first: int = 20, **wanted: Any) -> Page:
    async with transaction() as db:
        return await search.find(db, place, Filter(**wanted), order, first, at=at(0))


async def names(place: Place, order: Order = Order.DISTANCE, **wanted: Any) -> list[str]:
    page = await find(place, order, **wanted)
    assert page.total_count == len(page.stations)
    assert page.has_next is False
    return [row.external_id for row in page.stations]


async def given(*stations: StationFacts) -> dict[str, int]:
    """Their ids, after they were reported."""
    await put(await partner(), *stations)
    return await ids_of(Station)


async def test_that_a_box_holds_its_edges_and_nothing_else(database: str) -> None:
    await given(
        station("edge", longitude=4.0, latitude=53.0),
        station("inside", longitude=5.0, latitude=52.5),
        station("east", longitude=6.1, latitude=52.5),
        station("south", longitude=5.0, latitude=51.9),
    )
    assert await names(AROUND) == ["inside", "edge"]


async def test_that_a_box_may_cross_the_antimeridian(database: str) -> None:
    await given(
        station("fiji", longitude=179.5, latitude=-17), station("samoa", longitude=-172, latitude=-14), station("nl")
    )
    assert await names(Box(175, -20, -170, -10)) == ["fiji", "samoa"]


async def test_that_the_nearest_come_first_with_their_distance(database: str) -> None:
    await given(
        station("far", longitude=4.9, latitude=52.5),
        station("near", longitude=4.9, latitude=52.371),
        station("here"),
        station("tokyo", longitude=139.7, latitude=35.7),
    )
    page = await find(Near(longitude=4.9, latitude=52.37))
    assert [row.external_id for row in page.stations] == ["here", "near", "far", "tokyo"]
    assert page.distances_m[:3] == [0, 111, 14_455]
    assert await names(Near(longitude=4.9, latitude=52.37, radius_m=112)) == ["here", "near"]


async def test_that_ids_come_in_their_order_and_hidden_ones_not_at_all(database: str) -> None:
    ids = await given(station("L1"), station("L2"), station("L3", publish=False))
    wanted = (ids["L2"], ids["L3"], ids["L1"], 999)
    assert await names(Ids(wanted)) == ["L2", "L1"]
    async with transaction() as db:
        assert [row.external_id for row in await search.by_ids(db, wanted)] == ["L2", "L1"]


async def test_that_one_connector_of_one_charge_point_has_all_that_is_asked(database: str) -> None:
    slow_and_free, fast_and_busy = evse("E1"), evse("E2", "CHARGING", connectors=[connector(**COMBO)])
    await given(
        station("split", slow_and_free, fast_and_busy),
        station("whole", evse(connectors=[connector("1"), connector("2", **COMBO)])),
        station("weak", evse(connectors=[connector("1", **{**COMBO, "max_power_w": 50_000})])),
        station("unknown", evse(connectors=[connector("1", **{**COMBO, "max_power_w": None})])),
    )
    combo = ("IEC_62196_T2_COMBO",)
    assert sorted(await names(AROUND, standards=combo, min_power_w=100_000)) == ["split", "whole"]
    assert await names(AROUND, standards=combo, min_power_w=100_000, available_now=True) == ["whole"]
    assert await names(AROUND, standards=("CHADEMO",)) == []
    assert len(await names(AROUND, standards=("CHADEMO", "IEC_62196_T2", *combo))) == 4


@pytest.mark.parametrize(
    ("status", "free"), [("AVAILABLE", True), ("UNKNOWN", False), ("RESERVED", False), ("REMOVED", False)]
)
async def test_that_only_what_is_known_to_be_free_is_free(database: str, status: str, free: bool) -> None:
    await given(station("L1", evse("E1", status), evse("E2", "CHARGING")))
    assert await names(AROUND, available_now=True) == (["L1"] if free else [])


async def test_that_capabilities_not_stated_may_start_but_not_reserve(database: str) -> None:
    await given(
        station("silent", evse(capabilities=[])),
        station("both", evse(capabilities=["REMOTE_START_STOP_CAPABLE", "RESERVABLE"])),
        station("card", evse(capabilities=["RFID_READER"])),
    )
    assert sorted(await names(AROUND, remote_start=True)) == ["both", "silent"]
    assert await names(AROUND, reservable=True) == ["both"]


async def test_that_operators_and_facilities_are_asked_for(database: str) -> None:
    await given(
        station("L1", operator_name="Fast", facilities=["HOTEL", "WIFI"]),
        station("L2", operator_name="Slow", facilities=["HOTEL"]),
        station("L3", operator_name=None),
    )
    operators = await ids_of(Operator)
    assert await names(AROUND, operator_ids=(operators["Fast"],)) == ["L1"]
    assert sorted(await names(AROUND, operator_ids=tuple(operators.values()))) == ["L1", "L2"]
    assert sorted(await names(AROUND, facilities=("HOTEL",))) == ["L1", "L2"]
    assert await names(AROUND, facilities=("HOTEL", "WIFI")) == ["L1"]


async def test_that_open_means_known_to_be_open(database: str) -> None:
    tuesdays = [{"weekday": 2, "period_begin": "08:00", "period_end": "18:00"}]
    mondays = [{"weekday": 1, "period_begin": "08:00", "period_end": "18:00"}]
    noon = {"period_begin": "2026-06-02T11:00:00Z", "period_end": "2026-06-02T13:00:00Z"}
    await given(
        station("always", twenty_four_seven=True),
        station("tuesdays", opening_hours={"regular_hours": tuesdays}),
        station("mondays", opening_hours={"regular_hours": mondays}),
        station("silent"),
        station("closed", twenty_four_seven=True, opening_hours={"exceptional_closings": [noon]}),
    )
    assert sorted(await names(AROUND, open_now=True)) == ["always", "tuesdays"]
    assert sorted(await names(AROUND, open_24h=True)) == ["always", "closed"]


async def test_that_the_strongest_fitting_connector_comes_first(database: str) -> None:
    await given(
        station("ac", evse(connectors=[connector("1", max_power_w=22_000), connector("2", **COMBO)])),
        station("dc", evse(connectors=[connector("1", max_power_w=11_000), connector("2", **COMBO)]), longitude=4.91),
        station("silent", evse(connectors=[connector(max_power_w=None)])),
    )
    assert await names(Near(4.9, 52.37), Order.POWER) == ["ac", "dc", "silent"]
    assert await names(Near(4.91, 52.37), Order.POWER) == ["dc", "ac", "silent"]
    assert await names(Near(4.91, 52.37), Order.POWER, standards=("IEC_62196_T2",)) == ["ac", "dc", "silent"]


async def test_that_a_free_fitting_charge_point_is_the_best_match(database: str) -> None:
    fast = [connector(**COMBO)]
    await given(
        station("busy", evse("E1"), evse("E2", "CHARGING", connectors=fast)),
        station("unknown", evse("E2", "UNKNOWN", connectors=fast), longitude=4.95),
        station("free", evse("E2", connectors=fast), longitude=5.2),
    )
    best = await names(Near(4.9, 52.37), Order.BEST_MATCH, standards=("IEC_62196_T2_COMBO",))
    assert best == ["free", "unknown", "busy"]


async def walk(place: Place, order: Order, first: int) -> list[int]:
    """The ids of all pages in a row."""
    found: list[int] = []
    after: str | None = None
    while True:
        async with transaction() as db:
            page = await search.find(db, place, None, order, first, after, prices=nothing_known)
        assert page.total_count == 25
        found += [row.id or 0 for row in page.stations]
        if not page.has_next:
            return found
        assert len(page.stations) == first
        after = page.cursors[-1]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("place", [AROUND, Near(5, 52.5), Near(5, 52.5, 500_000)])
async def test_that_pages_leave_nothing_out_and_repeat_nothing(database: str, place: Place, order: Order) -> None:
    """Most of these stations are equal in everything that they are sorted by."""
    many = [station(f"L{number}", longitude=4.9 + number // 20) for number in range(25)]
    ids = await given(*many)
    assert len(await walk(place, order, 7)) == 25
    assert set(await walk(place, order, 7)) == set(ids.values())


async def test_that_a_cursor_of_another_list_is_refused(database: str) -> None:
    await given(station("L1"), station("L2"))
    cursor = (await find(AROUND, Order.DISTANCE, 1)).cursors[0]
    for after in (cursor, "", "nonsense", "é", cursor[:-2]):
        async with transaction() as db:
            with pytest.raises(Invalid) as refused:
                await search.find(db, AROUND, None, Order.POWER, 1, after)
        assert refused.value.field == "after"


@pytest.mark.parametrize("first", [-1, 101])
async def test_that_a_page_has_at_most_100_stations(database: str, first: int) -> None:
    with pytest.raises(Invalid, match="first"):
        await find(AROUND, Order.DISTANCE, first)


async def test_that_a_page_of_none_still_counts(database: str) -> None:
    await given(station())
    page = await find(AROUND, Order.DISTANCE, 0)
    assert (page.stations, page.total_count, page.has_next) == ([], 1, True)


async def searched(text: str, first: int = 10) -> list[str]:
    async with transaction() as db:
        page = await search.search_places(db, text, first)
    assert page.total_count == len(page.stations)
    return [row.external_id for row in page.stations]


@pytest.fixture
async def places(database: str) -> Sequence[str]:
    await given(
        station("plain", name="Parkhaus Süd", street="Café-Straße 5", city="Köln", operator_name="Ørsted"),
        station("named", evse("E77"), name="Utrecht Centraal", city="Utrecht", postal_code="3511 CE"),
        station("beside", evse("E771"), name="Hotel", street="Utrechtseweg 1", city="Zeist"),
        station("hidden", name="Utrecht geheim", publish=False),
    )
    return []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("koln", ["plain"]),
        ("KÖLN süd", ["plain"]),
        ("cafe strasse", ["plain"]),
        ("orsted", ["plain"]),
        ("parkh", ["plain"]),
        ("utrecht", ["named", "beside"]),
        ("3511ce", ["named"]),
        ("3511 CE", ["named"]),
        ("NL*ABC*E77", ["named", "beside"]),
        ("nlabce771", ["beside"]),
        ("ABC-E771", ["beside"]),
        ("utrecht köln", []),
        ("%", []),
        ("", []),
        ("\N{ELECTRIC PLUG}", []),
    ],
)
async def test_that_places_are_found_by_words(places: Sequence[str], text: str, found: list[str]) -> None:
    assert await searched(text) == found


async def test_that_what_was_printed_on_the_pole_comes_first(database: str) -> None:
    await given(
        station("longer", evse("E1"), evse("E12"), name="NLABCE12"),
        station("exact", evse("E2", evse_id="NL.ABC.E1.2"), name="Other"),
        station("begins", evse("E3", evse_id="NL*ABC*E123")),
    )
    assert (await searched("NL*ABC*E12"))[2] == "begins"
    assert await searched("nl abc e123") == ["begins"]


async def test_that_searched_places_come_in_pages(database: str) -> None:
    await given(*(station(f"L{number}") for number in range(5)))
    async with transaction() as db:
        one = await search.search_places(db, "amsterdam", 3)
        two = await search.search_places(db, "amsterdam", 3, one.cursors[-1])
    assert (one.has_next, two.has_next, one.total_count, two.total_count) == (True, False, 5, 5)
    assert len({row.id for row in [*one.stations, *two.stations]}) == 5
