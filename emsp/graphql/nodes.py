"""Anything by its id, for whoever may see it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from emsp.errors import Invalid, NotFound
from emsp.graphql import ids
from emsp.graphql.brand import brand_of
from emsp.graphql.fields import Id, resolver
from emsp.graphql.fleet_invoices import own_invoice
from emsp.graphql.fleets import own_bill, own_fleet
from emsp.graphql.node import Node
from emsp.graphql.payments import payment_method_of
from emsp.graphql.people import driver_of
from emsp.graphql.quotes import quote_of
from emsp.graphql.receipts import receipt_of
from emsp.graphql.reservations import own_reservation
from emsp.graphql.sessions import own_session
from emsp.graphql.stations import connector_of, evse_of, operator_of, station_of
from emsp.graphql.tariffs import tariff_at
from emsp.graphql.tokens import own_token
from emsp.graphql.vehicles import own_vehicle
from emsp.graphql.viewer import Info, sees
from emsp.graphql.visible import sees_station

NODES_MAX = 100
Ids = Annotated[list[strawberry.ID], strawberry.argument(description="The ids.")]


async def find(info: Info, unchecked_id: str) -> Node | None:
    """What the id is of, or None: unknown and somebody else's look the same."""
    try:
        kind, key = ids.decode(unchecked_id)
        return await FINDERS[kind](info, key) if kind in FINDERS else None
    except NotFound:
        return None


async def _brand(info: Info, key: str) -> Node | None:
    brand = info.context.asker.brand
    return brand_of(brand) if ids.as_uuid(key) == brand.id else None


async def _driver(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.drivers.load(ids.as_uuid(key))
    return driver_of(row) if row and sees(info.context.asker, row) else None


async def _session(info: Info, key: str) -> Node | None:
    return await own_session(info, ids.as_uuid(key))


async def _receipt(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.receipts.load(ids.as_uuid(key))
    return receipt_of(row) if row and sees(info.context.asker, row) else None


async def _quote(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.quotes.load(ids.as_uuid(key))
    return quote_of(row) if row and sees(info.context.asker, row) else None


async def _payment_method(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.payment_methods.load(ids.as_uuid(key))
    return payment_method_of(row) if row and sees(info.context.asker, row) else None


async def _station(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.stations.load(ids.as_number(key))
    return station_of(row) if row and await sees_station(info, row) else None


async def _evse(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.evses.load(ids.as_number(key))
    station = await info.context.loaders.stations.load(row.station_id) if row and not row.removed else None
    return evse_of(row) if row and station and await sees_station(info, station) else None


async def _connector(info: Info, key: str) -> Node | None:
    place = await info.context.loaders.places.load(ids.as_number(key))
    if place is None or place.connector.removed or place.evse.removed or not await sees_station(info, place.station):
        return None
    return connector_of(place.connector)


async def _operator(info: Info, key: str) -> Node | None:
    row = await info.context.loaders.operators.load(ids.as_number(key))
    return operator_of(row) if row else None


async def _tariff(info: Info, key: str) -> Node | None:
    return await tariff_at(info, ids.as_number(key))


async def _vehicle(info: Info, key: str) -> Node | None:
    return await own_vehicle(info, ids.as_uuid(key))


async def _charge_token(info: Info, key: str) -> Node | None:
    return await own_token(info, ids.as_uuid(key))


async def _reservation(info: Info, key: str) -> Node | None:
    return await own_reservation(info, ids.as_uuid(key))


FINDERS: dict[str, Callable[[Info, str], Awaitable[Node | None]]] = {
    "Brand": _brand,
    "ChargeToken": _charge_token,
    "ChargingSession": _session,
    "Connector": _connector,
    "Driver": _driver,
    "Evse": _evse,
    "Fleet": own_fleet,
    "FleetBill": own_bill,
    "FleetInvoice": own_invoice,
    "Operator": _operator,
    "PaymentMethod": _payment_method,
    "PriceQuote": _quote,
    "Receipt": _receipt,
    "Reservation": _reservation,
    "Station": _station,
    "Tariff": _tariff,
    "Vehicle": _vehicle,
}


@strawberry.type
class NodeQuery:
    @resolver("Anything by its id; null when there is nothing with it that the asker may see.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await find(info, id)

    @resolver("Up to 100 things by their ids, in the same order, null for what is not there.")
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None]:
        if len(ids) > NODES_MAX:
            raise Invalid(f"at most {NODES_MAX} at a time", "ids")
        return list(await asyncio.gather(*(find(info, unchecked_id) for unchecked_id in ids)))
