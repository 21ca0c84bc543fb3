"""Charge points without an EVSE id, and what stands next to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from emsp.db.engine import Db
from emsp.stations.twins import read
from emsp.stations.twins.rules import Published, Twin, is_usable, same_by_place

RINGS = 3
"""What may be meant, who else may mean that, and what else those may mean: each is next to the one before."""


async def match(
    db: Db, station_ids: Collection[int], decided: Collection[int], by_id: Sequence[Twin]
) -> tuple[set[int], list[Twin]]:
    """The charge points without an EVSE id at these stations and next to them, and those of them that are twins.

    `by_id` are the twins among the charge points `decided` about; of others it is taken what is kept.
    """
    concerned = await read.nameless_around(db, station_ids) if station_ids else []
    if not concerned:
        return set(), []
    rings, near = await _rings(db, concerned)
    published = await read.at_stations(db, rings)
    twins = {twin.evse_id for twin in by_id}
    twins |= await read.twins_by_id(db, {one.evse_id for one in published} - set(decided))
    asking = [one for one in published if not is_usable(one.key)]
    by_place = same_by_place(asking, _around(asking, [one for one in published if one.evse_id not in twins], near))
    own = {one.evse_id for one in asking if one.station_id in set(concerned)}
    return own, [twin for twin in by_place if twin.evse_id in own]


async def _rings(db: Db, station_ids: Iterable[int]) -> tuple[set[int], Mapping[int, set[int]]]:
    """These stations with all in their neighbourhood, and what is next to each."""
    reached, near = set(station_ids), dict[int, set[int]]()
    for _ in range(RINGS):
        near |= await read.near(db, reached - near.keys())
        reached = reached.union(*near.values())
    return reached, near


def _around(
    asking: Iterable[Published], others: Iterable[Published], near: Mapping[int, set[int]]
) -> dict[int, list[Published]]:
    at_station: dict[int, list[Published]] = defaultdict(list)
    for other in others:
        at_station[other.station_id].append(other)
    return {
        one.evse_id: [other for id_ in near.get(one.station_id, ()) for other in at_station.get(id_, ())]
        for one in asking
    }
