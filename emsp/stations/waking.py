"""Whoever watches the map is woken when the availability of stations changed."""

from __future__ import annotations

from collections.abc import Sequence

from emsp import events
from emsp.db.engine import Db

TOPIC = "stations"
"""Ids of this topic are (station id, longitude, latitude), or MANY."""
MANY = "*"
"""Stands for more stations than are worth naming: look again at all that you show."""
MANY_STATIONS = 500


async def wake(db: Db, changed: Sequence[tuple[int, float, float]]) -> None:
    """Tell whoever watches the map that these stations changed: id, longitude, latitude."""
    if changed:
        await events.wake(db, TOPIC, changed if len(changed) <= MANY_STATIONS else [MANY])
