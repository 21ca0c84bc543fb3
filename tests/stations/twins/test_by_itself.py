"""Reports are followed by a look for twins, without anybody asking for it."""

from sqlalchemy import text

from emsp import timetable
from emsp.db.engine import transaction
from tests.charging.saying import run_jobs
from tests.stations.places import evse, partner, put, station


async def waiting() -> list[str]:
    async with transaction() as db:
        query = "SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
        return list((await db.execute(text(query))).scalars())


async def hidden() -> int:
    async with transaction() as db:
        return int((await db.execute(text("SELECT count(*) FROM station_twin"))).scalar_one())


async def test_that_a_report_is_followed_by_a_look_for_twins(database: str) -> None:
    timetable.set_up()
    own, hub = await partner("Operator"), await partner("Hub")
    await put(own, station("L1", evse("E1")))
    await put(hub, station("H1", evse("h1", evse_id="NLABCE1"), party_id="HUB"))
    assert await waiting() == ["stations.twins.match.match_reported"] * 2
    await run_jobs()
    assert (await waiting(), await hidden()) == ([], 1)
    await put(hub, station("H1", evse("h1", evse_id="NLABCE1"), party_id="HUB"))
    assert await waiting() == [], "nothing new was said"
