"""Drivers' cars: what their batteries hold and how fast they charge."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, delete, func, select

from emsp import clock
from emsp.accounts.tables import Driver, Vehicle
from emsp.db.engine import Db
from emsp.errors import Invalid, Refused

VEHICLES_MAX = 20
NAME_MAX = 80
BATTERY_WH = (1_000, 2_000_000)
AC_POWER_W = (1_000, 100_000)
DC_POWER_W = (1_000, 4_000_000)
REMOVED_KEPT_FOR = timedelta(days=30)


async def add_vehicle(
    db: Db,
    driver_id: UUID,
    *,
    name: str,
    battery_capacity_wh: int,
    max_ac_power_w: int,
    max_dc_power_w: int | None = None,
) -> Vehicle:
    """A car of the driver's; without `max_dc_power_w` one that takes no direct current.

    Raises Invalid naming the field, and Refused (TOO_MANY_VEHICLES).
    """
    await db.get_one(Driver, driver_id, with_for_update=True)  # one after the other, so that the limit is one
    owned = select(func.count()).where(Vehicle.driver_id == driver_id, col(Vehicle.removed_at).is_(None))
    if (await db.scalar(owned) or 0) >= VEHICLES_MAX:
        raise Refused("TOO_MANY_VEHICLES", f"You have {VEHICLES_MAX} vehicles; remove one first.")
    vehicle = Vehicle(
        driver_id=driver_id,
        name=name,
        battery_capacity_wh=battery_capacity_wh,
        max_ac_power_w=max_ac_power_w,
        max_dc_power_w=max_dc_power_w,
    )
    _check(vehicle)
    db.add(vehicle)
    await db.flush()
    return vehicle


async def change_vehicle(db: Db, driver_id: UUID, vehicle_id: UUID, changes: dict[str, object]) -> Vehicle:
    """The car with other facts, by the names that `add_vehicle` takes. Raises as it does, and VEHICLE_NOT_FOUND.

    Quotes that were made for it stay as they are.
    """
    vehicle = await vehicle_of(db, driver_id, vehicle_id)
    for fact, value in changes.items():
        setattr(vehicle, fact, value)
    _check(vehicle)
    await db.flush()
    return vehicle


async def remove_vehicle(db: Db, driver_id: UUID, vehicle_id: UUID) -> Vehicle:
    """The car is no longer the driver's to charge. Raises Refused (VEHICLE_NOT_FOUND)."""
    vehicle = await vehicle_of(db, driver_id, vehicle_id)
    vehicle.removed_at = clock.now()
    await db.flush()
    return vehicle


async def vehicle_of(db: Db, driver_id: UUID, vehicle_id: UUID) -> Vehicle:
    """A car of the driver's. Raises Refused (VEHICLE_NOT_FOUND), for another driver's and a removed one as for none."""
    vehicle = await db.get(Vehicle, vehicle_id)
    if vehicle is None or vehicle.driver_id != driver_id or vehicle.removed_at is not None:
        raise no_such_vehicle()
    return vehicle


def no_such_vehicle() -> Refused:
    """What is said of a vehicle that is not there, and just so of one that is somebody else's."""
    return Refused("VEHICLE_NOT_FOUND", "There is no such vehicle.", "input", "vehicleId")


async def vehicles_of(db: Db, driver_id: UUID) -> list[Vehicle]:
    """The driver's cars, in the order in which they were added."""
    query = select(Vehicle).where(Vehicle.driver_id == driver_id, col(Vehicle.removed_at).is_(None))
    return list(await db.scalars(query.order_by(col(Vehicle.created_at), col(Vehicle.id))))


async def forget_removed(db: Db) -> None:
    """Delete cars that were removed 30 days ago; quotes hold what they need of them."""
    await db.execute(delete(Vehicle).where(col(Vehicle.removed_at) < clock.now() - REMOVED_KEPT_FOR))


def _check(vehicle: Vehicle) -> None:
    vehicle.name = vehicle.name.strip()
    if not 1 <= len(vehicle.name) <= NAME_MAX or not vehicle.name.isprintable():
        raise Invalid(f"must have 1 to {NAME_MAX} characters", "name")
    _check_range(vehicle.battery_capacity_wh, BATTERY_WH, 1, "Wh", "batteryCapacityWh")
    _check_range(vehicle.max_ac_power_w, AC_POWER_W, 1000, "kW", "maxAcPowerKw")
    if vehicle.max_dc_power_w is not None:
        _check_range(vehicle.max_dc_power_w, DC_POWER_W, 1000, "kW", "maxDcPowerKw")


def _check_range(value: int, limits: tuple[int, int], unit: int, name: str, field: str) -> None:
    least, most = limits
    if not least <= value <= most:
        raise Invalid(f"must be {least // unit} to {most // unit} {name}", field)
