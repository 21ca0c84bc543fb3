"""Asking a party what became of its charges (Sessions and CDRs, sender interfaces).

In every version these offer a list by date and nothing else: no session and no CDR can be asked for by its id (the GET
of a single one is for operators, at our side). So the lists since a charge began are pulled, apart from the scheduled
pulls, and taken in as pushed documents are. Several who ask at once share one answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy.dialects.postgresql import insert

from emsp import clock, logs
from emsp.db.engine import database_url, transaction
from emsp.errors import EmspError, PartnerFailed, PartnerUnreachable, Refused
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId, Peer
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.apply import take_in
from emsp.ocpi.pull.pages import first_url, pages
from emsp.ocpi.pull.schedule import OF_CHARGES
from emsp.ocpi.pull.slices import SLICE
from emsp.ocpi.tables import Connection, SyncRun

MARGIN = timedelta(minutes=10)
"""Clocks differ, and some operators date a session before its start."""
LONGEST_BACK = timedelta(days=62)
ANSWER_HOLDS = timedelta(seconds=10)
"""What was answered so shortly before is not asked again."""
MOST_PAGES = 50
TIMEOUT_S = 120
BROKEN_OFF = "the question was broken off"
log = logs.log(__name__)


async def ask_party(partner_id: UUID, party: PartyId, since: datetime) -> None:
    """Take in the sessions and CDRs that a party lists since then, unless somebody has just done so.

    Raises PartnerFailed, PartnerUnreachable, and Refused (NOT_SUPPORTED) where it has neither list.
    """
    called_at = clock.now()
    async with transaction() as db:
        peer = await routing.peer_for(db, partner_id, party)
    offered = [module for module in OF_CHARGES if peer.find(module, "SENDER")]
    if not offered:
        raise Refused("NOT_SUPPORTED", f"{peer.name} lists neither sessions nor records that could be asked for.")
    date_from = max(since, called_at - LONGEST_BACK) - MARGIN
    async with _one_at_a_time(peer.id, party):
        if await _is_answered(peer.id, party, called_at, date_from):
            return
        await _ask(peer, party, offered, date_from)


async def _ask(peer: Peer, party: PartyId, modules: Sequence[str], date_from: datetime) -> None:
    begun_at = clock.now()
    failure: str | None = BROKEN_OFF
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for module in modules:
                await _pull(peer, party, module, date_from)
        failure = None
    except TimeoutError as late:
        failure = f"{peer.name} did not list its charges within {TIMEOUT_S} seconds"
        raise PartnerUnreachable(failure) from late
    except EmspError as failed:
        failure = str(failed)
        raise
    finally:
        await _remember(peer.id, party, begun_at, date_from, failure)


async def _pull(peer: Peer, party: PartyId, module: str, date_from: datetime) -> None:
    """Every page of a list, or as much of it as one question is worth; the scheduled pulls bring the rest."""
    seen = 0
    first = first_url(peer.url(module, "SENDER"), date_from)
    async with aclosing(pages(peer, first, to=party)) as walk:
        async for page in walk:
            for start in range(0, len(page.items), SLICE):
                await _take_in(peer, module, page.items[start : start + SLICE])
            seen += len(page.items)
            if page.after.pages >= MOST_PAGES:
                log.warning("a question was answered with too much", partner=peer.name, module=module, seen=seen)
                return


async def _take_in(peer: Peer, module: str, bodies: Sequence[bytes]) -> None:
    """What is new; and what was set apart, as the reason may be gone by now."""
    owner = None if peer.hub else peer.party
    items = [inbox.item_of(body, peer.version, owner) for body in bodies]
    async with transaction() as db:
        connection = await db.get_one(Connection, peer.id)
        news = await inbox.news(db, peer.id, module, items)
        fresh = {item.key for item in news.fresh}
        apart = await inbox.apart_among(db, peer.id, module, [item.key for item in items])
        again = {item.key: item for item in items if item.key in apart - fresh}
        if wanted := [*news.fresh, *again.values()]:
            await take_in(db, connection, module, wanted)


@asynccontextmanager
async def _one_at_a_time(connection_id: UUID, party: PartyId) -> AsyncIterator[None]:
    """The lock belongs to a database connection of its own, and goes with it when the process is killed."""
    async with await psycopg.AsyncConnection.connect(database_url(), autocommit=True) as own:
        name = f"ask {connection_id} {'-'.join(party)}"
        await own.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        yield


async def _is_answered(connection_id: UUID, party: PartyId, called_at: datetime, date_from: datetime) -> bool:
    """Whether what is wanted was asked for a moment ago; a failure of then is raised again."""
    async with transaction() as db:
        run = await db.get(SyncRun, (connection_id, _name(party)))
    if run is None or run.started_at is None or run.started_at < called_at - ANSWER_HOLDS:
        return False
    if run.failure:
        raise PartnerFailed(run.failure)
    return run.watermark is not None and run.watermark <= date_from


async def _remember(
    connection_id: UUID, party: PartyId, begun_at: datetime, date_from: datetime, failure: str | None
) -> None:
    """When a party was asked last and from when on, for whoever asks next."""
    keys = {"connection_id": connection_id, "module": _name(party)}
    done_at = None if failure else clock.now()
    facts = {"started_at": begun_at, "watermark": date_from, "succeeded_at": done_at, "failure": failure}
    statement = insert(SyncRun).values({**keys, **facts, "counts": {}})
    async with transaction() as db:
        await db.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=facts))


def _name(party: PartyId) -> str:
    """Under what a question is noted beside the pulls of the connection."""
    return f"asked {'-'.join(party)}"
