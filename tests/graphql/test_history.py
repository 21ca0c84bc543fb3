"""How busy and how reliable stations are, and what there is to doubt: shown with how sure one can be, or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from emsp import clock
from emsp.db.engine import engine, transaction
from emsp.graphql import ids
from emsp.stations.history import week
from emsp.stations.history.tables import EvseDoubt, StationOccupancy, StationReliability
from emsp.stations.tables import Evse
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
HISTORY = """query {
  stations(where: {box: {west: 5, south: 52, east: 6, north: 52.2}}, first: 100) {
    nodes {
      id
      occupancy { since until hours { weekday hour occupied { value lowest highest sampleSize } } }
      reliability { since lastChargeAt started { value lowest highest sampleSize } }
      evses { id status doubt { reason failedStarts durationS since } }
    }
  }
}"""


async def seen(station_id: int, weeks: int = 4) -> None:
    """In use for a quarter of Monday from 8 to 9, and started nine times of ten."""
    occupied_s, observed_s = week.empty(), week.empty()
    occupied_s[8], observed_s[8] = weeks * 900, weeks * 3600
    async with transaction() as db:
        until = MONDAY + timedelta(weeks=weeks)
        times = {"since": MONDAY, "updated_at": until}
        db.add(StationOccupancy(station_id=station_id, occupied_s=occupied_s, observed_s=observed_s, **times))
        counts = {"starts": 10, "failed_starts": 1, "last_charge_at": until}
        db.add(StationReliability(station_id=station_id, **counts, **times))


async def doubted(evse_id: int, reason: str, evidence: int) -> None:
    async with transaction() as db:
        await db.merge(
            EvseDoubt(evse_id=evse_id, reason=reason, evidence=evidence, since=MONDAY, decided_at=clock.now())
        )


async def evse_ids(station_id: int) -> list[int]:
    async with transaction() as db:
        found = await db.execute(Evse.__table__.select().where(Evse.station_id == station_id).order_by(Evse.position))  # type: ignore[attr-defined,arg-type]
        return [row.id for row in found]


async def the_station(api: Api) -> dict[str, Any]:
    [station] = (await api.ask(HISTORY))["stations"]["nodes"]
    return dict(station)


async def test_that_nothing_is_said_where_nothing_is_known(api: Api, town: Town) -> None:
    station = await the_station(api)
    assert (station["occupancy"], station["reliability"]) == (None, None)
    assert [evse["doubt"] for evse in station["evses"]] == [None, None]


async def test_that_a_week_is_shown_hour_by_hour(api: Api, town: Town) -> None:
    await seen(town.station.id or 0)
    occupancy = (await the_station(api))["occupancy"]
    assert occupancy["since"] == "2026-06-01T00:00:00Z"
    assert occupancy["until"] == "2026-06-29T00:00:00Z"
    hours = occupancy["hours"]
    assert [(hour["weekday"], hour["hour"]) for hour in (hours[0], hours[25], hours[167])] == [
        ("MONDAY", 0),
        ("TUESDAY", 1),
        ("SUNDAY", 23),
    ]
    assert len(hours) == 168
    assert [hour["hour"] for hour in hours if hour["occupied"]] == [8]
    busy = hours[8]["occupied"]
    assert (busy["value"], busy["sampleSize"]) == (0.25, 4)
    assert 0 < busy["lowest"] < 0.25 < busy["highest"] < 1


async def test_that_reliability_tells_how_sure_it_is(api: Api, town: Town) -> None:
    await seen(town.station.id or 0)
    reliability = (await the_station(api))["reliability"]
    started = reliability["started"]
    assert (started["value"], started["sampleSize"]) == (0.9, 10)
    assert (round(started["lowest"], 2), round(started["highest"], 2)) == (0.6, 0.98)
    assert reliability["lastChargeAt"] == "2026-06-29T00:00:00Z"


async def test_that_a_doubt_stands_beside_the_status_that_it_is_of(api: Api, town: Town) -> None:
    free, charging = await evse_ids(town.station.id or 0)
    await doubted(free, "FAILED_STARTS", 4)
    await doubted(charging, "STUCK", 300_000)
    since = "2026-06-01T00:00:00Z"
    asked_at = clock.now()
    failing, stuck = [evse["doubt"] for evse in (await the_station(api))["evses"]]
    lasts_s = stuck.pop("durationS")
    assert int((asked_at - MONDAY).total_seconds()) <= lasts_s <= int((clock.now() - MONDAY).total_seconds())
    assert failing == {"reason": "FAILED_STARTS", "failedStarts": 4, "durationS": None, "since": since}
    assert stuck == {"reason": "STUCK", "failedStarts": None, "since": since}
    await doubted(free, "STUCK", 300_000)
    await doubted(charging, "FAILED_STARTS", 4)
    assert [evse["doubt"] for evse in (await the_station(api))["evses"]] == [None, None]


async def test_that_each_kind_of_history_is_one_statement_however_many_stations(api: Api, town: Town) -> None:
    async with transaction() as db:
        for number in range(2, 32):
            station = await rows.station(db, town.station.partner_id, number)
            await rows.evse(db, station, 1)
    statements = list[str]()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        found = (await api.ask(HISTORY))["stations"]["nodes"]
    finally:
        event.remove(engine().sync_engine, "before_cursor_execute", note)
    assert len(found) == 31
    for table in ("station_occupancy", "station_reliability", "evse_doubt"):
        assert sum(table in statement for statement in statements) == 1, table


async def test_that_a_station_by_its_id_has_its_history_too(api: Api, town: Town) -> None:
    await seen(town.station.id or 0)
    document = "query ($id: ID!) { station(id: $id) { reliability { started { sampleSize } } } }"
    found = await api.ask(document, id=ids.encode("Station", town.station.id))
    assert found["station"] == {"reliability": {"started": {"sampleSize": 10}}}
