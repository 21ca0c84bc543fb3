"""What a request reads by key, in batches: whatever the size of a page, each kind of thing is one query.

A batch reads over a connection of its own, and a resolver that waits for a loader holds none: no request waits for a
connection while it keeps another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, select, tuple_
from sqlmodel import col
from strawberry.dataloader import DataLoader

from emsp import clock
from emsp.accounts.tables import ChargeToken, Driver, Vehicle
from emsp.charging import prefer, read
from emsp.charging.dues import due
from emsp.charging.tables import ChargingSession, Receipt
from emsp.charging.ways import known_ways
from emsp.db.engine import Db, reading
from emsp.fleets.sending import documents_of
from emsp.fleets.tables import Fleet, FleetInvoice, FleetMember
from emsp.partners.tables import Party
from emsp.payments.tables import Hold, PaymentMethod
from emsp.pricing.catalog import Missing, tariffs_of_connectors
from emsp.pricing.quotes.indicative import asked_at, indicative_prices
from emsp.pricing.quotes.usual import Indicative, Usual
from emsp.pricing.retail.sale import terms_of_askers
from emsp.pricing.retail.terms import Terms
from emsp.pricing.tables import Quote, TariffRow
from emsp.stations.availability import availability
from emsp.stations.history import read as history
from emsp.stations.loaders import connectors_of, evses_of
from emsp.stations.outlets import outlets_of
from emsp.stations.tables import Connector, Evse, Operator, Station
from emsp.stations.twins.shown import has_twins

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Query = Callable[[Db, list[K]], Awaitable[Mapping[K, V]]]


class Place(NamedTuple):
    """A connector with where it is, and whether its charge point is published more than once."""

    connector: Connector
    evse: Evse
    station: Station
    has_twins: bool


class PriceKey(NamedTuple):
    """What charging is to cost: where, how much, for whom."""

    connector_id: int
    usual: Usual
    terms: Terms


class Loaders:
    """The loaders of one request, made when one is needed.

    A WebSocket connection lives long: there, nothing is remembered.
    """

    def __init__(self, *, remember: bool = True) -> None:
        self._remember = remember

    def emptied(self) -> Loaders:
        """Of the same kind, with nothing loaded."""
        return Loaders(remember=self._remember)

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet."""
        if name.startswith("_") or "stations" in self.__dict__:
            raise AttributeError(name)
        self._make(self._remember)
        return getattr(self, name)

    def _make(self, remember: bool) -> None:
        def one(query: Query[K, V]) -> DataLoader[K, V | None]:
            return DataLoader(_batched(query), cache=remember)

        def rows(table: Any) -> Any:
            return one(_rows(table))

        self.stations: DataLoader[int, Station | None] = rows(Station)
        self.evses: DataLoader[int, Evse | None] = rows(Evse)
        self.connectors: DataLoader[int, Connector | None] = rows(Connector)
        self.operators: DataLoader[int, Operator | None] = rows(Operator)
        self.tariffs: DataLoader[int, TariffRow | None] = rows(TariffRow)
        self.drivers: DataLoader[UUID, Driver | None] = rows(Driver)
        self.sessions: DataLoader[UUID, ChargingSession | None] = rows(ChargingSession)
        self.receipts: DataLoader[UUID, Receipt | None] = rows(Receipt)
        self.quotes: DataLoader[UUID, Quote | None] = rows(Quote)
        self.holds: DataLoader[UUID, Hold | None] = rows(Hold)
        self.payment_methods: DataLoader[UUID, PaymentMethod | None] = rows(PaymentMethod)
        self.fleets: DataLoader[UUID, Fleet | None] = rows(Fleet)
        self.charge_tokens: DataLoader[UUID, ChargeToken | None] = rows(ChargeToken)
        self.vehicles: DataLoader[UUID, Vehicle | None] = rows(Vehicle)
        self.fleet_invoices: DataLoader[UUID, FleetInvoice | None] = rows(FleetInvoice)
        self.invoices_of_months = one(_invoices_of_months)
        self.documents_of_invoices = one(documents_of)
        self.memberships = one(_memberships)
        self.parties = one(_parties)
        self.places = one(_places)
        self.receipts_of_sessions = one(read.receipts_of)
        self.corrections_of_receipts = one(read.corrections_of)
        self.preferences_of_sessions = one(prefer.preferences_of)
        self.events_of_sessions = one(read.events)
        self.dues_of_sessions = one(due.dues_of_sessions)
        self.evses_of_stations = one(evses_of)
        self.connectors_of_evses = one(connectors_of)
        self.availability_of_stations = one(availability)
        self.occupancy_of_stations = one(history.occupancy_of)
        self.reliability_of_stations = one(history.reliability_of)
        self.doubts_of_evses = one(history.doubts_of)
        self.tariffs_of_connectors = one(_tariffs_now)
        self.ways_to_connectors = one(known_ways)
        self.terms = one(terms_of_askers)
        self.indicative_prices = one(_indicative_prices)


