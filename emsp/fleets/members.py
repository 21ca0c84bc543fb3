"""Who is in a fleet, and what that lets them do: DRIVER charges at its cost, MANAGER also sees its bill."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import and_, case, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from emsp.accounts.drivers import ensure_driver
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused
from emsp.fleets.limits import read_limits
from emsp.fleets.tables import Fleet, FleetMember

ROLES = ("DRIVER", "MANAGER")
NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,80}")


@dataclass(frozen=True)
class Member:
    """One active member; `cursor` is where the next page begins."""

    membership: FleetMember
    driver: Driver

    @property
    def cursor(self) -> str:
        return self.driver.email


@dataclass(frozen=True)
class Members:
    """One page of a fleet's members."""

    members: list[Member]
    total_count: int
    has_next: bool


async def add_fleet(
    db: Db, brand_id: UUID, name: str, manager_email: str, time_zone: str = "Europe/Amsterdam"
) -> Fleet:
    """A new fleet at a brand, with its first manager. Raises Invalid naming `name`, `email` or `time_zone`."""
    if not NAME.fullmatch(name.strip()):
        raise Invalid("must be 1 to 80 characters on one line", "name")
    if time_zone not in available_timezones():
        raise Invalid("must be a time zone of IANA, such as Europe/Amsterdam", "time_zone")
    fleet = Fleet(brand_id=brand_id, name=name.strip(), time_zone=time_zone)
    db.add(fleet)
    await db.flush()
    await add_member(db, fleet.id, manager_email, role="MANAGER")
    return fleet


async def add_member(db: Db, fleet_id: UUID, email: str, *, role: str = "DRIVER") -> FleetMember:
    """Let whoever has this address be in the fleet; who is no driver of the brand becomes one.

    `role` is theirs from now on, except that an active manager stays one.
    Raises NotFound for the fleet, Invalid naming `role` or `email`.
    """
    if role not in ROLES:
        raise Invalid(f"must be one of {', '.join(ROLES)}", "role")
    fleet = await db.get(Fleet, fleet_id)
    if fleet is None:
        raise NotFound("there is no such fleet")
    driver = await ensure_driver(db, fleet.brand_id, email)
    joined = insert(FleetMember).values(fleet_id=fleet_id, driver_id=driver.id, role=role)
    stays_manager = and_(col(FleetMember.removed_at).is_(None), col(FleetMember.role) == "MANAGER")
    again = joined.on_conflict_do_update(
        index_elements=["fleet_id", "driver_id"],
        set_={"role": case((stays_manager, "MANAGER"), else_=role), "removed_at": None},
    )
    members = await db.scalars(again.returning(FleetMember), execution_options={"populate_existing": True})
    member: FleetMember = members.one()
    return member


async def remove_member(db: Db, fleet_id: UUID, driver_id: UUID) -> None:
    """Take a driver out of the fleet; what was charged stays on its bill.

    Raises NotFound, and Refused with LAST_MANAGER for the one who is left to manage it.
    """
    await db.execute(
        select(Fleet.id).where(Fleet.id == fleet_id).with_for_update(key_share=True)
    )  # one after the other
    active = {member.driver_id: member.role for member in await db.scalars(_active_members(fleet_id))}
    if driver_id not in active:
        raise NotFound("there is no such member")
    if [key for key, role in active.items() if role == "MANAGER"] == [driver_id]:
        raise Refused("LAST_MANAGER", "Nobody else manages the fleet; let somebody else manage it first.")
    leaves = col(FleetMember.fleet_id) == fleet_id, col(FleetMember.driver_id) == driver_id
    await db.execute(update(FleetMember).where(*leaves).values(removed_at=func.now()))


async def member_by_email(db: Db, fleet_id: UUID, email: str) -> FleetMember:
    """The active member with this address. Raises NotFound."""
    query = _active_members(fleet_id).join(Driver, col(FleetMember.driver_id) == Driver.id)
    member: FleetMember | None = await db.scalar(query.where(Driver.email == email.strip().lower()))
    if member is None:
        raise NotFound("there is no such member")
    return member


