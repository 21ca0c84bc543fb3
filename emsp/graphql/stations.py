"""Stations, their charge points and connectors, as drivers see them."""

from datetime import datetime

import strawberry
from strawberry import field

from emsp import clock
from emsp.graphql import ids
from emsp.graphql.fields import resolver
from emsp.graphql.history import Doubt, Occupancy, Reliability, doubt_of, occupancy_of, reliability_of
from emsp.graphql.indicative import EnergyWh, IndicativePrice, Minutes, indicative_at, lowest_at
from emsp.graphql.loaders import the
from emsp.graphql.node import Node
from emsp.graphql.opening import OpeningHours, opening_hours_of
from emsp.graphql.scalars import URL, CountryCode
from emsp.graphql.tariffs import MissingPriceReason, Tariff, price_missing_at, tariff_at
from emsp.graphql.viewer import Info
from emsp.graphql.words import (
    ConnectorFormat,
    ConnectorStandard,
    EvseCapability,
    EvseStatus,
    Facility,
    Freshness,
    PowerType,
)
from emsp.pricing.quotes.usual import USUAL, Usual
from emsp.stations import opening, tables
from emsp.stations.asking import OnRoute
from emsp.stations.availability import STATUSES
from emsp.stations.availability import Availability as Counted
from emsp.stations.index.records import StationRecord

Row = tables.Station | StationRecord
"""A station as PostgreSQL or as an index has it: the names are the same."""
IN_DRIVERS_WORDS = {status: group.upper() for group, statuses in STATUSES.items() for status in statuses}


@strawberry.type(description="A place on the globe (WGS 84).")
class Coordinates:
    latitude: float = field(description="Degrees north.")
    longitude: float = field(description="Degrees east.")


@strawberry.type(description="Where a station is.")
class Address:
    street: str | None = field(description="Street and number.")
    postal_code: str | None = field(description="Postal code.")
    city: str | None = field(description="City.")
    state: str | None = field(description="State or province, where they are part of an address.")
    country: CountryCode | None = field(description="Country.")


@strawberry.type(description="The name on the charge point.")
class Operator(Node):
    name: str = field(description="The name.")
    website: URL | None = field(description="Its website.")
    phone: str | None = field(description="Its telephone number for drivers.")


@strawberry.type(description="How many charge points there are of which status, and how old that is.")
class Availability:
    available: int = field(description="Free.")
    occupied: int = field(description="In use or blocked.")
    reserved: int = field(description="Reserved.")
    out_of_service: int = field(description="Not usable.")
    unknown: int = field(description="Of unknown status; never counted as free.")
    total: int = field(description="All of them.")
    as_of: datetime | None = field(description="When the newest of these was heard; null when none ever was.")
    freshness: Freshness = field(description="How old that is.", metadata={"kept": False})


@strawberry.type(description="A socket or cable.")
class Connector(Node):
    row: strawberry.Private[tables.Connector]

    @resolver("The kind of plug.", kept=True)
    def standard(self) -> ConnectorStandard:
        return ConnectorStandard(self.row.standard)

    @resolver("Whether one needs a cable of one's own.", kept=True)
    def format(self) -> ConnectorFormat:
        return ConnectorFormat(self.row.format)

    @resolver("The kind of current.", kept=True)
    def power_type(self) -> PowerType:
        return PowerType(self.row.power_type)

    @resolver("The highest power, in kilowatts; null when it is not known.", kept=True)
    def max_power_kw(self) -> float | None:
        return None if self.row.max_power_w is None else self.row.max_power_w / 1000

    @resolver("What charging costs here now; null when that is not known, see `priceMissingReason`.")
    async def tariff(self, info: Info) -> Tariff | None:
        return await tariff_at(info, self.row.id or 0)

    @resolver("Why the price is not known; null when it is.")
    async def price_missing_reason(self, info: Info) -> MissingPriceReason | None:
        return await price_missing_at(info, self.row.id or 0)

    @resolver("What a usual charge costs here, begun now: to compare connectors by.")
    async def indicative_price(
        self, info: Info, energy_wh: EnergyWh = USUAL.energy_wh, minutes: Minutes = USUAL.minutes
    ) -> IndicativePrice:
        return await indicative_at(info, self.row.id or 0, Usual(energy_wh, minutes))

    @resolver("The charge point that it belongs to.")
    async def evse(self, info: Info) -> "Evse":
        return evse_of(await the(info.context.loaders.evses, self.row.evse_id))


