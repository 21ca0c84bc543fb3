"""Make a fleet and let drivers into it."""

from enum import Enum

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.fleets.members import add_fleet, add_member, managed_fleet
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.fleet_members import FleetMember, FleetRole, member_of
from emsp.graphql.fleets import Fleet, fleet_of
from emsp.graphql.loaders import the
from emsp.graphql.viewer import Info


@strawberry.input(description="The fleet to make.")
class CreateFleetInput:
    name: str = field(description="Its name.")


@strawberry.enum(description="Why a fleet was not made.")
class CreateFleetErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The name does not make sense.")


@strawberry.type(description="Why a fleet was not made.")
class CreateFleetError(UserError):
    reason: CreateFleetErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a new fleet.")
class CreateFleetPayload:
    fleet: Fleet | None = field(default=None, description="The fleet, managed by who made it.")
    errors: list[CreateFleetError] = field(default_factory=list, description="Why it was not made.")


@strawberry.input(description="Who shall be in a fleet.")
class AddFleetMemberInput:
    fleet_id: strawberry.ID = field(description="A fleet that the asker manages.")
    email: str = field(description="The address with which the new member signs in.")
    role: FleetRole = field(default=FleetRole.DRIVER, description="What they may do.")


@strawberry.enum(description="Why a member was not added.")
class AddFleetMemberErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The address is none.")


@strawberry.type(description="Why a member was not added.")
class AddFleetMemberError(UserError):
    reason: AddFleetMemberErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a new member.")
class AddFleetMemberPayload:
    member: FleetMember | None = field(default=None, description="The member; null when there are errors.")
    fleet: Fleet | None = field(default=None, description="The fleet; null when there are errors.")
    errors: list[AddFleetMemberError] = field(default_factory=list, description="Why they were not added.")


@strawberry.type
class FleetMutation:
    @mutation(CreateFleetPayload, CreateFleetError, CreateFleetErrorCode, "Make a fleet that the asker manages.")
    async def create_fleet(self, info: Info, input: Input[CreateFleetInput]) -> CreateFleetPayload:
        driver, brand = info.context.driver, info.context.asker.brand
        async with transaction() as db:
            fleet = await add_fleet(db, brand.id, input.name, driver.email, brand.time_zone)
        return CreateFleetPayload(fleet=fleet_of(fleet))

    @mutation(
        AddFleetMemberPayload,
        AddFleetMemberError,
        AddFleetMemberErrorCode,
        "Let a driver charge at the cost of a fleet, or manage it.",
    )
    async def add_fleet_member(self, info: Info, input: Input[AddFleetMemberInput]) -> AddFleetMemberPayload:
        driver = info.context.driver
        async with transaction() as db:
            fleet = await managed_fleet(db, driver.id, ids.uuid_of(input.fleet_id, "Fleet"))
            membership = await add_member(db, fleet.id, input.email, role=input.role.value)
        member = await the(info.context.loaders.drivers, membership.driver_id)
        return AddFleetMemberPayload(member=member_of(membership, member), fleet=fleet_of(fleet))
