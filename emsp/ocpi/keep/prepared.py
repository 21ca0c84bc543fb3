"""What is worked out of received objects before their turn comes, without locks: whoever keeps them decides again.

The rows of stations are made here, too, so that the transaction that writes them does little but write.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from emsp.db.engine import transaction
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.meaning import Meanings, understand
from emsp.stations import bulk
from emsp.stations.facts import StationFacts


class Prepared(msgspec.Struct, frozen=True):
    """What items mean, the keys of those that nothing was kept of before, and stations that nobody told of before,
    made into rows."""

    meanings: Meanings = {}
    unkept: frozenset[str] = frozenset()
    stations: bulk.Made = {}


NOTHING = Prepared()


async def prepare(connection_id: UUID, module: str, items: Sequence[Item]) -> Prepared:
    """What those of the items mean that differ from what is kept."""
    async with transaction() as db:
        differing, unkept = await inbox.differing(db, connection_id, module, items)
    meanings = await understand(module, differing)
    new = [facts for item in differing if item.key in unkept and isinstance(facts := meanings[item], StationFacts)]
    return Prepared(meanings, unkept, await _made(connection_id, new) if new else {})


async def _made(connection_id: UUID, stations: Sequence[StationFacts]) -> bulk.Made:
    """The rows of those stations whose owner is known."""
    parties = [PartyId(station.country_code, station.party_id) for station in stations]
    async with transaction() as db:
        owners = await routing.owners(db, connection_id, parties)
        told = zip(parties, stations, strict=True)
        return await bulk.make(db, [(owners[party], station) for party, station in told if party in owners])
