"""What apps watch: the current state first, then every change, so that nobody misses what happened while away."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import strawberry
from strawberry import field

from emsp.charging.lifecycle import FINAL
from emsp.charging.session import TOPIC as SESSIONS
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.events import wakes
from emsp.graphql import ids
from emsp.graphql.fields import Id, subscription
from emsp.graphql.search import Boxed, box_of
from emsp.graphql.sessions import ChargingSession, own_session
from emsp.graphql.stations import Availability, Station, availability_of, station_of
from emsp.graphql.viewer import Info
from emsp.stations import search, tables
from emsp.stations.asking import Filter, Ids, Order, Place
from emsp.stations.availability import Availability as Counted
from emsp.stations.availability import availability
from emsp.stations.changes import MANY
from emsp.stations.changes import TOPIC as STATIONS
from emsp.stations.geo import Box

WATCHED_MAX, BATCH = 1000, 100
Counts = tuple[tables.Station, Counted]


@strawberry.type(description="A station in the box: as it is when one begins to watch, then whenever it changed.")
class StationAvailabilityEvent:
    station: Station = field(description="The station.")
    availability: Availability = field(description="How many of its charge points are free now.")


@strawberry.type
class LiveSubscription:
    @subscription("The stations in a box: first each as it is, then each whose availability changed.")
    async def station_availability_changed(self, box: Boxed) -> AsyncGenerator[StationAvailabilityEvent, None]:
        watched, sent = box_of(box), dict[int, Counted]()
        async with wakes.watch(STATIONS) as watch:
            changed: set[Any] | None = None
            while True:
                async for station, counted in _counted(watched, changed):
                    if sent.get(station.id or 0) != counted:
                        sent[station.id or 0] = counted
                        yield _event(station, counted)
                changed = await watch.changed()

    @subscription("A charge of the asker's: first as it is, then at every change, until it is settled or has failed.")
    async def charging_session_changed(self, info: Info, id: Id) -> AsyncGenerator[ChargingSession, None]:
        key = ids.uuid_of(id, "ChargingSession")
        async with wakes.watch(SESSIONS) as watch:
            changed: set[Any] | None = None
            while True:
                if changed is None or str(key) in changed:
                    session = await own_session(info, key)
                    if session is None:
                        raise ids.nothing()
                    yield session
                    if session.row.state in FINAL:
                        return
                changed = await watch.changed()


async def _counted(box: Box, changed: set[Any] | None) -> AsyncIterator[Counts]:
    """The stations of the box that `changed` names (None or MANY: all of them), in bounded batches."""
    if changed is None or MANY in changed:
        async for batch in _all(box):
            for one in batch:
                yield one
        return
    near = [station_id for station_id, longitude, latitude in changed if box.holds(longitude, latitude)]
    for start in range(0, len(near), BATCH):
        batch, _, _ = await _batch(Ids(tuple(near[start : start + BATCH])), None)
        for one in batch:
            yield one


async def _all(box: Box) -> AsyncIterator[list[Counts]]:
    after: str | None = None
    while True:
        batch, total, after = await _batch(box, after)
        if total > WATCHED_MAX:
            raise Invalid(f"holds {total} stations; at most {WATCHED_MAX} can be watched at a time", "box")
        yield batch
        if after is None:
            return


async def _batch(place: Place, after: str | None) -> tuple[list[Counts], int, str | None]:
    """Some stations with their availability, how many there are in all, and the cursor when there are more."""
    async with transaction() as db:
        page = await search.find(db, place, Filter(), Order.DISTANCE, BATCH, after)
        counted = await availability(db, [station.id or 0 for station in page.stations])
    batch = [(station, counted[station.id or 0]) for station in page.stations]
    return batch, page.total_count, page.cursors[-1] if page.has_next else None


def _event(station: tables.Station, counted: Counted) -> StationAvailabilityEvent:
    return StationAvailabilityEvent(station=station_of(station, counted=counted), availability=availability_of(counted))
