"""Find stations: on a map, near a point, by their ids, by a text."""

import asyncio
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound
from emsp.graphql import ids
from emsp.graphql.connection import Connection, checked_first, connection
from emsp.graphql.fields import After, First, Id, resolver, value
from emsp.graphql.stations import Availability, Station, availability_of, station_of
from emsp.graphql.viewer import Info
from emsp.graphql.words import ConnectorStandard, Facility
from emsp.stations import asking, search
from emsp.stations.geo import Box

IDS_MAX, TEXT_MAX = 100, 200
NOBODY = 0


@strawberry.input(
    description="A box on the map, in degrees; it crosses the antimeridian when `west` is east of `east`."
)
class BoxInput:
    west: float = field(description="Its western edge.")
    south: float = field(description="Its southern edge.")
    east: float = field(description="Its eastern edge.")
    north: float = field(description="Its northern edge.")


@strawberry.input(description="Around a point, the nearest first.")
class NearInput:
    latitude: float = field(description="Degrees north.")
    longitude: float = field(description="Degrees east.")
    radius_m: int | None = field(default=strawberry.UNSET, description="Not farther than this many metres.")


@strawberry.input(one_of=True, description="Where to look: exactly one of these.")
class StationPlace:
    box: BoxInput | None = field(default=strawberry.UNSET, description="In a box.")
    near: NearInput | None = field(default=strawberry.UNSET, description="Around a point.")
    ids: list[strawberry.ID] | None = field(default=strawberry.UNSET, description="These stations, up to 100.")


@strawberry.input(description="What a station must have; everything that is set must hold at one of its charge points.")
class StationFilter:
    available_now: bool | None = field(default=strawberry.UNSET, description="A charge point that is free now.")
    standards: list[ConnectorStandard] | None = field(
        default=strawberry.UNSET, description="A connector of one of these kinds."
    )
    min_power_kw: float | None = field(default=strawberry.UNSET, description="A connector with at least this power.")
    operators: list[strawberry.ID] | None = field(default=strawberry.UNSET, description="One of these operators.")
    open_now: bool | None = field(default=strawberry.UNSET, description="It is known to be open now.")
    open24h: bool | None = field(default=strawberry.UNSET, description="It is known to be always open.")
    facilities: list[Facility] | None = field(default=strawberry.UNSET, description="All of these facilities.")
    remote_start: bool | None = field(
        default=strawberry.UNSET, description="A charge point that can be started by app."
    )
    reservable: bool | None = field(default=strawberry.UNSET, description="A charge point that can be reserved.")


@strawberry.type(description="Stations drawn together to one pin.")
class StationCluster:
    latitude: float = field(description="Degrees north of their middle.")
    longitude: float = field(description="Degrees east of their middle.")
    station_count: int = field(description="How many stations.")
    availability: Availability = field(description="How many of their charge points are free, and how old that is.")
    max_power_kw: float | None = field(description="The highest power among them; null when it is not known.")
    station: Station | None = field(description="The station, when it is only one.")


@strawberry.enum(description="What comes first.")
class StationOrder(Enum):
    DISTANCE = value("DISTANCE", "The nearest to the point, or to the middle of the box; ids keep their order.")
    POWER = value("POWER", "The strongest that fits, then the nearest.")
    BEST_MATCH = value("BEST_MATCH", "Where one is free that fits, then where that is not known; the nearest first.")


Boxed = Annotated[BoxInput, strawberry.argument(description="The part of the map that is shown.")]
Text = Annotated[str, strawberry.argument(description="What a person typed or scanned.")]
Filtered = Annotated[StationFilter | None, strawberry.argument(description="What a station must have.")]


