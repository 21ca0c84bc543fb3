"""Crawls that go on, what a whole list no longer has, and which partner is pulled when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import procrastinate
import psycopg
import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emsp import app as emsp_app
from emsp import clock, events, jobs
from emsp.db.engine import transaction
from emsp.ocpi import wire
from emsp.ocpi.keep import apply, inbox
from emsp.ocpi.keep.prepared import NOTHING, prepare
from emsp.ocpi.pull import sync
from emsp.ocpi.pull.crawl import PullCounts
from emsp.ocpi.tables import Connection
from emsp.payments import hold
from tests.ocpi.lists import Lists, page, partner, proper
from tests.ocpi.people import documents, evse, location, registered, session, tariff, value, values
from tests.ocpi.servers import envelope

TARIFFS = [tariff(id=f"T{number}", last_updated=f"2026-06-0{number}T10:00:00Z") for number in range(1, 8)]
LOCATIONS = [location(id=f"LOC{number}", evses=[evse(str(number))]) for number in range(1, 6)]
SHOWN = "SELECT external_id FROM station WHERE shown ORDER BY 1"
OFFERED = "SELECT external_id FROM tariff WHERE NOT withdrawn ORDER BY 1"
DONE = "SELECT connection_id FROM ocpi_sync WHERE module = 'tariffs' AND succeeded_at IS NOT NULL"
PULLS = "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'ocpi.pull.sync.pull_partner'"
DEFERRED = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'ocpi.pull.sync.pull_partner'"


async def pull(connection: Connection, module: str, **options: Any) -> PullCounts:
    """The counts of a pull of one module."""
    return (await sync.pull(connection.id, modules=[module], **options))[module]


async def change(statement: str) -> None:
    """Something else happens, or time goes by."""
    async with transaction() as db:
        await db.execute(text(statement))


class Breaking:
    """As `proper`, but answered with a fault from an offset on, as long as it is told to."""

    def __init__(self, offset: int, fault: Response | None = None) -> None:
        self.broken, self.offset = True, offset
        self.fault = fault or envelope(None, 3000)

    def __call__(self, request: Request, objects: list[Any], offset: int) -> Response:
        if self.broken and offset >= self.offset:
            return self.fault
        return proper(request, objects, offset)


# Crawls that go on


async def test_a_crawl_that_broke_off_goes_on_where_it_was(database: str) -> None:
    breaking = Breaking(offset=4)
    lists = Lists(breaking, tariffs=TARIFFS)
    async with partner(lists) as connection:
        first = await pull(connection, "tariffs")
        breaking.broken = False
        lists.requests.clear()
        seen: list[tuple[str, int, int | None]] = []
        second = await pull(connection, "tariffs", progress=lambda *told: seen.append(told))

    assert "OCPI 3000" in str(first.failure)
    assert (first.seen, first.complete, first.resumed_at) == (4, False, 0)
    assert [query["offset"] for query in lists.requests] == ["4", "6"]
    assert (second.seen, second.changed, second.complete, second.resumed_at) == (7, 7, True, 4)
    assert second.failure is None
    assert seen == [("tariffs", 4, 7), ("tariffs", 6, 7), ("tariffs", 7, 7)]
    assert await values(OFFERED) == [(f"T{number}",) for number in range(1, 8)]
    assert await value("SELECT count(*) FROM ocpi_crawl_seen") == 0
    assert await value("SELECT resume FROM ocpi_sync") is None


async def test_a_place_that_the_partner_no_longer_knows_is_begun_anew(database: str) -> None:
    breaking = Breaking(offset=4)
    lists = Lists(breaking, tariffs=TARIFFS)

    def no_longer(request: Request, objects: list[Any], offset: int) -> Response:
        if offset == 4 and len(lists.requests) == 1:
            return Response("unknown cursor", 404)
        return proper(request, objects, offset)

    async with partner(lists) as connection:
        await pull(connection, "tariffs")
        lists.listing = no_longer
        lists.requests.clear()
        counts = await pull(connection, "tariffs")

    assert [query["offset"] for query in lists.requests] == ["4", "0", "2", "4", "6"]
    assert (counts.seen, counts.changed, counts.unchanged, counts.failure) == (7, 3, 4, None)


@pytest.mark.parametrize(
    "spoilt",
    [
        "UPDATE ocpi_sync SET resume = jsonb_set(resume, '{begun_at}', '\"2026-01-01T00:00:00Z\"')",
        "UPDATE ocpi_sync SET resume = jsonb_set(resume, '{first}', '\"http://127.0.0.1:9/tariffs\"')",
    ],
    ids=["after a day", "at another address"],
)
async def test_it_begins_anew(database: str, spoilt: str) -> None:
    breaking = Breaking(offset=4)
    lists = Lists(breaking, tariffs=TARIFFS)
    async with partner(lists) as connection:
        await pull(connection, "tariffs")
        await change(spoilt)
        lists.requests.clear()
        breaking.broken = False
        await pull(connection, "tariffs")
    assert [query["offset"] for query in lists.requests] == ["0", "2", "4", "6"]


async def test_a_busy_partner_is_neither_at_its_end_nor_begun_anew(database: str) -> None:
    busy = Response(b'{"status_code": 2000, "status_message": "slow down"}', 429, {"Retry-After": "0"})
    breaking = Breaking(offset=4, fault=busy)

    def without_links(request: Request, objects: list[Any], offset: int) -> Response:
        answer = breaking(request, objects, offset)
        del answer.headers["link"]
        return answer

    lists = Lists(without_links, tariffs=TARIFFS)
    async with partner(lists) as connection:
        counts = [await pull(connection, "tariffs") for _ in range(2)]
        breaking.broken = False
        counts.append(await pull(connection, "tariffs"))
    assert [count.failure is None for count in counts] == [False, False, True]
    assert "HTTP 429" in str(counts[0].failure)
    assert [query["offset"] for query in lists.requests] == ["0", "2", *["4"] * 3, *["4"] * 3, "4", "6"]


async def test_a_page_whose_json_is_cut_off_is_asked_for_again(database: str) -> None:
    cuts = [True]

    def cut(request: Request, objects: list[Any], offset: int) -> Response:
        whole = proper(request, objects, offset)
        return Response(bytes(whole.body)[:-40], 200) if offset == 2 and cuts and cuts.pop() else whole

    async with partner(Lists(cut, tariffs=TARIFFS)) as connection:
        counts = await pull(connection, "tariffs")
    assert (counts.seen, counts.failure) == (7, None)


async def test_what_moves_up_while_the_total_shrinks_is_not_missed(database: str) -> None:
    left = list(TARIFFS)

    def shrinking(request: Request, objects: list[Any], offset: int) -> Response:
        answer = proper(request, left, offset)
        if offset == 2 and len(left) == 7:
            del left[0]
        return answer

    lists = Lists(shrinking)
    async with partner(lists) as connection:
        counts = await pull(connection, "tariffs")

    assert [query["offset"] for query in lists.requests] == ["0", "2", "4", "3", "5"]
    assert await values(OFFERED) == [(f"T{number}",) for number in range(1, 8)], "T1 is gone, as the next one will tell"
    assert (counts.complete, counts.failure) == (True, None)


async def test_totals_that_go_up_and_down_do_not_keep_us(database: str) -> None:
    totals = [9, 8] * 200

    def rotating(request: Request, objects: list[Any], offset: int) -> Response:
        return envelope(page(request, objects, offset)[0], X_Total_Count=str(totals.pop()))

    many = [tariff(id=f"T{number}") for number in range(60)]
    lists = Lists(rotating, tariffs=many)
    async with partner(lists) as connection:
        counts = await pull(connection, "tariffs")
    assert counts.failure is None
    assert len(lists.requests) < 60


async def test_pages_that_go_round_in_circles_end(database: str) -> None:
    def endless(request: Request, objects: list[Any], offset: int) -> Response:
        round_and_round = request.url.include_query_params(offset=(offset + 2) % 8, visit=len(lists.requests))
        return envelope(objects[offset : offset + 2], Link=f'<{round_and_round}>; rel="next"')

    lists = Lists(endless, tariffs=TARIFFS)
    async with partner(lists) as connection:
        counts = await pull(connection, "tariffs")
    assert (counts.seen, counts.failure, counts.complete) == (7, None, False)


async def test_a_page_larger_than_asked_for_is_taken_in_slices(database: str) -> None:
    many = [tariff(id=f"T{number}") for number in range(1203)]
    lists = Lists(lambda _, objects, offset: envelope(objects[offset:]), tariffs=many)
    async with partner(lists) as connection:
        counts = await pull(connection, "tariffs")
        again = await pull(connection, "tariffs", full=True)
    assert (counts.seen, counts.changed) == (1203, 1203)
    assert (again.changed, again.unchanged) == (0, 1203)


async def test_no_data_is_an_empty_list_and_nulls_are_nothing(database: str) -> None:
    async with partner(Lists(lambda *_: envelope(None))) as connection:
        assert (await pull(connection, "tariffs")).seen == 0
    holes = Lists(lambda _, objects, offset: envelope(objects[offset : offset + 2]), tariffs=[None, TARIFFS[0], None])
    async with partner(holes, "XYZ") as connection:
        counts = await pull(connection, "tariffs")
    assert (counts.seen, counts.failure) == (1, None)
    assert [query["offset"] for query in holes.requests] == ["0", "2", "3"]


# What a whole list no longer has


async def test_what_a_whole_list_no_longer_has_is_withdrawn_and_comes_back(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS), tariffs=list(TARIFFS))
    async with partner(lists) as connection, events.wakes.watch("stations") as watch:
        await sync.pull(connection.id)
        ids = await values("SELECT id FROM station ORDER BY id")
        del lists.lists["locations"][1], lists.lists["tariffs"][:2]
        while await watch.changed(timeout_s=0.3) != set():
            continue
        counts = await sync.pull(connection.id, full=True)
        woken = await watch.changed(timeout_s=2)
        gone = (await values(SHOWN), await values(OFFERED), await documents())
        unchanged = await sync.pull(connection.id, full=True)
        lists.lists |= {"locations": LOCATIONS, "tariffs": TARIFFS}
        back = await sync.pull(connection.id, full=True)
        await events.wakes.close()

    assert (counts["locations"].withdrawn, counts["tariffs"].withdrawn) == (1, 2)
    assert woken == {(await value("SELECT id FROM station WHERE external_id = 'LOC2'"), 5.12, 52.09)}
    assert gone[0] == [("LOC1",), ("LOC3",), ("LOC4",), ("LOC5",)]
    assert gone[1] == [(f"T{number}",) for number in range(3, 8)]
    assert gone[2]["locations NL/ABC/LOC2"] == ("WITHDRAWN", None)
    assert gone[2]["tariffs NL/ABC/T3"] == ("APPLIED", None)
    assert {count.withdrawn + count.changed for count in unchanged.values()} == {0}
    assert (back["locations"].changed, back["locations"].unchanged, back["tariffs"].changed) == (1, 4, 2)
    assert len(await values(SHOWN)) == 5
    assert len(await values(OFFERED)) == 7
    assert await values("SELECT id FROM station ORDER BY id") == ids, "rows stay for the charges that happened there"


async def test_one_that_comes_back_with_an_older_time_is_shown_again(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        lists.lists["locations"] = LOCATIONS[1:]
        await pull(connection, "locations", full=True)
        older = location(id="LOC1", evses=[evse("1")], last_updated="2026-05-01T10:00:00Z")
        lists.lists["locations"] = [older, *LOCATIONS[1:]]
        counts = await pull(connection, "locations", full=True)
    assert (counts.changed, counts.older) == (1, 0)
    assert ("LOC1",) in await values(SHOWN)


async def test_only_what_is_new_being_asked_for_nothing_is_withdrawn(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        lists.lists["locations"] = LOCATIONS[:1]
        counts = await pull(connection, "locations")
    assert (counts.seen, counts.withdrawn, counts.held_back) == (1, 0, 0)
    assert len(await values(SHOWN)) == 5


async def test_a_crawl_that_did_not_see_all_withdraws_nothing(database: str) -> None:
    def short(request: Request, objects: list[Any], offset: int) -> Response:
        return envelope(objects[offset : offset + 2], X_Total_Count="5")

    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        lists.listing, lists.lists["locations"] = short, LOCATIONS[:4]
        counts = await pull(connection, "locations", full=True)
    assert (counts.seen, counts.complete, counts.withdrawn, counts.failure) == (4, False, 0, None)
    assert len(await values(SHOWN)) == 5


async def test_sessions_and_cdrs_are_never_withdrawn(database: str) -> None:
    lists = Lists(proper, sessions=[session(), session(id="S2"), session(id="S3")])
    async with partner(lists) as connection:
        await pull(connection, "sessions")
        del lists.lists["sessions"][0]
        counts = await pull(connection, "sessions", full=True)
    assert counts.withdrawn == 0
    assert len(await documents()) == 3


async def test_more_than_half_is_held_back_until_a_person_looked(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        lists.lists["locations"] = LOCATIONS[:2]
        held = await pull(connection, "locations", full=True)
        still_shown = await values(SHOWN)
        [status] = await sync.status()
        let_go = await pull(connection, "locations", full=True, withdraw=True)
    assert (held.withdrawn, held.held_back, len(still_shown)) == (0, 3, 5)
    assert status.modules["locations"]["held_back"] == 3
    assert (let_go.withdrawn, let_go.held_back) == (3, 0)
    assert await values(SHOWN) == [("LOC1",), ("LOC2",)]


async def test_what_is_pushed_while_the_crawl_runs_stays(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        lists.lists["locations"] = LOCATIONS[:3]
        breaking = Breaking(offset=2)
        lists.listing = breaking
        await pull(connection, "locations", full=True)
        for body in (LOCATIONS[4], location(id="NEW", evses=[evse("9")])):
            async with transaction() as db:
                await apply.take_in(db, connection, "locations", [inbox.item_of(wire.encode(body), "2.2.1")])
        breaking.broken = False
        counts = await pull(connection, "locations", full=True)
    assert (counts.resumed_at, counts.withdrawn) == (2, 1)
    assert await values(SHOWN) == [("LOC1",), ("LOC2",), ("LOC3",), ("LOC5",), ("NEW",)]


async def test_what_was_new_when_it_was_read_may_be_known_when_it_is_kept(database: str) -> None:
    async with partner(Lists(proper)) as connection:
        items = [inbox.item_of(wire.encode(body), "2.2.1") for body in LOCATIONS[:3]]
        ahead = await prepare(connection.id, "locations", items)
        pushed = [wire.encode(location(id="LOC2", name="Pushed meanwhile", evses=[evse("2")]))]
        for taken, known in (([inbox.item_of(pushed[0], "2.2.1")], NOTHING), (items, ahead)):
            async with transaction() as db:
                applied = await apply.take_in(db, connection, "locations", taken, known)
                assert (applied.changed, applied.reasons) == (len(taken), {})
    assert ahead.unkept == {item.key for item in items}
    assert len(ahead.stations) == 3
    assert await values("SELECT object_key, body, state FROM ocpi_inbox ORDER BY 1") == [
        (item.key, item.body.decode(), "APPLIED") for item in items
    ]
    assert await values(SHOWN) == [("LOC1",), ("LOC2",), ("LOC3",)]


async def test_a_station_that_another_connection_still_has_stays_shown(database: str) -> None:
    lists = Lists(proper, locations=list(LOCATIONS))
    async with partner(lists) as connection:
        await pull(connection, "locations")
        async with transaction() as db:
            other = await registered(db, "A hub", "hub-token", party_id="HUB")
            await inbox.keep(db, other.id, "locations", [inbox.item_of(wire.encode(LOCATIONS[0]), "2.2.1")])
        lists.lists["locations"] = LOCATIONS[1:]
        counts = await pull(connection, "locations", full=True)
    assert counts.withdrawn == 1
    assert len(await values(SHOWN)) == 5


# Who is pulled when


async def test_every_partner_that_is_due_gets_a_job_of_its_own_and_only_one(database: str) -> None:
    emsp_app.plug()
    lists = Lists(proper, tariffs=TARIFFS)
    async with partner(lists) as connection, partner(Lists(proper), "XYZ"):
        async with transaction() as db:
            gone = await registered(db, "Gone", "gone-token", party_id="OUT")
            gone.state = "UNREGISTERED"
            db.add(gone)
        await sync.pull_all()
        await sync.pull_all()
        locks = await values("SELECT lock FROM procrastinate_jobs WHERE task_name = 'ocpi.pull.sync.pull_partner'")
        assert len(locks) == len(set(locks)) == 2

        await change("DELETE FROM procrastinate_jobs")
        await sync.pull_partner(connection.id)
        asked = len(lists.requests)
        await sync.pull_partner(connection.id)
        assert len(lists.requests) == asked, "nothing was due"
        await sync.pull_all()
        assert await value(DEFERRED) == 1, "only the other one was"

        await change("UPDATE ocpi_sync SET started_at = started_at - interval '6 hours'")
        await sync.pull_all()
        assert await value(DEFERRED) == 2


async def test_what_failed_is_tried_again_soon_and_alone(database: str) -> None:
    def no_tariffs(request: Request, objects: list[Any], offset: int) -> Response:
        return Response("", 404) if request.url.path == "/tariffs" else proper(request, objects, offset)

    lists = Lists(no_tariffs, locations=LOCATIONS)
    async with partner(lists) as connection:
        await sync.pull_partner(connection.id)
        await change("UPDATE ocpi_sync SET started_at = started_at - interval '31 minutes'")
        lists.listing = proper
        lists.paths.clear()
        await sync.pull_partner(connection.id)
    assert set(lists.paths) == {"tariffs"}


async def test_everything_is_looked_at_again_after_a_day(database: str) -> None:
    lists = Lists(proper, locations=LOCATIONS, sessions=[session(last_updated="2026-06-01T10:05:00Z")])
    async with partner(lists) as connection:
        await sync.pull(connection.id, modules=["locations", "sessions"])
        await change("UPDATE ocpi_sync SET watermark = now() - interval '2 hours'")
        lists.requests.clear()
        await sync.pull(connection.id, modules=["locations", "sessions"])
        recent = [query["date_from"] for query in lists.requests]
        await change("UPDATE ocpi_sync SET complete_at = complete_at - interval '1 day'")
        lists.requests.clear()
        await sync.pull(connection.id, modules=["locations", "sessions"])
        whole = [query.get("date_from") for query in lists.requests]
    hours = [(clock.now() - wire.moment(moment)) / timedelta(hours=1) for moment in recent]
    assert all(2 < hour < 2.5 for hour in hours)
    assert whole[:3] == [None] * 3, "locations: all of them"
    assert (clock.now() - wire.moment(str(whole[3]))) / timedelta(days=1) == pytest.approx(7, abs=0.1)


async def test_a_partner_that_was_connected_is_pulled_at_once(database: str) -> None:
    emsp_app.plug()
    lists = Lists(proper, tariffs=TARIFFS)
    async with partner(lists) as connection:
        await sync.pull(connection.id)
        await change("UPDATE ocpi_connection SET registered_at = now()")
        await sync.pull_connected(connection.id)
        assert await value(DEFERRED) == 1
        asked = len(lists.requests)
        await sync.pull_partner(connection.id)
        assert len(lists.requests) > asked


async def test_a_hub_is_first_asked_for_its_parties_and_nobody_else_is(database: str) -> None:
    told = {"country_code": "NL", "party_id": "XYZ", "role": "CPO", "status": "CONNECTED"}
    parties = [{**told, "last_updated": "2026-06-01T10:00:00Z"}, {**told, "status": "SLEEPY"}]
    theirs = location(id="LOC9", party_id="XYZ", evses=[evse("9")])
    hub, direct = (Lists(proper, hubclientinfo=parties, locations=[theirs]) for _ in range(2))
    async with partner(hub, "HUB") as connection, partner(direct, "ABC") as other:
        async with transaction() as db:
            connection.hub_party = "NLHUB"
            db.add(connection)
        counts = await sync.pull(connection.id)
        await sync.pull(other.id)

    assert list(counts) == ["hubclientinfo", "tariffs", "locations", "sessions", "cdrs"]
    assert (counts["hubclientinfo"].seen, counts["hubclientinfo"].changed, counts["hubclientinfo"].apart) == (2, 1, 1)
    assert counts["locations"].changed == 1, "its party was known by then"
    assert "hubclientinfo" not in direct.paths


async def test_two_pulls_of_a_partner_do_the_work_once(database: str) -> None:
    lists = Lists(proper, tariffs=TARIFFS)
    async with partner(lists) as connection:
        both = await asyncio.gather(*(sync.pull(connection.id, modules=["tariffs"]) for _ in range(2)))
    assert [counts["tariffs"].changed for counts in both] == [7, 7], "the second tells what the first one did"
    assert len(lists.requests) == 4


async def test_a_job_leaves_a_partner_alone_that_is_being_pulled(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(proper, tariffs=TARIFFS)
    async with partner(lists) as connection, await psycopg.AsyncConnection.connect(database) as other:
        await other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"pull {connection.id}"])
        await sync.pull_partner(connection.id)
    assert lists.requests == []


async def test_a_small_partner_is_done_while_more_huge_ones_than_workers_are_under_way(database: str) -> None:
    emsp_app.plug()
    slots, pages = 2, 15
    huge = [Lists(proper, tariffs=[tariff(id=f"T{number}") for number in range(2 * pages)]) for _ in range(slots + 1)]
    async with AsyncExitStack() as stack:
        everybody = [
            await stack.enter_async_context(partner(lists, f"P{number}"))
            for number, lists in enumerate([*huge, Lists(proper, tariffs=TARIFFS)])
        ]
        async with transaction() as db:
            for each in everybody:
                lock = f"pull {each.id}"
                await jobs.defer(db, sync.pull_partner, lock=lock, connection_id=each.id, turn_s=0.02)
        async with workers(database, slots):
            first = await done(1)
            await done(len(everybody))
    assert [row[0] for row in first] == [everybody[-1].id], "three were before it, each with many turns to go"
    for lists in huge:
        asked = [
            int(query["offset"]) for query, path in zip(lists.requests, lists.paths, strict=True) if path == "tariffs"
        ]
        assert set(asked) == set(range(0, 2 * pages, 2)), "every page"
        assert len(asked) > pages, "those that were read ahead when a turn was over, once more"


async def test_partners_that_do_not_answer_never_take_the_places_of_what_a_driver_waits_for(database: str) -> None:
    emsp_app.plug()
    asked, answer = asyncio.Event(), asyncio.Event()

    def silent(request: Request, objects: list[Any], offset: int) -> Response:
        async def body() -> AsyncIterator[bytes]:
            asked.set()
            await answer.wait()
            yield bytes(proper(request, objects, offset).body)

        return StreamingResponse(body(), media_type="application/json")

    async with partner(Lists(silent)) as one, partner(Lists(silent), "P1") as two:
        async with transaction() as db:
            for each in (one, two):
                await jobs.defer(db, sync.pull_partner, lock=f"pull {each.id}", connection_id=each.id)
        work = asyncio.create_task(jobs.work(concurrency=1, background=1))
        await asyncio.wait_for(asked.wait(), 10)
        async with transaction() as db:
            await jobs.defer(db, hold.look_for_lapsed)
        await until_the_drivers_queue_is_empty()
        pulls = await values(f"{PULLS} ORDER BY 1")
        answer.set()
        await done(2)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert pulls == [("doing",), ("todo",)], "one place for pulls was taken, and the driver's was free"


async def until_the_drivers_queue_is_empty() -> None:
    for _ in range(500):
        if not await values("SELECT id FROM procrastinate_jobs WHERE queue_name = 'default'"):
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("the driver still waits")


async def done(count: int) -> list[tuple[Any, ...]]:
    """The first connections whose tariffs are all here, once there are so many."""
    for _ in range(1_500):
        if len(found := await values(DONE)) >= count:
            return found
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{len(found)} of {count} are done")


@asynccontextmanager
async def workers(database: str, slots: int) -> AsyncIterator[None]:
    """So many jobs are done at once."""
    with jobs.app.replace_connector(procrastinate.PsycopgConnector(conninfo=database)) as own:
        async with own.open_async():
            work = asyncio.create_task(own.run_worker_async(concurrency=slots, install_signal_handlers=False))
            try:
                yield
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