@strawberry.type(description="A charge point, which serves one vehicle at a time.")
class Evse(Node):
    row: strawberry.Private[tables.Evse]

    @resolver("The id printed on it; null when the operator does not tell.", kept=True)
    def evse_id(self) -> str | None:
        return self.row.evse_id

    @resolver("The number or name written on it; null when there is none.", kept=True)
    def label(self) -> str | None:
        return self.row.label

    @resolver("Whether it can be used.", kept=True)
    def status(self) -> EvseStatus:
        return EvseStatus(IN_DRIVERS_WORDS.get(self.row.status, "UNKNOWN"))

    @resolver("When the operator said so.", kept=True)
    def status_as_of(self) -> datetime:
        return self.row.status_as_of

    @resolver("What it can do.", kept=True)
    def capabilities(self) -> list[EvseCapability]:
        return list(dict.fromkeys(EvseCapability(word) for word in self.row.capabilities))

    @resolver("Why one may doubt its status; null when there is no reason to.")
    async def doubt(self, info: Info) -> Doubt | None:
        found = await info.context.loaders.doubts_of_evses.load(self.row.id or 0)
        return doubt_of(found, self.row.status) if found else None

    @resolver("Its connectors.", kept=True)
    async def connectors(self, info: Info) -> list[Connector]:
        rows = getattr(self.row, "connectors", None)  # a record of the index brings them along
        if rows is None:
            rows = await info.context.loaders.connectors_of_evses.load(self.row.id or 0)
        return [connector_of(row) for row in rows or []]

    @resolver("The station that it is part of.")
    async def station(self, info: Info) -> "Station":
        row = await the(info.context.loaders.stations, self.row.station_id)
        return station_of(row)


@strawberry.type(description="A place where cars can charge.")
class Station(Node):
    row: strawberry.Private[Row]
    distance: strawberry.Private[int | None] = None
    counted: strawberry.Private[Counted | None] = None
    on_route: strawberry.Private[OnRoute | None] = None

    @resolver("Its name; null when it has none.", kept=True)
    def name(self) -> str | None:
        return self.row.name

    @resolver("Where it is on the globe.", kept=True)
    def coordinates(self) -> Coordinates:
        return Coordinates(latitude=self.row.latitude, longitude=self.row.longitude)

    @resolver("Where it is.", kept=True)
    def address(self) -> Address:
        row = self.row
        return Address(
            street=row.street,
            postal_code=row.postal_code,
            city=row.city,
            state=row.state,
            country=CountryCode(row.country) if row.country else None,
        )

    @resolver("Whose it is.", kept=True)
    async def operator(self, info: Info) -> Operator:
        return await _operator(info, self.row)

    @resolver("How far it is from the point that was asked about, in metres; null without such a point.")
    def distance_m(self) -> int | None:
        return self.distance

    @resolver("Where the route that was asked about passes it, in metres from its beginning; null without a route.")
    def along_m(self) -> int | None:
        return self.on_route.along_m if self.on_route else None

    @resolver(
        "How many metres of detour it is from the route that was asked about, there and back as the crow flies; null"
        " without a route."
    )
    def detour_m(self) -> int | None:
        return self.on_route.detour_m if self.on_route else None

    @resolver("How many of its charge points are free, and how old that is.", kept=True)
    async def availability(self, info: Info) -> Availability:
        if self.counted:
            return availability_of(self.counted)
        if counts := getattr(self.row, "availability", None):
            return availability_of(counts(clock.now()))
        return availability_of(await the(info.context.loaders.availability_of_stations, self.row.id or 0))

    @resolver("How busy it usually is, hour by hour of the week; null when too little was seen of it.")
    async def occupancy(self, info: Info) -> Occupancy | None:
        found = await info.context.loaders.occupancy_of_stations.load(self.row.id or 0)
        return occupancy_of(found) if found else None

    @resolver("How often charges begin there that are asked for by app; null when there were too few to say.")
    async def reliability(self, info: Info) -> Reliability | None:
        found = await info.context.loaders.reliability_of_stations.load(self.row.id or 0)
        return reliability_of(found) if found else None

    @resolver("Its charge points.", kept=True)
    async def evses(self, info: Info) -> list[Evse]:
        rows = getattr(self.row, "evses", None)
        if rows is None:
            rows = await info.context.loaders.evses_of_stations.load(self.row.id or 0)
        return [evse_of(row) for row in rows or []]

    @resolver("What a usual charge costs at its cheapest connector, begun now; null when no price is known there.")
    async def indicative_price(
        self, info: Info, energy_wh: EnergyWh = USUAL.energy_wh, minutes: Minutes = USUAL.minutes
    ) -> IndicativePrice | None:
        return await lowest_at(info, self.row.id or 0, Usual(energy_wh, minutes))

    @resolver("When one can get to it.", kept=True)
    def opening_hours(self) -> OpeningHours:
        return opening_hours_of(self.row)

    @resolver("Whether one can get to it now; null when that is not known.")
    def open_now(self) -> bool | None:
        row = self.row
        return opening.open_at(clock.now(), row.time_zone, row.twenty_four_seven, row.opening_hours)

    @resolver("What is found there.", kept=True)
    def facilities(self) -> list[Facility]:
        return list(dict.fromkeys(Facility(word) for word in self.row.facilities))

    @resolver("Its time zone, by its IANA name.", kept=True)
    def time_zone(self) -> str:
        return self.row.time_zone

    @resolver("When what the operator says of it last changed.", kept=True)
    def updated_at(self) -> datetime:
        return self.row.source_updated_at