async def set_limits(db: Db, fleet_id: UUID, limits: dict[str, Any], email: str | None = None) -> None:
    """What may be charged at the fleet's cost from now on, by all or by one member. Raises Invalid and NotFound."""
    read_limits(limits)
    if email is None:
        (await fleet_by_id(db, fleet_id)).limits = limits
    else:
        (await member_by_email(db, fleet_id, email)).limits = limits
    await db.flush()


async def fleet_by_id(db: Db, fleet_id: UUID) -> Fleet:
    """The fleet, for staff. Raises NotFound."""
    fleet = await db.get(Fleet, fleet_id)
    if fleet is None:
        raise NotFound(f"there is no fleet {fleet_id}")
    return fleet


async def manager_emails(db: Db, fleet_id: UUID) -> list[str]:
    """The addresses of the fleet's active managers, in order."""
    managers = select(Driver.email).join(FleetMember, col(FleetMember.driver_id) == Driver.id)
    query = managers.where(
        FleetMember.fleet_id == fleet_id, FleetMember.role == "MANAGER", col(FleetMember.removed_at).is_(None)
    )
    return list(await db.scalars(query.order_by(col(Driver.email))))


async def fleets_of(db: Db, driver_id: UUID) -> list[Fleet]:
    """The fleets in which the driver is active, as driver or manager, by name."""
    return list(await db.scalars(_active_fleets(driver_id).order_by(col(Fleet.name), col(Fleet.id))))


async def managed_fleet(db: Db, driver_id: UUID, fleet_id: UUID) -> Fleet:
    """The fleet, for one of its active managers. Raises NotFound for everyone else."""
    wanted = _active_fleets(driver_id).where(Fleet.id == fleet_id, FleetMember.role == "MANAGER")
    return await _the_fleet(db, wanted)


async def paying_fleet(db: Db, driver: Driver, fleet_id: UUID | None) -> Fleet | None:
    """The fleet that shall pay for the driver's charge; None when they pay themselves.

    Raises NotFound unless the driver is an active member.
    """
    if fleet_id is None:
        return None
    return await _the_fleet(db, _active_fleets(driver.id).where(Fleet.id == fleet_id))


async def members(db: Db, fleet_id: UUID, first: int = 20, after: str | None = None) -> Members:
    """One page of the active members by e-mail address, after the cursor `after`.

    For callers that have checked who asks. Raises Invalid naming `first`.
    """
    if not 1 <= first <= 100:
        raise Invalid("must be 1 to 100", "first")
    joined = select(FleetMember, Driver).join(Driver, col(FleetMember.driver_id) == Driver.id)
    active = joined.where(FleetMember.fleet_id == fleet_id, col(FleetMember.removed_at).is_(None))
    page = active.where(Driver.email > after) if after else active
    rows = (await db.execute(page.order_by(col(Driver.email)).limit(first + 1))).all()
    total = await db.scalar(select(func.count()).select_from(active.subquery()))
    return Members([Member(member, driver) for member, driver in rows[:first]], total or 0, len(rows) > first)


def _active_fleets(driver_id: UUID) -> SelectOfScalar[Fleet]:
    """Fleets of the driver's own brand in which they are active."""
    return (
        select(Fleet)
        .join(FleetMember, col(FleetMember.fleet_id) == Fleet.id)
        .join(Driver, col(FleetMember.driver_id) == Driver.id)
        .where(
            Driver.id == driver_id,
            Driver.brand_id == Fleet.brand_id,
            col(FleetMember.removed_at).is_(None),
        )
    )


def _active_members(fleet_id: UUID) -> SelectOfScalar[FleetMember]:
    active = select(FleetMember).where(FleetMember.fleet_id == fleet_id, col(FleetMember.removed_at).is_(None))
    return active.execution_options(populate_existing=True)


async def _the_fleet(db: Db, wanted: SelectOfScalar[Fleet]) -> Fleet:
    fleet: Fleet | None = await db.scalar(wanted)
    if fleet is None:
        raise NotFound("there is no such fleet")
    return fleet
