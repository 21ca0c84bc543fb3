"""Whoever writes stations notes which: the log holds every change, and nothing that was not one."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.stations import log
from emsp.stations.withdraw import withdraw_stations
from tests.stations.places import at, evse, partner, put, station
from tests.stations.test_changes import set_status


async def noted() -> list[tuple[list[str], bool]]:
    """The notes since the last look: the partners' ids of the stations, and whether they changed wholly."""
    query = (
        "DELETE FROM station_change RETURNING id, whole,"
        " ARRAY(SELECT external_id FROM station WHERE id = ANY(station_ids) ORDER BY id) AS stations"
    )
    async with transaction() as db:
        rows = (await db.execute(text(query))).all()
    return [(row.stations, row.whole) for row in sorted(rows)]


async def past() -> list[tuple[Any, ...]]:
    """What EVSEs were, for the history: uid, status, since and until in minutes."""
    query = (
        "SELECT e.uid, p.status, p.since, p.until FROM status_change p JOIN evse e ON e.id = p.evse_id ORDER BY p.id"
    )
    async with transaction() as db:
        rows = await db.execute(text(query))
        return [(row.uid, row.status, *(int((t - at(0)).total_seconds()) // 60 for t in row[2:])) for row in rows]


async def test_every_writer_notes_what_it_wrote(database: str) -> None:
    whose = await partner()
    await put(whose, station("L1"), station("L2"))
    assert await noted() == [(["L1", "L2"], True)]
    await put(whose, station("L1"), station("L2"))
    assert await noted() == []
    await put(whose, station("L1", evse(minutes=5), minutes=5))
    assert await noted() == [(["L1"], False)]
    assert await set_status("CHARGING", 10, location="L2")
    assert await noted() == [(["L2"], False)]
    assert not await set_status("AVAILABLE", 9, location="L2")
    assert await noted() == []
    assert await set_status("REMOVED", 11, location="L2")
    assert await noted() == [(["L2"], True)]
    async with transaction() as db:
        await withdraw_stations(db, [("NL", "ABC", "L1")])
    assert await noted() == [(["L1"], True)]


async def test_the_history_has_each_status_that_ended_and_no_other(database: str) -> None:
    whose = await partner()
    await put(whose, station("L1", evse("1"), evse("2")))
    assert await past() == []
    await set_status("CHARGING", 10, uid="1")
    await set_status("CHARGING", 12, uid="1")
    await set_status("AVAILABLE", 8, uid="1")
    await put(whose, station("L1", evse("1", minutes=20), evse("2"), minutes=20))
    assert await past() == [("1", "AVAILABLE", 0, 10), ("1", "CHARGING", 12, 20)]
    await put(whose, station("L1", evse("1", minutes=20), minutes=30))
    assert [(uid, status) for uid, status, *_ in await past()][2:] == [("2", "AVAILABLE")]


async def test_the_log_is_kept_for_a_day(database: str) -> None:
    whose = await partner()
    await put(whose, station("L1"))
    async with transaction() as db:
        old = {"by": timedelta(hours=25)}
        await db.execute(text("UPDATE station_change SET created_at = created_at - CAST(:by AS interval)"), old)
    await put(whose, station("L2"))
    await log.prune()
    assert await noted() == [(["L2"], True)]


async def test_a_bulk_of_odd_texts_is_stored_as_it_is(database: str) -> None:
    odd = 'Tab\t, "quotes" \\N, {braces}, NULL,\nnew line \u2028 and \N{SNOWMAN}'
    facts = station("L1", evse("1", label=odd, capabilities=[odd, "", "NULL"]), name=odd, facilities=[odd])
    await put(await partner(), facts, station("L2", opening_hours={"said": odd}))
    async with transaction() as db:
        first, second = (
            await db.execute(text("SELECT name, facilities, opening_hours FROM station ORDER BY id"))
        ).all()
        label, capabilities = (await db.execute(text("SELECT label, capabilities FROM evse ORDER BY id"))).first() or (
            0,
            0,
        )
    assert (first.name, first.facilities, first.opening_hours) == (odd, [odd], None)
    assert second.opening_hours == {"said": odd}
    assert (label, capabilities) == (odd, [odd, "", "NULL"])
