"""Holds while a charge runs: raised when its cost comes near them, and what follows when the bank lets one lapse.

Nothing is captured before the bill is known. A hold that cannot be raised, or has lapsed, is no reason to stop a
charge: what it does not cover is charged to the card at the end.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from emsp import events
from emsp.brands.tables import Brand
from emsp.charging.allowed.securing import largest_hold
from emsp.charging.happened import CostGrew
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.session import locked, note, note_once
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments import hold
from emsp.payments.policy import PaymentPolicy, policy_of
from emsp.payments.tables import BalanceReservation, Hold

BEYOND = "The hold of {} is not raised any further; what the charge costs beyond it is charged when the bill is known."
LAPSED = "Your bank has ended the hold; what the charge costs is charged when the bill is known."


async def cost_grew(db: Db, session: ChargingSession) -> None:
    """What a running charge costs so far was told: if that is nearly what is held for it, a job is to raise the hold.

    Where it cannot be raised the driver is told once.
    """
    if session.state not in (State.CHARGING, State.STOPPING) or session.hold_id is None:
        return
    placed, wanted = await _wanted(db, session)
    if wanted is not None and hold.can_be_raised(placed) and wanted.amount_minor > placed.amount_minor:
        await events.emit(db, CostGrew(session_id=session.id))
    elif wanted is not None and placed.state == "HELD":
        await note_once(db, session, BEYOND.format(hold.amount_of(placed)), source="PAYMENT")


async def raise_hold(session_id: UUID) -> None:
    """Job: hold more for a charge whose cost comes near its hold, within the brand's cap; told once if it cannot be."""
    async with transaction() as db:
        session = await locked(db, session_id)
        before, wanted = await _wanted(db, session) if session.hold_id else (None, None)
    if before is None or wanted is None:
        return
    after = await hold.raise_to(before.id, wanted)
    async with transaction() as db:
        session = await locked(db, session_id)
        if after.amount_minor > before.amount_minor:
            text = f"{hold.amount_of(after)} is held on your card now, as the charge comes near what was held."
            await note_once(db, session, text, source="PAYMENT")
        elif after.state == "HELD":
            await note_once(db, session, BEYOND.format(hold.amount_of(after)), source="PAYMENT")


async def _wanted(db: Db, session: ChargingSession) -> tuple[Hold, Money | None]:
    """The hold of a charge, and what it should come to by the cost so far; None while what is held is enough."""
    placed, brand = (await db.execute(_HELD, {"hold_id": session.hold_id, "brand_id": session.brand_id})).one()
    policy, cost_minor = policy_of(brand.payment_policy), session.cost_so_far_minor or 0
    if is_enough(policy, cost_minor=cost_minor, covered_minor=placed.amount_minor):
        return placed, None
    wanted_minor = raised(
        policy,
        cost_minor=cost_minor,
        held_minor=placed.amount_minor,
        reserved_minor=await _reserved(db, session, placed.currency),
        cap_minor=(await largest_hold(db, brand, placed.currency)).amount_minor,
    )
    return placed, None if wanted_minor is None else Money(wanted_minor, placed.currency)


_HELD = (
    select(Hold, Brand)
    .join(Brand, col(Brand.id) == bindparam("brand_id"))
    .where(col(Hold.id) == bindparam("hold_id"))
    .execution_options(populate_existing=True)
)


def is_enough(policy: PaymentPolicy, *, cost_minor: int, covered_minor: int) -> bool:
    """Whether the cost so far is far enough from what holds and balance cover."""
    return cost_minor * 100 < covered_minor * policy.raise_at_percent


def raised(
    policy: PaymentPolicy, *, cost_minor: int, held_minor: int, reserved_minor: int, cap_minor: int
) -> int | None:
    """What should be held for a charge of `cost_minor` so far, of which the balance pays `reserved_minor`.

    Never more than the cap, and never less than what is held; None while what there is is enough.
    """
    covered_minor = held_minor + reserved_minor
    if is_enough(policy, cost_minor=cost_minor, covered_minor=covered_minor):
        return None
    more_than = max(covered_minor, cost_minor)
    wanted_minor = more_than + -(-more_than * policy.raise_by_percent // 100) - reserved_minor
    return max(held_minor, min(wanted_minor, cap_minor))


async def _reserved(db: Db, session: ChargingSession, currency: str) -> int:
    set_apart = await db.get(BalanceReservation, str(session.id))
    is_there = set_apart is not None and set_apart.state == "RESERVED" and set_apart.currency == currency
    return set_apart.amount_minor if set_apart and is_there else 0


async def hold_lapsed(reference: str) -> None:
    """Job: a hold is gone although its charge is not billed yet; the driver is told."""
    async with transaction() as db:
        session = await locked(db, UUID(reference))
        is_billed = await db.scalar(select(Receipt.id).where(col(Receipt.session_id) == session.id).limit(1))
        if session.state in (*OPEN, State.ENDED, State.IN_REVIEW) and not is_billed:
            await note(db, session, LAPSED, source="PAYMENT")
