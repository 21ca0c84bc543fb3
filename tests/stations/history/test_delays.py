"""How soon parties tell, measured on what they told in the last day."""

from datetime import timedelta

from emsp import clock
from emsp.db.engine import transaction
from emsp.stations.availability import availability
from emsp.stations.history import delays
from emsp.stations.history.delays import measure_delays, usual_delays
from emsp.stations.tables import Evse
from tests.stations.history.heard import town, was

NOW = clock.now()
MINUTE = timedelta(minutes=1)


async def told(evse: Evse, *late_s: int) -> None:
    for number, seconds in enumerate(late_s):
        until = NOW - number * MINUTE - timedelta(seconds=seconds)
        await was(evse, "AVAILABLE", until, late=timedelta(seconds=seconds))


async def test_that_the_usual_delay_is_that_of_most_changes(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await told(evse, *range(1, 20), 4000)
    await was(evse, "AVAILABLE", NOW - timedelta(days=2))
    await measure_delays()
    async with transaction() as db:
        found = await usual_delays(db)
    [(party, usual)] = found.items()
    assert party == ("NL", "ABC")
    assert (usual.median_s, usual.p95_s, usual.sample, usual.heard_at) == (10, 19, 20, NOW)
    assert delays.known() == found


async def test_that_what_is_told_ahead_of_time_is_no_delay(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await told(evse, -30)
    await measure_delays()
    async with transaction() as db:
        [usual] = (await usual_delays(db)).values()
    assert (usual.median_s, usual.p95_s) == (0, 0)


async def test_that_the_word_of_a_party_that_tells_at_once_is_live_for_longer(database: str) -> None:
    station, [evse] = await town("AVAILABLE")
    async with transaction() as db:
        (await db.get_one(Evse, evse.id)).status_as_of = NOW - timedelta(hours=5)

    async def shown() -> str:
        async with transaction() as db:
            return (await availability(db, [station.id or 0]))[station.id or 0].freshness

    assert await shown() == "RECENT"
    await told(evse, *[5] * 20)
    await measure_delays()
    assert await shown() == "LIVE"
