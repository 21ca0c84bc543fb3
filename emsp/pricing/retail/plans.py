"""Plans: what a brand's subscribers pay less, who is on one, and what is left of a month's free energy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused
from emsp.pricing.engine.billed import BilledLine
from emsp.pricing.engine.report import Allowance
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.tables import AllowanceUse, Plan, PlanMembership

CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


async def add_plan(db: Db, brand_id: UUID, code: str, name: str, terms: PlanTerms) -> Plan:
    """A new plan of a brand. Raises Invalid for a code that the brand has used, or one that is none, and for a name."""
    if not CODE.fullmatch(code):
        raise Invalid("must be 1 to 40 lower-case letters, digits and hyphens", "code")
    if not (NAME.fullmatch(name) and name.strip()):
        raise Invalid("must be 1 to 80 characters on one line", "name")
    values = Plan(brand_id=brand_id, code=code, name=name, terms=msgspec.to_builtins(terms)).model_dump()
    added = await db.execute(insert(Plan).values(**values).on_conflict_do_nothing().returning(col(Plan.id)))
    if added.one_or_none() is None:
        raise Invalid(f"there is already a plan {code}", "code")
    return await the_plan(db, brand_id, code)


async def the_plan(db: Db, brand_id: UUID, code: str) -> Plan:
    """A brand's plan by its code. Raises NotFound."""
    found: Plan | None = await db.scalar(select(Plan).where(Plan.brand_id == brand_id, Plan.code == code))
    if found is None:
        raise NotFound(f"there is no plan {code!r}")
    return found


async def list_plans(db: Db, brand_id: UUID) -> list[Plan]:
    """A brand's plans, by their codes."""
    return list(await db.scalars(select(Plan).where(Plan.brand_id == brand_id).order_by(col(Plan.code))))


async def close_plan(db: Db, brand_id: UUID, code: str) -> Plan:
    """From now on nobody can join; whoever is on the plan stays on it. A second time changes nothing."""
    plan = await the_plan(db, brand_id, code)
    plan.closed_at = plan.closed_at or clock.now()
    await db.flush()
    return plan


async def subscribe(db: Db, plan: Plan, driver_id: UUID, *, since: datetime | None = None) -> PlanMembership:
    """Put a driver of the plan's brand on it, from `since` (or now) on.

    Raises NotFound for a driver of another brand and Refused with PLAN_CLOSED or ALREADY_ON_A_PLAN.
    """
    driver = await db.scalar(select(Driver).where(Driver.id == driver_id).with_for_update())  # one at a time
    if driver is None or driver.brand_id != plan.brand_id:
        raise NotFound(f"there is no driver {driver_id} of this brand")
    if plan.closed_at is not None:
        raise Refused("PLAN_CLOSED", f"nobody can join the plan {plan.code} any more")
    begins = since or clock.now()
    later = or_(col(PlanMembership.until).is_(None), col(PlanMembership.until) > begins)
    if await db.scalar(select(PlanMembership.id).where(PlanMembership.driver_id == driver_id, later).limit(1)):
        raise Refused("ALREADY_ON_A_PLAN", "a driver is on one plan at a time: unsubscribe first")
    membership = PlanMembership(driver_id=driver_id, plan_id=plan.id, since=begins)
    db.add(membership)
    await db.flush()
    return membership


async def unsubscribe(db: Db, driver_id: UUID, *, at: datetime | None = None) -> PlanMembership:
    """Take a driver off their plan, from `at` (or now) on; prices that were quoted before keep to it.

    Raises NotFound for a driver who is on none, and Invalid for an end before the beginning.
    """
    open_end = select(PlanMembership).where(PlanMembership.driver_id == driver_id, col(PlanMembership.until).is_(None))
    membership = await db.scalar(open_end.with_for_update())
    if membership is None:
        raise NotFound("this driver is on no plan")
    ends = at or max(clock.now(), membership.since)
    if ends < membership.since:
        raise Invalid("must not be before the beginning of the membership", "at")
    membership.until = ends
    await db.flush()
    return membership


async def held_plans(
    db: Db, driver_ids: Collection[UUID], time_zone: str, at: datetime | None = None
) -> dict[UUID, HeldPlan]:
    """The plan that each of the drivers is on at `at` (or now), with what is left of the month in `time_zone`."""
    if not driver_ids:
        return {}
    moment = at or clock.now()
    query = select(PlanMembership, Plan).join(Plan, col(Plan.id) == PlanMembership.plan_id)
    found = (await db.execute(query.where(*_holds(driver_ids, moment)))).all()
    month = moment.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m")
    used = await _used(db, [membership.id for membership, _ in found], month)
    return {membership.driver_id: _held(membership, plan, month, used[membership.id]) for membership, plan in found}


async def use_allowance(db: Db, reference: str, lines: Sequence[BilledLine]) -> None:
    """Count the free energy in the lines of a bill; `reference` is the charging session.

    Counted once per session: a bill that takes the place of an earlier one takes its place here as well, and the
    same bill again changes nothing.
    """
    used, allowance = _free_energy(lines)
    if allowance is None:
        await _uncount(db, reference)
        return
    values: dict[str, Any] = {
        "membership_id": UUID(allowance.membership_id),
        "month": allowance.month,
        "energy_wh": int(used.to_integral_value(ROUND_CEILING)),
    }
    statement = insert(AllowanceUse).values(reference=reference, created_at=clock.now(), **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["reference"], set_=values))


async def _uncount(db: Db, reference: str) -> None:
    row = await db.get(AllowanceUse, reference)
    if row is not None:
        row.energy_wh = 0
        await db.flush()


def _free_energy(lines: Sequence[BilledLine]) -> tuple[Decimal, Allowance | None]:
    free = [
        (billed.line.discount.energy_wh or Decimal(0), billed.line.discount.allowance)
        for billed in lines
        if billed.line.discount and billed.line.discount.allowance and not billed.taken_back
    ]
    return sum((energy_wh for energy_wh, _ in free), Decimal(0)), free[0][1] if free else None


def _holds(driver_ids: Collection[UUID], at: datetime) -> tuple[ColumnElement[bool], ...]:
    row = PlanMembership
    not_over = or_(col(row.until).is_(None), col(row.until) > at)
    return col(row.driver_id).in_(driver_ids), col(row.since) <= at, not_over


async def _used(db: Db, membership_ids: Sequence[UUID], month: str) -> defaultdict[UUID, int]:
    query = (
        select(AllowanceUse.membership_id, func.sum(AllowanceUse.energy_wh))
        .where(col(AllowanceUse.membership_id).in_(membership_ids), AllowanceUse.month == month)
        .group_by(col(AllowanceUse.membership_id))
    )
    used = defaultdict[UUID, int](int)
    used.update({membership_id: int(energy_wh) for membership_id, energy_wh in await db.execute(query)})
    return used


def _held(membership: PlanMembership, plan: Plan, month: str, used_wh: int) -> HeldPlan:
    terms = msgspec.convert(plan.terms, PlanTerms)
    return HeldPlan(
        name=plan.name,
        terms=terms,
        free_energy_left_wh=max(terms.free_energy_wh - used_wh, 0),
        allowance=Allowance(str(membership.id), month) if terms.free_energy_wh else None,
    )