@strawberry.type
class SearchQuery:
    @resolver("Stations at a place, with what is wanted of them, in pages.")
    async def stations(
        self,
        where: Annotated[StationPlace, strawberry.argument(description="Where to look.")],
        filter: Filtered = strawberry.UNSET,
        order_by: Annotated[
            StationOrder | None, strawberry.argument(description="What comes first; the nearest unless said otherwise.")
        ] = strawberry.UNSET,
        first: First = 20,
        after: After = strawberry.UNSET,
    ) -> Connection[Station]:
        order = asking.Order(order_by.value) if order_by else asking.Order.DISTANCE
        async with transaction() as db:
            page = await search.find(db, _place(where), _wanted(filter), order, checked_first(first), after or None)
        return _stations(page, after or None)

    @resolver("Stations drawn together to pins for a zoom level of the map, with honest totals.")
    async def station_clusters(
        self,
        info: Info,
        box: Boxed,
        zoom: Annotated[int, strawberry.argument(description="The zoom level of a web map, 0 to 22.")],
        filter: Filtered = strawberry.UNSET,
    ) -> list[StationCluster]:
        async with transaction() as db:
            found = await search.clusters(db, box_of(box), zoom, _wanted(filter))
        return list(await asyncio.gather(*(_cluster(info, cluster) for cluster in found)))

    @resolver("A station by its id; null when there is none with it.")
    async def station(self, info: Info, id: Id) -> Station | None:
        return await find_station(info, id)

    @resolver("Stations by a text: name, address, city, operator, or the id printed on a charge point.")
    async def search_places(self, text: Text, first: First = 10) -> Connection[Station]:
        if len(text) > TEXT_MAX:
            raise Invalid(f"must have at most {TEXT_MAX} characters", "text")
        async with transaction() as db:
            page = await search.search_places(db, text, checked_first(first, default=10))
        return _stations(page, None)


async def find_station(info: Info, unchecked_id: str) -> Station | None:
    """The station that is shown, or None."""
    try:
        row = await info.context.loaders.stations.load(ids.number_of(unchecked_id, "Station"))
    except NotFound:
        return None
    return station_of(row) if row and row.shown else None


def box_of(given: BoxInput) -> Box:
    """A box as the search knows it. Raises Invalid."""
    return Box(given.west, given.south, given.east, given.north)


def _place(where: StationPlace) -> asking.Place:
    if where.box:
        return box_of(where.box)
    if where.near:
        return asking.Near(where.near.longitude, where.near.latitude, where.near.radius_m or None)
    wanted = where.ids or []
    if len(wanted) > IDS_MAX:
        raise Invalid(f"at most {IDS_MAX} at a time", "where.ids")
    return asking.Ids(tuple(number for unchecked_id in wanted for number in _numbers(unchecked_id, "Station")))


def _wanted(given: StationFilter | None) -> asking.Filter:
    if not given:
        return asking.Filter()
    power_kw = given.min_power_kw
    return asking.Filter(
        available_now=bool(given.available_now),
        standards=tuple(standard.value for standard in given.standards or ()),
        min_power_w=round(power_kw * 1000) if power_kw else None,
        operator_ids=_operators(given.operators or []),
        open_now=bool(given.open_now),
        open_24h=bool(given.open24h),
        facilities=tuple(facility.value for facility in given.facilities or ()),
        remote_start=bool(given.remote_start),
        reservable=bool(given.reservable),
    )


def _operators(unchecked_ids: list[strawberry.ID]) -> tuple[int, ...]:
    """Ids that are no operator's find nothing, rather than everything."""
    found = tuple(number for unchecked_id in unchecked_ids for number in _numbers(unchecked_id, "Operator"))
    return found if found or not unchecked_ids else (NOBODY,)


def _numbers(unchecked_id: str, kind: str) -> list[int]:
    try:
        return [ids.number_of(unchecked_id, kind)]
    except NotFound:
        return []


def _stations(page: asking.Page, after: str | None) -> Connection[Station]:
    nodes = [station_of(row, distance_m) for row, distance_m in zip(page.stations, page.distances_m, strict=True)]
    return connection(nodes, page.cursors, has_next=page.has_next, total=page.total_count, after=after)


async def _cluster(info: Info, cluster: asking.Cluster) -> StationCluster:
    row = await info.context.loaders.stations.load(cluster.station_id) if cluster.station_id else None
    return StationCluster(
        latitude=cluster.latitude,
        longitude=cluster.longitude,
        station_count=cluster.station_count,
        availability=availability_of(cluster.availability),
        max_power_kw=None if cluster.max_power_w is None else cluster.max_power_w / 1000,
        station=station_of(row, counted=cluster.availability) if row else None,
    )
