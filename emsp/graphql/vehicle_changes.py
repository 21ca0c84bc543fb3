"""Remember cars, change them and forget them."""

from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry import field

from emsp.accounts import vehicles
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.vehicles import W_PER_KW, Vehicle, given, key_of_vehicle, vehicle_of
from emsp.graphql.viewer import Info


@strawberry.input(description="A car to remember.")
class AddVehicleInput:
    name: str = field(description="What the driver calls it.")
    battery_capacity_wh: int = field(description="What its battery holds, in watt-hours.")
    max_ac_power_kw: float = field(description="The most alternating current power that it takes, in kW.")
    max_dc_power_kw: float | None = field(
        default=strawberry.UNSET,
        description="The most direct current power that it takes, in kW; left out when it takes none.",
    )


@strawberry.enum(description="Why a vehicle was not added.")
class AddVehicleErrorCode(Enum):
    TOO_MANY_VEHICLES = value("TOO_MANY_VEHICLES", "The driver has as many vehicles as are remembered.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a vehicle was not added.")
class AddVehicleError(UserError):
    reason: AddVehicleErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a new vehicle.")
class AddVehiclePayload:
    vehicle: Vehicle | None = field(default=None, description="The vehicle; null when there are errors.")
    errors: list[AddVehicleError] = field(default_factory=list, description="Why it was not added.")


@strawberry.input(description="What is to be different about a car; what is left out stays as it is.")
class ChangeVehicleInput:
    vehicle_id: strawberry.ID = field(description="Which of the driver's cars.")
    name: str | None = field(default=strawberry.UNSET, description="What the driver calls it.")
    battery_capacity_wh: int | None = field(
        default=strawberry.UNSET, description="What its battery holds, in watt-hours."
    )
    max_ac_power_kw: float | None = field(
        default=strawberry.UNSET, description="The most alternating current power that it takes, in kW."
    )
    max_dc_power_kw: float | None = field(
        default=strawberry.UNSET, description="The most direct current power that it takes, in kW; null for none."
    )


@strawberry.enum(description="Why a vehicle was not changed.")
class ChangeVehicleErrorCode(Enum):
    VEHICLE_NOT_FOUND = value("VEHICLE_NOT_FOUND", "The driver has no such vehicle.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a vehicle was not changed.")
class ChangeVehicleError(UserError):
    reason: ChangeVehicleErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a change to a vehicle.")
class ChangeVehiclePayload:
    vehicle: Vehicle | None = field(default=None, description="The vehicle; null when there are errors.")
    errors: list[ChangeVehicleError] = field(default_factory=list, description="Why it was not changed.")


@strawberry.input(description="A car to forget.")
class RemoveVehicleInput:
    vehicle_id: strawberry.ID = field(description="Which of the driver's cars.")


@strawberry.enum(description="Why a vehicle was not removed.")
class RemoveVehicleErrorCode(Enum):
    VEHICLE_NOT_FOUND = value("VEHICLE_NOT_FOUND", "The driver has no such vehicle.")


@strawberry.type(description="Why a vehicle was not removed.")
class RemoveVehicleError(UserError):
    reason: RemoveVehicleErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a vehicle to forget.")
class RemoveVehiclePayload:
    vehicle: Vehicle | None = field(default=None, description="The vehicle as it was; null when there are errors.")
    errors: list[RemoveVehicleError] = field(default_factory=list, description="Why it was not removed.")


@strawberry.type
class VehicleMutation:
    @mutation(AddVehiclePayload, AddVehicleError, AddVehicleErrorCode, "Remember a car, so that quotes can be for it.")
    async def add_vehicle(self, info: Info, input: Input[AddVehicleInput]) -> AddVehiclePayload:
        driver = info.context.driver
        direct_kw = given(input.max_dc_power_kw)
        async with transaction() as db:
            row = await vehicles.add_vehicle(
                db,
                driver.id,
                name=input.name,
                battery_capacity_wh=input.battery_capacity_wh,
                max_ac_power_w=_watts(input.max_ac_power_kw),
                max_dc_power_w=None if direct_kw is None else _watts(direct_kw),
            )
        return AddVehiclePayload(vehicle=vehicle_of(row))

    @mutation(
        ChangeVehiclePayload,
        ChangeVehicleError,
        ChangeVehicleErrorCode,
        "Change what is known of a car; quotes that were made for it stay as they are.",
    )
    async def change_vehicle(self, info: Info, input: Input[ChangeVehicleInput]) -> ChangeVehiclePayload:
        driver, changes = info.context.driver, _changes(input)
        async with transaction() as db:
            row = await vehicles.change_vehicle(db, driver.id, key_of_vehicle(input.vehicle_id), changes)
        return ChangeVehiclePayload(vehicle=vehicle_of(row))

    @mutation(RemoveVehiclePayload, RemoveVehicleError, RemoveVehicleErrorCode, "Forget a car.")
    async def remove_vehicle(self, info: Info, input: Input[RemoveVehicleInput]) -> RemoveVehiclePayload:
        driver = info.context.driver
        async with transaction() as db:
            row = await vehicles.remove_vehicle(db, driver.id, key_of_vehicle(input.vehicle_id))
        return RemoveVehiclePayload(vehicle=vehicle_of(row))


def _changes(wanted: ChangeVehicleInput) -> dict[str, Any]:
    """What is to be different, by the feature's names. Only direct current power may be set to null."""
    sent = {
        "name": wanted.name,
        "battery_capacity_wh": wanted.battery_capacity_wh,
        "max_ac_power_kw": wanted.max_ac_power_kw,
        "max_dc_power_kw": wanted.max_dc_power_kw,
    }
    changes: dict[str, Any] = {}
    for name, said in sent.items():
        if said is None and name != "max_dc_power_kw":
            raise Invalid("cannot be null", name)
        if said is not strawberry.UNSET:
            changes[name.replace("_kw", "_w")] = _watts(said) if isinstance(said, float) else said
    return changes


def _watts(power_kw: float) -> int:
    """Kilowatts as they were written, to the nearest watt."""
    return int((Decimal(str(power_kw)) * W_PER_KW).to_integral_value())
