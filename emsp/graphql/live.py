"""What apps watch: the current state first, then every change, so that nobody misses what happened while away."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import strawberry

from emsp.charging.lifecycle import FINAL
from emsp.charging.session import TOPIC as SESSIONS
from emsp.events import wakes
from emsp.graphql import ids
from emsp.graphql.fields import Id, subscription
from emsp.graphql.live_map import states
from emsp.graphql.live_map.events import Stage, StationAvailabilityEvent, event_of
from emsp.graphql.live_map.states import State
from emsp.graphql.search import Boxed, box_of
from emsp.graphql.sessions import ChargingSession, own_session
from emsp.graphql.viewer import Info
from emsp.graphql.wanted import network_of
from emsp.stations.asking import Network
from emsp.stations.geo import Box
from emsp.stations.waking import MANY
from emsp.stations.waking import TOPIC as STATIONS


@strawberry.type
class LiveSubscription:
    @subscription("The stations in a box: first each as it is, then each whose availability changed.")
    async def station_availability_changed(
        self, info: Info, box: Boxed
    ) -> AsyncGenerator[StationAvailabilityEvent, None]:
        watched, sent, network = box_of(box), dict[int, int](), network_of(info.context.asker.brand)
        if isinstance(stage := info.context, Stage):
            stage.box = watched
            while stage.state:
                yield event_of(stage.state)
            return
        async with wakes.watch(STATIONS) as watch:
            changed: set[Any] | None = None
            while True:
                async for batch in _looked_at(watched, network, changed):
                    for state in batch:
                        if sent.get(state.station_id) != state.fingerprint:
                            sent[state.station_id] = state.fingerprint
                            yield event_of(state)
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


def _looked_at(box: Box, network: Network | None, changed: set[Any] | None) -> AsyncIterator[list[State]]:
    """The stations of box and network that `changed` names (None or MANY: all of them), in bounded batches."""
    if changed is None or MANY in changed:
        return states.in_box(box, network)
    near = [station_id for station_id, longitude, latitude in changed if box.holds(longitude, latitude)]
    return states.of_stations(near, network)
