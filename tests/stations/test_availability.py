"""What is free is counted with its age; what is not known is never free."""

from datetime import timedelta

import pytest

from emsp.db.engine import transaction
from emsp.stations import loaders
from emsp.stations.availability import Availability, Freshness, availability, freshness
from emsp.stations.tables import Connector, Evse, Operator, Station
from tests.stations.places import NOON, at, connector, evse, ids_of, partner, put, rows, station


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=15), Freshness.LIVE),
        (timedelta(minutes=15, seconds=1), Freshness.RECENT),
        (timedelta(hours=24), Freshness.RECENT),
        (timedelta(hours=24, seconds=1), Freshness.STALE),
        (timedelta(minutes=-1), Freshness.LIVE),
    ],
)
def test_that_knowledge_ages(age: timedelta, expected: Freshness) -> None:
    assert freshness(NOON - age, NOON) is expected


async def test_that_every_status_is_counted_once(database: str) -> None:
    words = ("AVAILABLE", "CHARGING", "BLOCKED", "RESERVED", "INOPERATIVE", "OUTOFORDER", "PLANNED", "UNKNOWN")
    evses = [evse(f"E{n}", status, minutes=n) for n, status in enumerate((*words, "REMOVED"))]
    await put(await partner(), station("L1", *evses))
    (row,) = await rows(Station)
    async with transaction() as db:
        counted = (await availability(db, [row.id]))[row.id]
    assert counted == Availability(
        available=1,
        occupied=2,
        reserved=1,
        out_of_service=3,
        unknown=1,
        total=8,
        as_of=at(6),
        freshness=counted.freshness,
    )


async def test_that_nothing_known_has_no_age(database: str) -> None:
    await put(await partner(), station("L1", evse(status="UNKNOWN")))
    (row,) = await rows(Station)
    async with transaction() as db:
        found = await availability(db, [row.id, 999])
    assert found == {row.id: Availability(unknown=1, total=1), 999: Availability()}


async def test_that_rows_are_loaded_in_the_partners_order_without_what_is_gone(database: str) -> None:
    partner_id = await partner()
    cables = [connector("2"), connector("1"), connector("3")]
    await put(partner_id, station("L1", evse("B", connectors=cables), evse("A"), evse("C", "REMOVED")), station("L2"))
    stations, evses = await ids_of(Station), await ids_of(Evse)
    async with transaction() as db:
        of_stations = await loaders.evses_of(db, [*stations.values(), 999])
        of_evses = await loaders.connectors_of(db, [evses["B"], 999])
    assert [row.uid for row in of_stations[stations["L1"]]] == ["B", "A"]
    assert [row.uid for row in of_stations[stations["L2"]]] == ["E1"]
    assert [row.external_id for row in of_evses[evses["B"]]] == ["2", "1", "3"]
    assert (of_stations[999], of_evses[999]) == ([], [])


async def test_that_rows_are_loaded_by_id_removed_or_not(database: str) -> None:
    await put(await partner(), station("L1", evse("C", "REMOVED")))
    station_ids, evse_ids = await ids_of(Station), await ids_of(Evse)
    connector_ids, operator_ids = await ids_of(Connector), await ids_of(Operator)
    async with transaction() as db:
        assert set(await loaders.stations(db, [*station_ids.values(), 999])) == set(station_ids.values())
        assert set(await loaders.evses(db, evse_ids.values())) == set(evse_ids.values())
        assert set(await loaders.connectors(db, connector_ids.values())) == set(connector_ids.values())
        assert set(await loaders.operators(db, operator_ids.values())) == set(operator_ids.values())
