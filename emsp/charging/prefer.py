"""What the driver of a running charge wishes (when to leave, how much, cheap or fast), and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock
from emsp.charging import support
from emsp.charging.session import locked, note
from emsp.charging.tables import ChargingSession, Preference
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused

PROFILES = ("CHEAP", "FAST", "GREEN", "REGULAR")
MOST_ENERGY_WH = 1_000_000
FURTHEST = timedelta(days=7)
ACCEPTED = "Your wishes for this charge were taken over by the operator."


async def set_preferences(
    driver_id: UUID,
    session_id: UUID,
    *,
    profile: str,
    departure_at: datetime | None = None,
    energy_need_wh: int | None = None,
    discharge_allowed: bool = False,
) -> ChargingSession:
    """Tell the operator what the driver wishes, and keep the wish with what the operator made of it.

    Raises NotFound for a charge that is not theirs; Invalid naming the field; Refused with NOT_CHARGING,
    NOT_SUPPORTED, or the operator's own no; PartnerFailed when it cannot be asked.
    """
    _check(profile, departure_at, energy_need_wh)
    wish: dict[str, Any] = {
        "profile": profile,
        "departure_at": departure_at,
        "energy_need_wh": energy_need_wh,
        "discharge_allowed": discharge_allowed,
    }
    async with transaction() as db:
        session = await db.get(ChargingSession, session_id)
        if session is None or session.driver_id != driver_id:
            raise NotFound(f"charging session {session_id}")
    outcome, message = await _asked(session_id, wish)
    return await _kept(session_id, wish, outcome, message)


async def _asked(session_id: UUID, wish: dict[str, Any]) -> tuple[str, str | None]:
    try:
        answer = await support.prefer(session_id, **wish)
    except PartnerUnreachable:
        raise
    except PartnerFailed as failed:
        return "REJECTED", str(failed)
    return answer.outcome, answer.message


async def _kept(session_id: UUID, wish: dict[str, Any], outcome: str, message: str | None) -> ChargingSession:
    """What the operator took over is kept; what it did not is told, and the wish before it stands."""
    if outcome != "ACCEPTED":
        code = outcome if outcome in REFUSALS else "REJECTED"
        raise Refused(code, message if message and code == "REJECTED" else REFUSALS[code], *FIELDS.get(code, ()))
    values = {"session_id": session_id, **wish, "outcome": outcome, "updated_at": clock.now()}
    async with transaction() as db:
        session = await locked(db, session_id)
        changes = {name: value for name, value in values.items() if name != "session_id"}
        again = insert(Preference).values(values).on_conflict_do_update(index_elements=["session_id"], set_=changes)
        await db.execute(again)
        await note(db, session, ACCEPTED, source="OPERATOR")
        return session


REFUSALS = {
    "NOT_SUPPORTED": "This charge point does not take wishes.",
    "UNKNOWN_SESSION": "The operator does not know this charge any more.",
    "DEPARTURE_REQUIRED": "This charge point needs to know when you leave.",
    "ENERGY_NEED_REQUIRED": "This charge point needs to know how much energy you need.",
    "NOT_POSSIBLE": "The charge point cannot do that in the time.",
    "PROFILE_TYPE_NOT_SUPPORTED": "The charge point does not know this way of charging.",
    "REJECTED": "The operator did not take it over.",
}
FIELDS = {
    "DEPARTURE_REQUIRED": ("input", "departureAt"),
    "ENERGY_NEED_REQUIRED": ("input", "energyNeedWh"),
    "PROFILE_TYPE_NOT_SUPPORTED": ("input", "profile"),
}


def _check(profile: str, departure_at: datetime | None, energy_need_wh: int | None) -> None:
    if profile not in PROFILES:
        raise Invalid(f"must be one of {', '.join(PROFILES)}", "profile")
    if departure_at is not None and not clock.now() < departure_at <= clock.now() + FURTHEST:
        raise Invalid("must be in the future and within seven days", "departureAt")
    if energy_need_wh is not None and not 0 < energy_need_wh <= MOST_ENERGY_WH:
        raise Invalid(f"must be more than 0 and at most {MOST_ENERGY_WH} Wh", "energyNeedWh")


async def preferences_of(db: Db, session_ids: Sequence[UUID]) -> dict[UUID, Preference]:
    """What was taken over for sessions, by session."""
    found = await db.execute(select(Preference).where(col(Preference.session_id).in_(session_ids)))
    return {row.session_id: row for row in found.scalars()}
