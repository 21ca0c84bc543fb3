"""Whether a fleet pays for a charge: it is not blocked, and the limits of the fleet and of the member leave room."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlmodel import String, cast, col, func, select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.brands.network import Place
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db
from emsp.errors import Refused
from emsp.fleets.bill import charged_minor
from emsp.fleets.limits import Limits, Wish, read_limits, refusal
from emsp.fleets.tables import Fleet, FleetCharge, FleetMember
from emsp.money import Money
from emsp.pricing.tables import Quote

NOT_BILLED_YET = (*OPEN, State.ENDED, State.IN_REVIEW)


async def refuse_beyond_limits(db: Db, fleet: Fleet, driver: Driver, place: Place | None, quote: Quote | None) -> None:
    """Raises Refused with FLEET_BLOCKED or FLEET_LIMIT. A fleet with a limit a month is looked at by one at a time."""
    if fleet.blocked_at:
        raise Refused("FLEET_BLOCKED", "Your fleet does not pay for charges at the moment.", "input", "fleetId")
    wish = _wish(fleet, place, quote)
    limits, own_limits = read_limits(fleet.limits), read_limits(await _limits_of_member(db, fleet, driver))
    if limits.month_max_minor is not None or own_limits.month_max_minor is not None:
        await db.execute(select(Fleet.id).where(Fleet.id == fleet.id).with_for_update(key_share=True))
    for narrowed, by in ((limits, None), (own_limits, driver)):
        reason = refusal(narrowed, wish, spent_minor=await _spent_minor(db, fleet, narrowed, by))
        if reason:
            raise Refused("FLEET_LIMIT", reason, "input", "fleetId")


def _wish(fleet: Fleet, place: Place | None, quote: Quote | None) -> Wish:
    worst = None
    if quote and quote.currency and quote.worst_case_minor is not None:
        worst = Money(quote.worst_case_minor, quote.currency)
    local = clock.now().astimezone(ZoneInfo(fleet.time_zone))
    return Wish(place=place, local=local, is_quoted=quote is not None, worst=worst)


async def _limits_of_member(db: Db, fleet: Fleet, driver: Driver) -> dict[str, object]:
    query = select(FleetMember.limits).where(FleetMember.fleet_id == fleet.id, FleetMember.driver_id == driver.id)
    limits: dict[str, object] = (await db.execute(query)).scalar_one()
    return limits


async def _spent_minor(db: Db, fleet: Fleet, limits: Limits, by: Driver | None) -> int:
    """What this month's charges come to, with what those may come to that are not billed yet."""
    if limits.month_max_minor is None or limits.currency is None:
        return 0
    month = f"{clock.now().astimezone(ZoneInfo(fleet.time_zone)):%Y-%m}"
    billed = await charged_minor(db, fleet, month, limits.currency, by.id if by else None)
    return billed + await _under_way_minor(db, fleet, limits.currency, by)


async def _under_way_minor(db: Db, fleet: Fleet, currency: str, by: Driver | None) -> int:
    is_billed = select(FleetCharge.id).where(FleetCharge.reference == cast(ChargingSession.id, String)).exists()
    query = (
        select(func.coalesce(func.sum(Quote.worst_case_minor), 0))
        .join(ChargingSession, col(ChargingSession.quote_id) == Quote.id)
        .where(
            ChargingSession.fleet_id == fleet.id,
            col(ChargingSession.state).in_(NOT_BILLED_YET),
            Quote.currency == currency,
            ~is_billed,
        )
    )
    if by:
        query = query.where(ChargingSession.driver_id == by.id)
    return int((await db.execute(query)).scalar_one() or 0)
