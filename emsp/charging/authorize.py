"""May this driver charge here, now, at this price? If so, the charge is taken on: one row, one event."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.happened import ChargeRequested
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.session import note
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db
from emsp.errors import NotFound, Refused
from emsp.fleets.members import paying_fleet
from emsp.fleets.tables import Fleet
from emsp.payments import cards
from emsp.pricing.quotes.quote import make_quote
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station

USUAL_ENERGY_WH = 20_000


async def request_start(
    db: Db,
    *,
    brand: Brand,
    driver: Driver,
    idempotency_key: str,
    quote_id: UUID | None = None,
    connector_id: int | None = None,
    evse_id: int | None = None,
    payment_method_id: UUID | None = None,
    fleet_id: UUID | None = None,
) -> ChargingSession:
    """Take on a charge; the same idempotency key gives the same session. Raises Refused with a code.

    Without a quote one is made for the connector, or for the first one of the EVSE, and a usual charge.
    """
    asking = await db.get_one(Driver, driver.id, with_for_update=True)  # a driver's wishes are looked at one by one
    known = await _by_key(db, driver.id, idempotency_key)
    if known:
        return known
    _refuse_blocked(asking)
    quote = await _quote(db, brand, driver, quote_id, connector_id, evse_id)
    connector, evse, station = await _checked_place(db, quote, connector_id, evse_id)
    await _refuse_unreachable(db, station)
    fleet = await _checked_fleet(db, driver, fleet_id)
    method = None if fleet else await cards.paying_method(db, driver.id, payment_method_id)
    await _refuse_second_start(db, driver.id, connector.evse_id)
    reference = uuid4()
    session = ChargingSession(
        id=reference,
        brand_id=brand.id,
        driver_id=driver.id,
        partner_id=station.partner_id,
        connector_id=quote.connector_id,
        evse_id=connector.evse_id,
        station_id=evse.station_id,
        quote_id=quote.id,
        payment_method_id=method.id if method else None,
        fleet_id=fleet.id if fleet else None,
        idempotency_key=idempotency_key,
        state_reason="Taken on; the payment is being secured.",
        authorization_reference=reference.hex,
        token_uid=f"APP{reference.hex[:17].upper()}",
    )
    db.add(session)
    await db.flush()
    await note(db, session, "You asked to charge here.", source="DRIVER", state=State.REQUESTED)
    await events.emit(db, ChargeRequested(session_id=session.id))
    return session


def _refuse_blocked(driver: Driver) -> None:
    if driver.blocked_at:
        raise Refused("DRIVER_BLOCKED", "Your account may not start charges; ask the support desk.")


async def _by_key(db: Db, driver_id: UUID, key: str) -> ChargingSession | None:
    query = select(ChargingSession).where(
        ChargingSession.driver_id == driver_id, ChargingSession.idempotency_key == key
    )
    return (await db.execute(query)).scalar_one_or_none()


async def _refuse_unreachable(db: Db, station: Station) -> None:
    """Before any money is held: the operator is disconnected, or its hub says that it is away."""
    if not await ports.network().reachable(db, station.partner_id, station.country_code, station.party_id):
        text = "The operator of this charge point cannot be reached at the moment; nothing was charged."
        raise Refused("NOT_CHARGEABLE", text, "input", "connectorId")


async def _refuse_second_start(db: Db, driver_id: UUID, evse_id: int) -> None:
    query = select(ChargingSession.id).where(
        ChargingSession.driver_id == driver_id,
        ChargingSession.evse_id == evse_id,
        col(ChargingSession.state).in_(OPEN),
    )
    if (await db.execute(query)).first():
        raise Refused("ALREADY_CHARGING", "You have an open charge at this charge point.", "input", "connectorId")


async def _quote(
    db: Db, brand: Brand, driver: Driver, quote_id: UUID | None, connector_id: int | None, evse_id: int | None
) -> Quote:
    if quote_id:
        return await _checked_quote(db, driver, quote_id)
    if connector_id is None and evse_id is None:
        raise Refused("QUOTE_NOT_FOUND", "Say where to charge: a quote, a connector or an EVSE.", "input", "quoteId")
    try:
        wanted = connector_id if connector_id is not None else await _first_connector(db, evse_id)
        return await make_quote(
            db, brand=brand, driver_id=driver.id, connector_id=wanted, energy_wh=USUAL_ENERGY_WH, stay_until=None
        )
    except NotFound as error:
        raise Refused("NOT_CHARGEABLE", "There is no such connector.", "input", "connectorId") from error


async def _first_connector(db: Db, evse_id: int | None) -> int:
    query = (
        select(Connector.id)
        .where(Connector.evse_id == evse_id, ~col(Connector.removed))
        .order_by(col(Connector.position), col(Connector.id))
    )
    found: int | None = (await db.execute(query)).scalars().first()
    if found is None:
        raise NotFound(f"evse {evse_id}")
    return found


async def _checked_quote(db: Db, driver: Driver, quote_id: UUID) -> Quote:
    quote = await db.get(Quote, quote_id)
    if quote is None or quote.driver_id != driver.id:
        raise Refused("QUOTE_NOT_FOUND", "There is no such quote.", "input", "quoteId")
    if quote.valid_until < clock.now():
        raise Refused("QUOTE_EXPIRED", "The quote has expired; ask for a new one.", "input", "quoteId")
    return quote


async def _checked_fleet(db: Db, driver: Driver, fleet_id: UUID | None) -> Fleet | None:
    try:
        return await paying_fleet(db, driver, fleet_id)
    except NotFound as error:
        raise Refused("FLEET_NOT_FOUND", "There is no such fleet.", "input", "fleetId") from error


async def _checked_place(
    db: Db, quote: Quote, connector_id: int | None, evse_id: int | None
) -> tuple[Connector, Evse, Station]:
    query = (
        select(Connector, Evse, Station)
        .join(Evse, col(Evse.id) == Connector.evse_id)
        .join(Station, col(Station.id) == Evse.station_id)
        .where(Connector.id == quote.connector_id)
    )
    connector, evse, station = (await db.execute(query)).one()
    if connector_id not in (None, connector.id) or evse_id not in (None, evse.id):
        raise Refused("QUOTE_FOR_ANOTHER_CONNECTOR", "The quote is for another connector.", "input", "quoteId")
    if connector.removed or evse.removed or not station.shown:
        raise Refused("NOT_CHARGEABLE", "This charge point is no longer there.", "input", "connectorId")
    if evse.capabilities and "REMOTE_START_STOP_CAPABLE" not in evse.capabilities:
        raise Refused("NOT_CHARGEABLE", "This charge point cannot be started by app.", "input", "connectorId")
    return connector, evse, station