def station_of(
    row: Row,
    distance_m: int | None = None,
    counted: Counted | None = None,
    on_route: OnRoute | None = None,
) -> Station:
    """A station as the schema shows it."""
    key = ids.encode("Station", row.id)
    return Station(id=key, row=row, distance=distance_m, counted=counted, on_route=on_route)


def evse_of(row: tables.Evse) -> Evse:
    """A charge point as the schema shows it."""
    return Evse(id=ids.encode("Evse", row.id), row=row)


def connector_of(row: tables.Connector) -> Connector:
    """A connector as the schema shows it."""
    return Connector(id=ids.encode("Connector", row.id), row=row)


def availability_of(counted: Counted) -> Availability:
    """Counts of charge points as the schema shows them."""
    return Availability(
        available=counted.available,
        occupied=counted.occupied,
        reserved=counted.reserved,
        out_of_service=counted.out_of_service,
        unknown=counted.unknown,
        total=counted.total,
        as_of=counted.as_of,
        freshness=Freshness(counted.freshness.value),
    )


def operator_of(row: tables.Operator) -> Operator:
    """An operator as the schema shows it."""
    return _shown_operator(row.id, row.name, row.website, row.phone)


def _shown_operator(key: int | None, name: str, website: str | None, phone: str | None) -> Operator:
    address = URL(website) if website and is_web_address(website) else None
    return Operator(id=ids.encode("Operator", key), name=name, website=address, phone=phone)


def is_web_address(website: str | None) -> bool:
    """Whether what an operator calls its website is an address at all."""
    return website is not None and website.startswith(("http://", "https://"))


async def _operator(info: Info, station: Row) -> Operator:
    """The operator that is named, else the company that publishes the station."""
    if isinstance(station, StationRecord) and (known := station.operator):
        return _shown_operator(known.id, known.name, known.website, known.phone)
    if station.operator_id:
        return operator_of(await the(info.context.loaders.operators, station.operator_id))
    party = await info.context.loaders.parties.load((station.country_code, station.party_id))
    code = f"{station.country_code}-{station.party_id}"
    return Operator(id=ids.encode("Operator", code), name=party.name if party else code, website=None, phone=None)
