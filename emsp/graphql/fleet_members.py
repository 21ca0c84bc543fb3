"""Who is in a fleet, and whether that is who asks."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import field

from emsp.accounts import tables as accounts
from emsp.fleets import tables
from emsp.graphql.fields import value
from emsp.graphql.people import Driver, driver_of
from emsp.graphql.viewer import Info, manages, sees


@strawberry.enum(description="What a member of a fleet may do.")
class FleetRole(Enum):
    DRIVER = value("DRIVER", "May charge at the fleet's cost.")
    MANAGER = value("MANAGER", "May also see the members, the bill and the invoices, and add members.")


@strawberry.type(description="A driver in a fleet.")
class FleetMember:
    driver: Driver = field(description="Who.")
    role: FleetRole = field(description="What they may do.")
    since: datetime = field(description="Since when.")


def member_of(membership: tables.FleetMember, driver: accounts.Driver) -> FleetMember:
    """A member of a fleet as the schema shows them."""
    return FleetMember(driver=driver_of(driver), role=FleetRole(membership.role), since=membership.created_at)


async def own_membership(info: Info, fleet_id: UUID) -> tables.FleetMember | None:
    """The asker's own active membership."""
    driver = info.context.asker.driver
    found = await info.context.loaders.memberships.load((fleet_id, driver.id)) if driver else None
    return found if found and sees(info.context.asker, found) else None


async def manages_fleet(info: Info, fleet_id: UUID) -> bool:
    """Whether the asker is an active manager of the fleet."""
    return manages(info.context.asker, await own_membership(info, fleet_id))