async def the(loader: DataLoader[K, V | None], key: K) -> V:
    """What must be there, since something that is there refers to it."""
    found = await loader.load(key)
    if found is None:
        raise LookupError(f"nothing has the key {key}")
    return found


def _batched(query: Query[K, V]) -> Callable[[list[K]], Awaitable[list[V | None]]]:
    async def load(keys: list[K]) -> list[V | None]:
        async with reading() as db:
            found = await query(db, list(dict.fromkeys(keys)))
        return [found.get(key) for key in keys]

    return load


def _rows(table: Any) -> Query[Any, Any]:
    wanted = select(table).where(table.id.in_(bindparam("keys", expanding=True)))

    async def query(db: Db, keys: list[Any]) -> dict[Any, Any]:
        return {row.id: row for row in await db.scalars(wanted, {"keys": keys})}

    return query


async def _memberships(db: Db, keys: list[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], FleetMember]:
    """Memberships by (fleet, driver)."""
    wanted = tuple_(col(FleetMember.fleet_id), col(FleetMember.driver_id)).in_(keys)
    return {(row.fleet_id, row.driver_id): row for row in await db.scalars(select(FleetMember).where(wanted))}


async def _invoices_of_months(db: Db, keys: list[tuple[UUID, str, str]]) -> dict[tuple[UUID, str, str], FleetInvoice]:
    """Invoices by (fleet, month, currency)."""
    wanted = tuple_(col(FleetInvoice.fleet_id), col(FleetInvoice.month), col(FleetInvoice.currency)).in_(keys)
    rows = await db.scalars(select(FleetInvoice).where(wanted))
    return {(row.fleet_id, row.month, row.currency): row for row in rows}


async def _parties(db: Db, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Party]:
    """Parties of operators by (country code, party id)."""
    wanted = tuple_(col(Party.country_code), col(Party.party_id)).in_(keys)
    return {(row.country_code, row.party_id): row for row in await db.scalars(select(Party).where(wanted))}


async def _places(db: Db, connector_ids: list[int]) -> dict[int, Place]:
    """Where connectors are."""
    found = await db.execute(
        select(Connector, Evse, Station, has_twins())
        .join(Evse, col(Evse.id) == Connector.evse_id)
        .join(Station, col(Station.id) == Evse.station_id)
        .where(col(Connector.id).in_(connector_ids))
    )
    places = [Place(*row) for row in found]
    return {place.connector.id or 0: place for place in places}


async def _tariffs_now(db: Db, connector_ids: list[int]) -> Mapping[int, TariffRow | Missing]:
    """What applies now at connectors: a tariff, or the reason why none is known."""
    return await tariffs_of_connectors(db, connector_ids, clock.now())


async def _indicative_prices(db: Db, keys: list[PriceKey]) -> dict[PriceKey, Indicative]:
    """What charging costs at connectors; two statements, however many there are, of whatever charge."""
    now = clock.now()
    outlets = await outlets_of(db, {key.connector_id for key in keys})
    asked = await asked_at(db, set(outlets.values()), now)
    found = dict[PriceKey, Indicative]()
    for (usual, terms), ids in _by_charge(keys).items():
        there = {id_: outlets[id_] for id_ in ids if id_ in outlets}
        prices = await indicative_prices({outlet: asked[outlet] for outlet in there.values()}, terms, now, usual)
        found |= {PriceKey(id_, usual, terms): prices[outlet] for id_, outlet in there.items()}
    return found


def _by_charge(keys: list[PriceKey]) -> dict[tuple[Usual, Terms], list[int]]:
    groups = defaultdict[tuple[Usual, Terms], list[int]](list)
    for key in keys:
        groups[key.usual, key.terms].append(key.connector_id)
    return groups
