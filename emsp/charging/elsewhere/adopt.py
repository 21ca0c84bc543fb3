"""Charges that a card or a car began at the charge point: found in what the operator says, and taken on as ours.

Nobody asked us to start them, so the quote is made for the moment at which they began, and says so.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp import clock, logs
from emsp.accounts.charge_tokens import EMAID
from emsp.accounts.codes import one_at_a_time
from emsp.accounts.tables import Driver
from emsp.charging.authorize import USUAL_ENERGY_WH
from emsp.charging.elsewhere import plug_ins, taps
from emsp.charging.elsewhere import secure as foreign_payment
from emsp.charging.elsewhere.secure import Spot
from emsp.charging.elsewhere.taps import Holder
from emsp.charging.lifecycle import State
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.session import locked, note
from emsp.charging.tables import Authorization, ChargingSession
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.pricing.quotes.quote import make_quote
from emsp.stations import words
from emsp.stations.tables import Connector, Evse, Station

Said = SessionReport | Record
CARD, CAR = "CARD", "CAR"
STARTED = {CARD: "Your card started this charge.", CAR: "Your car started this charge."}
NO_PRICE_SHOWN = "No price was shown before it began; the price that applies is the one of that moment."
log = logs.log(__name__)


async def adopt(db: Db, partner_id: UUID, said: Said) -> ChargingSession | None:
    """The charge, locked, that a card or contract of ours began; made at the first word of it. None if of none.

    A session that cannot be taken on yet (its place is not known, another charge of the driver's is open there)
    raises Invalid, so that it is kept apart with the reason. A record is kept anyway, and looked at again.
    """
    holder = await _holder(db, said) if _is_a_charge(said) else None
    if holder is None:
        return None
    if holder.driver is None:
        _set_apart(said, "token", f"the card {holder.token.uid} belongs to nobody")
        return None
    spot = await _spot(db, partner_id, said)
    if spot is None:
        _set_apart(said, "location_id", "the place of this charge is not known yet")
        return None
    await one_at_a_time(db, f"charges by card of {holder.driver.id}")
    if known := await _known(db, partner_id, said):
        return known
    if near := await plug_ins.same_plug_in(db, holder.driver.id, spot.connector.evse_id, said):
        return await plug_ins.joined(db, near, partner_id, holder.token.id, said)
    return await _take_on(db, partner_id, holder, holder.driver, spot, said)


def _runs(said: Said) -> bool:
    return isinstance(said, SessionReport) and said.status == "ACTIVE"


def _is_a_charge(said: Said) -> bool:
    """Something that runs, or that took energy. A reservation, or a card shown in vain, is none."""
    if isinstance(said, Record):
        return not said.credit
    return said.status == "ACTIVE" or (said.status == "COMPLETED" and said.energy_wh > 0)


async def _holder(db: Db, said: Said) -> Holder | None:
    """Whose card it was: by the answer that we gave when it was shown, else by its own id or contract."""
    if said.authorization_reference:
        query = select(Authorization.charge_token_id).where(
            Authorization.reference == said.authorization_reference.lower()
        )
        if token_id := await db.scalar(query):
            return await taps.holder_by_id(db, token_id)
    return await taps.holder_of(db, said.token_uid, said.contract_id)


def _set_apart(said: Said, field: str, reason: str) -> None:
    log.error("a charge by card is not taken on", document=said.external_id, reason=reason)
    if isinstance(said, SessionReport):
        raise Invalid(reason, field)


async def _spot(db: Db, partner_id: UUID, said: Said) -> Spot | None:
    """Where it is: the charge point that is named, or the only one there; of it the connector named, or the first."""
    if said.location_id is None:
        return None
    query = (
        select(Station, Evse, Connector)
        .join(Evse, col(Evse.station_id) == col(Station.id))
        .join(Connector, col(Connector.evse_id) == col(Evse.id))
        .where(*_of_party(partner_id, said), Station.external_key == words.key(said.location_id))
        .order_by(col(Connector.removed), col(Connector.position), col(Connector.id))
    )
    if said.evse_uid:
        query = query.where(Evse.uid_key == words.key(said.evse_uid))
    spots = [Spot(*row) for row in await db.execute(query)]
    if len({spot.evse.id for spot in spots}) != 1:
        return None
    wanted = words.key(said.connector_id or "")
    return next((spot for spot in spots if spot.connector.external_key == wanted), spots[0])


def _of_party(partner_id: UUID, said: Said) -> tuple[bool, ...]:
    return (
        Station.partner_id == partner_id,
        Station.country_code == said.country_code,
        Station.party_id == said.party_id,
    )


def _session_id(said: Said) -> str | None:
    """The operator's id of the session."""
    return said.session_external_id if isinstance(said, Record) else said.external_id


async def _known(db: Db, partner_id: UUID, said: Said) -> ChargingSession | None:
    """The charge, if another process took it on a moment ago."""
    if (session_id := _session_id(said)) is None:
        return None
    query = (
        select(ChargingSession.id)
        .join(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(ChargingSession.external_key == session_id.casefold(), *_of_party(partner_id, said))
    )
    known = await db.scalar(query.limit(1))
    return await locked(db, known) if known else None


async def _take_on(db: Db, partner_id: UUID, holder: Holder, driver: Driver, spot: Spot, said: Said) -> ChargingSession:
    """Make the charge, as what it is known to be: one that runs, or one that is over."""
    began_at, is_over = min(said.started_at, clock.now()), not _runs(said)
    quote = await make_quote(
        db,
        brand=holder.brand,
        driver_id=driver.id,
        connector_id=spot.connector.id or 0,
        energy_wh=USUAL_ENERGY_WH,
        at=began_at,
    )
    permitted, refusal = await foreign_payment.payment_of(db, holder, driver, spot, quote)
    reference, session_id = uuid4(), _session_id(said)
    origin = CAR if holder.token.kind == EMAID else CARD
    session = ChargingSession(
        id=reference,
        brand_id=holder.brand.id,
        driver_id=driver.id,
        partner_id=partner_id,
        connector_id=quote.connector_id,
        evse_id=spot.connector.evse_id,
        station_id=spot.evse.station_id,
        quote_id=quote.id,
        payment_method_id=permitted.method.id if permitted.method else None,
        fleet_id=permitted.fleet.id if permitted.fleet else None,
        payment_flow=permitted.flow,
        origin=origin,
        charge_token_id=holder.token.id,
        idempotency_key=f"{origin}:{partner_id}:{said.country_code}{said.party_id}:{said.external_id}"[:255],
        state=State.ENDED if is_over else State.CHARGING,
        state_reason=STARTED[origin],
        authorization_reference=reference.hex,
        token_uid=f"TAP{reference.hex[:17].upper()}",
        external_id=session_id,
        external_key=session_id.casefold() if session_id else None,
        started_at=said.started_at,
        ended_at=said.ended_at,
        created_at=began_at,
    )
    db.add(session)
    await db.flush()
    await note(db, session, STARTED[origin], source="OPERATOR", state=State(session.state))
    await note(db, session, NO_PRICE_SHOWN)
    log.info("a charge by card was taken on", session_id=str(session.id), origin=origin, document=said.external_id)
    if not is_over:
        await foreign_payment.secure_or_stop(db, session, refusal)
    return session
