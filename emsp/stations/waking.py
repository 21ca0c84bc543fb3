"""Whoever watches the map is woken when the availability of stations changed."""

from __future__ import annotations

from collections.abc import Sequence

from emsp import events
from emsp.db.driver import Statement, run
from emsp.db.engine import Db

TOPIC = "stations"
"""Ids of this topic are (station id, longitude, latitude), or MANY."""
MANY = "*"
"""Stands for more stations than are worth naming: look again at all that you show."""
MANY_STATIONS = 500


async def wake(db: Db, changed: Sequence[tuple[int, float, float]]) -> None:
    """Tell whoever watches the map that these stations changed: id, longitude, latitude."""
    await run(db, *waking(changed))


def waking(changed: Sequence[tuple[int, float, float]]) -> list[Statement]:
    """The statements of `wake`."""
    if not changed:
        return []
    return events.waking(TOPIC, changed if len(changed) <= MANY_STATIONS else [MANY])
