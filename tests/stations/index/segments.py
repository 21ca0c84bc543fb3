"""An index of what is in the database, without the process that follows the change log."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from emsp.db.engine import transaction
from emsp.stations.index import codes, load
from emsp.stations.index.books import Books
from emsp.stations.index.columns import Segment
from emsp.stations.index.kept import StationIndex
from emsp.stations.tables import Station


async def index_of_database(dice: random.Random | None = None) -> StationIndex:
    """All shown stations in one segment; with dice in three, some of them dead in one and alive in another."""
    async with transaction() as db:
        ids = list(await db.scalars(select(Station.id)))
    books = Books()
    with load.connect() as connection:

        def segment(some: Sequence[int]) -> Segment:
            return load.read(connection, books, some).segment

        if dice is None:
            return StationIndex(segment(ids))
        part = {id_: dice.randrange(3) for id_ in ids}
        moved, late = ([id_ for id_ in ids if part[id_] == number] for number in (1, 2))
        base = segment([id_ for id_ in ids if part[id_] < 2])
        base.alive[base.rows_of(moved)] = False
        index = StationIndex(base)
        index.segments = (base, segment(moved), segment(late))
        return index


def segment_at(places: Sequence[tuple[float, float]], first_id: int = 1) -> Segment:
    """A station at each place, with one charge point whose status is not known."""
    ids, nothing = [first_id + number for number in range(len(places))], [0] * len(places)
    names = ("operator", "party", "country", "partner", "always_open", "hours_ref", "facilities", "facility_list")
    of_evses = ("position", "status_as_of", "capabilities", "capability_list", "accessible")
    columns: dict[str, Any] = {
        **dict.fromkeys((*names, "source_updated_at", "version", *of_evses), nothing),
        "id": ids,
        "longitude": [longitude for longitude, _ in places],
        "latitude": [latitude for _, latitude in places],
        "evse_id": ids,
        "evse_station": range(len(ids)),
        "status": [codes.STATUSES["UNKNOWN"]] * len(ids),
    }
    texts = [msgspec.json.encode([f"L{id_}", f"Station {id_}", *[None] * 5]) for id_ in ids]
    return Segment.made(columns, {"heap": texts, "evse_heap": [b"[]"] * len(ids)}, Books())
