"""The driver's vehicles: what a quote needs to know of a car."""

from typing import TypeVar
from uuid import UUID

import strawberry
from strawberry import field

from emsp.accounts import tables, vehicles
from emsp.db.engine import transaction
from emsp.errors import NotFound, Refused
from emsp.graphql import ids
from emsp.graphql.node import Node
from emsp.graphql.viewer import Info

T = TypeVar("T")
W_PER_KW = 1000


@strawberry.type(description="A driver's car: what its battery holds and how fast it charges.")
class Vehicle(Node):
    name: str = field(description="What the driver calls it.")
    battery_capacity_wh: int = field(description="What its battery holds, in watt-hours.")
    max_ac_power_kw: float = field(description="The most alternating current power that it takes, in kW.")
    max_dc_power_kw: float | None = field(
        description="The most direct current power that it takes, in kW; null when it takes none."
    )


def vehicle_of(row: tables.Vehicle) -> Vehicle:
    """A car as the schema shows it."""
    return Vehicle(
        id=ids.encode("Vehicle", row.id),
        name=row.name,
        battery_capacity_wh=row.battery_capacity_wh,
        max_ac_power_kw=row.max_ac_power_w / W_PER_KW,
        max_dc_power_kw=None if row.max_dc_power_w is None else row.max_dc_power_w / W_PER_KW,
    )


def key_of_vehicle(unchecked_id: str) -> UUID:
    """The key in a vehicle's id. Raises Refused for an id that can be none, as for one that is somebody else's."""
    try:
        return ids.uuid_of(unchecked_id, "Vehicle")
    except NotFound as error:
        raise vehicles.no_such_vehicle() from error


async def own_vehicle(info: Info, vehicle_id: UUID) -> Vehicle | None:
    """The asker's car with this id; None for another driver's as for none."""
    driver = info.context.asker.driver
    if driver is None:
        return None
    try:
        async with transaction() as db:
            return vehicle_of(await vehicles.vehicle_of(db, driver.id, vehicle_id))
    except Refused:
        return None


async def own_vehicles(driver_id: UUID) -> list[Vehicle]:
    """A driver's cars, in the order in which they were added."""
    async with transaction() as db:
        return [vehicle_of(row) for row in await vehicles.vehicles_of(db, driver_id)]


def given(wanted: T | None) -> T | None:
    """What an optional input holds; None where it was left out."""
    return None if wanted is strawberry.UNSET else wanted
