"""A crawl of a real national feed, killed at twenty random points, ends with what an undisturbed one ends with.

EMSP_TEST_CRAWL_LOCATIONS says how many locations of the feed are crawled: 4000 if unset; 100000 for all of them.
"""

import asyncio
import gzip
import json
import multiprocessing
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emsp.db import engine
from emsp.db.engine import transaction
from emsp.ocpi import routing
from emsp.ocpi.pull import sync
from emsp.ocpi.routing import RouteFacts
from emsp.settings import settings
from tests.ocpi.people import registered
from tests.ocpi.servers import serving

FEED = Path(__file__).parents[3] / "shared" / "data" / "ndw-2026-06-02-locations.jsonl.gz"
HOW_MANY = int(os.environ.get("EMSP_TEST_CRAWL_LOCATIONS", "4000"))
PAGE = min(HOW_MANY // 60, 500)
KILLS = 20
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["emsp.ocpi.pull.sync"])

CATALOGUE = """
    SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
        SELECT (to_jsonb(s) - '{id,partner_id,operator_id,updated_at}'::text[]
                || jsonb_build_object('of', o.name))::text
          FROM station s LEFT JOIN operator o ON o.id = s.operator_id
        UNION ALL
        SELECT (to_jsonb(e) - '{id,station_id}'::text[] || jsonb_build_object('at', s.external_key))::text
          FROM evse e JOIN station s ON s.id = e.station_id
        UNION ALL
        SELECT (to_jsonb(c) - '{id,evse_id}'::text[] || jsonb_build_object('at', s.external_key, 'in', e.uid_key))::text
          FROM connector c JOIN evse e ON e.id = c.evse_id JOIN station s ON s.id = e.station_id
        UNION ALL
        SELECT (to_jsonb(i) - '{id,received_at,handled_at}'::text[])::text FROM ocpi_inbox i
    ) AS everything (line)"""
STATIONS = "SELECT count(*) FROM station"
PLACE = "SELECT resume->'at'->>'seen' FROM ocpi_sync"
FORGET = "TRUNCATE ocpi_inbox, ocpi_sync, ocpi_crawl_seen, station, evse, connector, operator CASCADE"


class Feed:
    """A partner with the feed's locations, page by page; it counts the pages that it gave."""

    def __init__(self) -> None:
        with gzip.open(FEED, "rb") as lines:
            self.locations = [line.strip() for line in islice(lines, HOW_MANY)]
        self.pages = -(-len(self.locations) // PAGE)
        self.given = 0

    async def page(self, request: Request) -> Response:
        """A page of the list."""
        offset = int(request.query_params["offset"])
        items = b",".join(self.locations[offset : offset + PAGE])
        following = request.url.include_query_params(offset=offset + PAGE)
        link = {"Link": f'<{following}>; rel="next"'} if offset + PAGE < len(self.locations) else {}
        self.given += 1
        body = b'{"data":[' + items + b'],"status_code":1000,"timestamp":"2026-06-02T00:00:00Z"}'
        return Response(body, 200, {"X-Total-Count": str(len(self.locations)), **link}, "application/json")


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Feed, UUID]]:
    """The feed served, and its operators connected as the parties of one partner."""
    feed = Feed()
    app = Starlette(routes=[Route("/locations", feed.page)])
    async with serving(lambda port: app) as url:
        endpoint = {"identifier": "locations", "role": "SENDER", "url": f"{url}/locations"}
        parties = {(one["country_code"], one["party_id"]) for one in map(json.loads, feed.locations)}
        async with transaction() as db:
            connection = await registered(db, "Feed", "feed-token", party_id="SELF", endpoints=[endpoint])
            facts = [RouteFacts(country_code=country, party_id=party) for country, party in sorted(parties)]
            await routing.take_roles(db, connection, facts)
        yield feed, connection.id


def pull_whole(database: str, connection_id: UUID, answer: Pipe) -> None:
    """What a process of its own does."""
    os.environ["EMSP_DATABASE_URL"] = database
    settings.cache_clear()
    engine.database_url.cache_clear()
    counts = asyncio.run(sync.pull(connection_id, full=True))
    answer.send(msgspec.to_builtins(counts["locations"]))


def started(database: str, connection_id: UUID) -> tuple[ForkServerProcess, Pipe]:
    """A process that pulls the whole list, and where it says what it did."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=pull_whole, args=(database, connection_id, theirs))
    process.start()
    theirs.close()
    return process, ours


async def pulled(database: str, connection_id: UUID) -> dict[str, Any]:
    """What an undisturbed pull says that it did."""
    process, answer = started(database, connection_id)
    counts: dict[str, Any] = await asyncio.to_thread(answer.recv)
    await asyncio.to_thread(process.join)
    return counts


async def ask(eyes: psycopg.AsyncConnection, question: Any) -> Any:
    """The only value of a query."""
    row = await (await eyes.execute(question)).fetchone()
    return row[0] if row else None


async def killed(database: str, connection_id: UUID, feed: Feed, after_pages: int, after_s: float) -> bool:
    """Whether a crawl could be killed when it had asked for so many pages; one that ended before could not."""
    wanted = feed.given + after_pages
    process, _ = started(database, connection_id)
    while feed.given < wanted and process.is_alive():  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.01)
    await asyncio.sleep(after_s)
    alive = process.is_alive()
    process.kill()
    await asyncio.to_thread(process.join)
    return alive


@pytest.mark.skipif(not FEED.exists(), reason="the real feed is not on this machine")
async def test_that_it_ends_with_the_same_catalogue(database: str) -> None:
    async with (
        connected() as (feed, connection_id),
        await psycopg.AsyncConnection.connect(database, autocommit=True) as eyes,
    ):
        undisturbed = await pulled(database, connection_id)
        wanted, stations = await ask(eyes, CATALOGUE), await ask(eyes, STATIONS)
        assert feed.given == feed.pages
        await eyes.execute(FORGET)
        feed.given = 0

        dice, places = random.Random(20), []
        for _ in range(KILLS):
            after_pages = dice.randint(2, 2 + feed.pages // KILLS)
            after_s = dice.uniform(0, undisturbed["seconds"] / feed.pages / 2)
            assert await killed(database, connection_id, feed, after_pages, after_s), "it ended before it was killed"
            places.append(int(await ask(eyes, PLACE) or 0))
        last = await pulled(database, connection_id)
        given = feed.given
        assert (await ask(eyes, CATALOGUE), await ask(eyes, STATIONS)) == (wanted, stations)

        await eyes.execute("LISTEN emsp")
        second = await pulled(database, connection_id)
        woken = [notice async for notice in eyes.notifies(timeout=0.5)]

    print(f"killed at {places}; {given} pages given of {feed.pages}; {undisturbed}; {last}; {second}")
    assert places == sorted(places)
    assert 0 < last["resumed_at"] == places[-1]
    assert given <= feed.pages + 3 * KILLS, "a kill costs the page that it came in, and those that were read ahead"
    assert (last["seen"], last["complete"], last["withdrawn"]) == (len(feed.locations), True, 0)
    assert (second["seen"], second["changed"], second["unchanged"]) == (len(feed.locations), 0, len(feed.locations))
    assert woken == [], "nothing changed, and nobody was told that anything did"
