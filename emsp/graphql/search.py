"""Find stations: on a map, near a point, by their ids, by a text."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import strawberry
from strawberry import field

from emsp.db.engine import reading
from emsp.errors import Invalid, NotFound
from emsp.graphql import ids
from emsp.graphql.connection import Connection, checked_first, connection
from emsp.graphql.execution.kept import Rows
from emsp.graphql.fields import After, First, Id, resolver
from emsp.graphql.station_sheets import sheets
from emsp.graphql.stations import Availability, Row, Station, availability_of, station_of
from emsp.graphql.viewer import Info
from emsp.graphql.visible import sees_station
from emsp.graphql.wanted import StationFilter, StationOrder, filter_of, network_of, numbers_of, pricing
from emsp.stations import asking, search
from emsp.stations.geo import Box
from emsp.stations.index.chosen import Records

IDS_MAX, TEXT_MAX = 100, 200


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


@strawberry.input(description="A place on the globe (WGS 84).")
class PointInput:
    latitude: float = field(description="Degrees north.")
    longitude: float = field(description="Degrees east.")


@strawberry.input(description="Along a route, what one passes first comes first.")
class AlongInput:
    path: list[PointInput] = field(description="The points of the route, from its beginning: up to 2,000.")
    corridor_m: int = field(description="Not farther off the route than this many metres, up to 50,000.")


@strawberry.input(one_of=True, description="Where to look: exactly one of these.")
class StationPlace:
    box: BoxInput | None = field(default=strawberry.UNSET, description="In a box.")
    near: NearInput | None = field(default=strawberry.UNSET, description="Around a point.")
    along: AlongInput | None = field(default=strawberry.UNSET, description="Along a route.")
    ids: list[strawberry.ID] | None = field(default=strawberry.UNSET, description="These stations, up to 100.")


@strawberry.type(description="Stations drawn together to one pin.")
class StationCluster:
    latitude: float = field(description="Degrees north of their middle.")
    longitude: float = field(description="Degrees east of their middle.")
    station_count: int = field(description="How many stations.")
    availability: Availability = field(description="How many of their charge points are free, and how old that is.")
    max_power_kw: float | None = field(description="The highest power among them; null when it is not known.")
    station: Station | None = field(description="The station, when it is only one.")


Boxed = Annotated[BoxInput, strawberry.argument(description="The part of the map that is shown.")]
Text = Annotated[str, strawberry.argument(description="What a person typed or scanned.")]
Filtered = Annotated[StationFilter | None, strawberry.argument(description="What a station must have.")]


@strawberry.type
class SearchQuery:
    @resolver("Stations at a place, with what is wanted of them, in pages.")
    async def stations(
        self,
        info: Info,
        where: Annotated[StationPlace, strawberry.argument(description="Where to look.")],
        filter: Filtered = strawberry.UNSET,
        order_by: Annotated[
            StationOrder | None, strawberry.argument(description="What comes first; the nearest unless said otherwise.")
        ] = strawberry.UNSET,
        first: First = 20,
        after: After = strawberry.UNSET,
    ) -> Connection[Station]:
        order = asking.Order(order_by.value) if order_by else asking.Order.DISTANCE
        place, wanted, prices = _place(where), _wanted(info, filter), await pricing(info, filter, order)
        asked = place, wanted, order, checked_first(first), after or None
        page = await search.find_at_hand(*asked)
        if page is None:
            async with reading() as db:
                page = await search.find(db, *asked, prices=prices(db))
        return _stations(page, after or None)

    @resolver("Stations drawn together to pins for a zoom level of the map, with honest totals.")
    async def station_clusters(
        self,
        info: Info,
        box: Boxed,
        zoom: Annotated[int, strawberry.argument(description="The zoom level of a web map, 0 to 22.")],
        filter: Filtered = strawberry.UNSET,
    ) -> list[StationCluster]:
        wanted, prices = _wanted(info, filter), await pricing(info, filter)
        async with reading() as db:
            found = await search.clusters(db, box_of(box), zoom, wanted, prices=prices(db))
            rows = await search.by_ids(db, [cluster.station_id for cluster in found if cluster.station_id])
        alone = {row.id: row for row in rows}
        return [_cluster(cluster, alone.get(cluster.station_id)) for cluster in found]

    @resolver("A station by its id; null when there is none with it.")
    async def station(self, info: Info, id: Id) -> Station | None:
        return await find_station(info, id)

    @resolver("Stations by a text: name, address, city, operator, or the id printed on a charge point.")
    async def search_places(self, info: Info, text: Text, first: First = 10) -> Connection[Station]:
        if len(text) > TEXT_MAX:
            raise Invalid(f"must have at most {TEXT_MAX} characters", "text")
        async with reading() as db:
            network = network_of(info.context.asker.brand)
            page = await search.search_places(db, text, checked_first(first, default=10), network=network)
        return _stations(page, None)


async def find_station(info: Info, unchecked_id: str) -> Station | None:
    """The station that is shown, or None."""
    try:
        row = await info.context.loaders.stations.load(ids.number_of(unchecked_id, "Station"))
    except NotFound:
        return None
    return station_of(row) if row and await sees_station(info, row) else None


def box_of(given: BoxInput) -> Box:
    """A box as the search knows it. Raises Invalid."""
    return Box(given.west, given.south, given.east, given.north)


def _wanted(info: Info, filter: StationFilter | None) -> asking.Filter:
    return filter_of(filter, network_of(info.context.asker.brand))


def _place(where: StationPlace) -> asking.Place:
    if where.box:
        return box_of(where.box)
    if where.near:
        return asking.Near(where.near.longitude, where.near.latitude, where.near.radius_m or None)
    if where.along:
        path = tuple((point.longitude, point.latitude) for point in where.along.path)
        return asking.Along(path, where.along.corridor_m)
    wanted = where.ids or []
    if len(wanted) > IDS_MAX:
        raise Invalid(f"at most {IDS_MAX} at a time", "where.ids")
    return asking.Ids(tuple(number for unchecked_id in wanted for number in numbers_of(unchecked_id, "Station")))


def _stations(page: asking.Page, after: str | None) -> Connection[Station]:
    stations = page.stations

    def made(places: Sequence[int]) -> list[Station]:
        rows = stations.read(places) if isinstance(stations, Records) else [stations[place] for place in places]
        return [
            station_of(row, page.distances_m[place], on_route=page.on_route[place])
            for place, row in zip(places, rows, strict=True)
        ]

    nodes: Sequence[Station]
    if isinstance(stations, Records):  # need not be made where all that is asked of them is kept, or written by a sheet
        nodes = Rows(stations.ids, stations.versions, made, partial(sheets, stations))
    else:
        nodes = made(range(len(stations)))
    return connection(nodes, page.cursors, has_next=page.has_next, total=page.total_count, after=after)


def _cluster(cluster: asking.Cluster, alone: Row | None) -> StationCluster:
    return StationCluster(
        latitude=cluster.latitude,
        longitude=cluster.longitude,
        station_count=cluster.station_count,
        availability=availability_of(cluster.availability),
        max_power_kw=None if cluster.max_power_w is None else cluster.max_power_w / 1000,
        station=station_of(alone, counted=cluster.availability) if alone else None,
    )
