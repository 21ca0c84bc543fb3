"""What a watcher of the map is told, and the stage on which a subscription is played for many of them at once."""

from dataclasses import dataclass

import strawberry
from strawberry import field

from emsp.graphql.live_map.states import State
from emsp.graphql.loaders import Loaders
from emsp.graphql.stations import Availability, Station, availability_of, station_of
from emsp.graphql.viewer import Context
from emsp.stations.geo import Box


@strawberry.type(description="A station in the box: as it is when one begins to watch, then whenever it changed.")
class StationAvailabilityEvent:
    station: Station = field(description="The station.")
    availability: Availability = field(description="How many of its charge points are free now.")


def event_of(state: State) -> StationAvailabilityEvent:
    """A state of a station as the schema shows it."""
    station = station_of(state.row, counted=state.counted)
    return StationAvailabilityEvent(station=station, availability=availability_of(state.counted))


@dataclass
class Stage(Context):
    """A context in which the resolver does not watch by itself.

    It notes the box that it was asked about, then gives the event of `state`, again and again; without a state it ends.
    """

    box: Box | None = None
    state: State | None = None


def stage_for(context: Context) -> Stage:
    """A stage for whoever asks in `context`."""
    stage = Stage(context.request_id, context.headers, Loaders(remember=False))
    stage.asker = context.asker
    return stage
