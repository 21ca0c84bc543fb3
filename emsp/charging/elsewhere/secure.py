"""How a charge that a card or a car began is paid, and when it is stopped instead.

That it runs already is no reason to end it: money is held late, if at all. Only what we would have refused, and were
never asked about, is stopped; what was delivered until then is paid like any charge.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select

from emsp import clock, events, jobs, logs
from emsp.accounts.tables import Driver
from emsp.charging import start
from emsp.charging.allowed.permission import Permitted, permit
from emsp.charging.allowed.securing import hold_for
from emsp.charging.elsewhere import taps
from emsp.charging.elsewhere.taps import Holder
from emsp.charging.happened import StopRequested
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.session import advance, locked, note, note_once
from emsp.charging.tables import Authorization, ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, NotFound, Refused
from emsp.fleets.members import paying_fleet
from emsp.payments import cards
from emsp.payments.policy import Flow
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station

ALLOWED_WITHIN = timedelta(hours=1)
"""How long before a charge began it may have been allowed."""
log = logs.log(__name__)


class Spot(NamedTuple):
    """Where a charge is."""

    station: Station
    evse: Evse
    connector: Connector


async def payment_of(
    db: Db, holder: Holder, driver: Driver, spot: Spot, quote: Quote
) -> tuple[Permitted, Refused | None]:
    """How it is paid, and why it may not be charged here if it may not: what was delivered is paid all the same."""
    token = holder.token
    if token.blocked_at:
        return await _without_leave(db, holder, driver), Refused("TOKEN_BLOCKED", "The card is blocked.")
    try:
        permitted = await permit(
            db,
            brand=holder.brand,
            driver=driver,
            station=spot.station,
            evse=spot.evse,
            connector=spot.connector,
            quote=quote,
            fleet_id=token.fleet_id,
        )
    except Refused as refusal:
        return await _without_leave(db, holder, driver), refusal
    return permitted, None


async def _without_leave(db: Db, holder: Holder, driver: Driver) -> Permitted:
    """The fleet whose card it is, else the driver, once the bill is known."""
    try:
        if fleet := await paying_fleet(db, driver, holder.token.fleet_id):
            return Permitted(Flow.FLEET, fleet, None)
    except NotFound:
        log.warning("the card of a fleet was used by a driver who is not in it", token=holder.token.uid)
    try:
        return Permitted(Flow.AFTER, None, await cards.paying_method(db, driver.id, None))
    except Refused:
        return Permitted(Flow.AFTER, None, None)


async def secure_or_stop(db: Db, session: ChargingSession, refusal: Refused | None) -> None:
    """What we allowed when the card was shown goes on; what we would have refused is stopped, and billed."""
    if refusal and not await _was_allowed(db, session):
        session.stop_requested_at = clock.now()
        text = f"It may not charge here, so it is being stopped: {refusal.message}"
        await advance(db, session, State.STOPPING, text)
        await events.emit(db, StopRequested(session_id=session.id))
    elif session.payment_flow == Flow.FLEET:
        await note(db, session, "Your fleet pays for this charge.", source="PAYMENT")
    else:
        await jobs.defer(db, secure_late, lock=f"session:{session.id}", session_id=session.id)


async def _was_allowed(db: Db, session: ChargingSession) -> bool:
    query = select(Authorization.id).where(
        Authorization.charge_token_id == session.charge_token_id,
        Authorization.allowed == taps.ALLOWED,
        col(Authorization.created_at) > session.created_at - ALLOWED_WITHIN,
    )
    return await db.scalar(query.limit(1)) is not None


async def secure_late(session_id: UUID) -> None:
    """Job: hold the money for a charge that runs already. Where none can be held it goes on, and is paid afterwards."""
    async with transaction() as db:
        if (await locked(db, session_id)).state not in OPEN:
            return
    try:
        await hold_for(session_id)
    except Declined as declined:
        await _go_on_without(session_id, declined)
    async with transaction() as db:
        is_late = (await locked(db, session_id)).state in (State.SETTLED, State.PAYMENT_DUE, State.FAILED)
    if is_late:
        await start.release_hold(session_id)


async def _go_on_without(session_id: UUID, declined: Declined) -> None:
    async with transaction() as db:
        session = await locked(db, session_id)
        text = f"No money could be held: {declined.message} The charge goes on and is paid afterwards."
        if await note_once(db, session, text, source="PAYMENT"):
            session.payment_flow = Flow.AFTER
