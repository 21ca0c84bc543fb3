"""May this driver charge here, now, at this price? If so, the charge is taken on: one row, one event."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.allowed.permission import Permitted, permit, refuse_blocked
from emsp.charging.happened import ChargeRequested
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.reservations.read import kept_free
from emsp.charging.session import note
from emsp.charging.tables import ChargingSession
from emsp.charging.ways import quote_charge, ways_to_take
from emsp.db.engine import Db
from emsp.errors import NotFound, Refused
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station
from emsp.stations.twins.ways import evses_like, is_same_evse, ways_to

USUAL_ENERGY_WH = 20_000


class _Place(NamedTuple):
    """The connector of a quote, with where it is."""

    connector: Connector
    evse: Evse
    station: Station

    @property
    def evse_id(self) -> int:
        return self.connector.evse_id


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
    refuse_blocked(asking)
    quote = await _quote(db, brand, driver, quote_id, connector_id, evse_id)
    place = await _place(db, quote.connector_id)
    await _refuse_another_place(db, place, connector_id, evse_id)
    paid = {"fleet_id": fleet_id, "payment_method_id": payment_method_id}
    permitted = await _permitted(db, brand, asking, place, quote, **paid)
    return await _take_on(db, asking, quote, place, permitted, idempotency_key)


async def check_start(
    db: Db,
    *,
    brand: Brand,
    driver: Driver,
    connector_id: int,
    quote_id: UUID | None = None,
    payment_method_id: UUID | None = None,
    fleet_id: UUID | None = None,
) -> Permitted:
    """Whether a start there would be taken on as things stand. Raises Refused as `request_start` does.

    Without a quote it is not known what the charge may cost, so only what can be said without that is.
    """
    quote = await _checked_quote(db, driver, quote_id) if quote_id else None
    ways = [quote.connector_id] if quote else await ways_to_take(db, brand, driver.id, connector_id)
    place = await _place(db, ways[0] if ways else connector_id)
    await _refuse_another_place(db, place, connector_id, None)
    paid = {"fleet_id": fleet_id, "payment_method_id": payment_method_id}
    return await _permitted(db, brand, driver, place, quote, **paid)


async def _permitted(
    db: Db, brand: Brand, driver: Driver, place: _Place, quote: Quote | None, **paid: UUID | None
) -> Permitted:
    """What the place must be able to, then what the driver may."""
    _refuse_not_chargeable(place)
    await _refuse_second_start(db, driver.id, place.evse_id)
    await _refuse_past_reservation(db, driver.id, place)
    permitted = await permit(
        db,
        brand=brand,
        driver=driver,
        station=place.station,
        evse=place.evse,
        connector=place.connector,
        quote=quote,
        **paid,
    )
    await _refuse_unreachable(db, place.station)
    return permitted


async def _take_on(
    db: Db, driver: Driver, quote: Quote, place: _Place, permitted: Permitted, idempotency_key: str
) -> ChargingSession:
    reference = uuid4()
    session = ChargingSession(
        id=reference,
        brand_id=driver.brand_id,
        driver_id=driver.id,
        partner_id=place.station.partner_id,
        connector_id=quote.connector_id,
        evse_id=place.evse_id,
        station_id=place.evse.station_id,
        quote_id=quote.id,
        payment_flow=permitted.flow,
        payment_method_id=permitted.method.id if permitted.method else None,
        fleet_id=permitted.fleet.id if permitted.fleet else None,
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


async def _refuse_another_place(db: Db, place: _Place, connector_id: int | None, evse_id: int | None) -> None:
    """The charge point that was quoted may be another than the one asked for only where both are the same one."""
    if connector_id not in (None, place.connector.id):
        ways = (await ways_to(db, [connector_id or 0])).get(connector_id or 0, [])
        if all(way.connector_id != place.connector.id for way in ways):
            raise _quoted_elsewhere()
    if evse_id not in (None, place.evse_id) and not await is_same_evse(db, place.evse_id, evse_id or 0):
        raise _quoted_elsewhere()


def _quoted_elsewhere() -> Refused:
    return Refused("QUOTE_FOR_ANOTHER_CONNECTOR", "The quote is for another connector.", "input", "quoteId")


async def _refuse_second_start(db: Db, driver_id: UUID, evse_id: int) -> None:
    query = select(ChargingSession.id).where(
        ChargingSession.driver_id == driver_id,
        col(ChargingSession.evse_id).in_(await evses_like(db, evse_id)),
        col(ChargingSession.state).in_(OPEN),
    )
    if (await db.execute(query)).first():
        raise Refused("ALREADY_CHARGING", "You have an open charge at this charge point.", "input", "connectorId")


async def _refuse_past_reservation(db: Db, driver_id: UUID, place: _Place) -> None:
    """Whoever keeps the charge point free lets in who shows that reservation: a quote over another partner is past."""
    ways = (await ways_to(db, [place.connector.id or 0])).get(place.connector.id or 0, [])
    kept = await kept_free(db, driver_id, [way.evse_id for way in ways])
    if kept not in (None, place.evse_id):
        text = "You have reserved this charge point over another partner since; ask for a new quote."
        raise Refused("QUOTE_EXPIRED", text, "input", "quoteId")


async def _quote(
    db: Db, brand: Brand, driver: Driver, quote_id: UUID | None, connector_id: int | None, evse_id: int | None
) -> Quote:
    if quote_id:
        return await _checked_quote(db, driver, quote_id)
    if connector_id is None and evse_id is None:
        raise Refused("QUOTE_NOT_FOUND", "Say where to charge: a quote, a connector or an EVSE.", "input", "quoteId")
    try:
        wanted = connector_id if connector_id is not None else await _first_connector(db, evse_id)
        return await quote_charge(db, brand=brand, driver_id=driver.id, connector_id=wanted, energy_wh=USUAL_ENERGY_WH)
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


async def _place(db: Db, connector_id: int) -> _Place:
    query = (
        select(Connector, Evse, Station)
        .join(Evse, col(Evse.id) == Connector.evse_id)
        .join(Station, col(Station.id) == Evse.station_id)
        .where(Connector.id == connector_id)
    )
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise Refused("NOT_CHARGEABLE", "There is no such connector.", "input", "connectorId")
    return _Place(*found)


def _refuse_not_chargeable(place: _Place) -> None:
    connector, evse, station = place
    if connector.removed or evse.removed or not station.shown:
        raise Refused("NOT_CHARGEABLE", "This charge point is no longer there.", "input", "connectorId")
    if evse.capabilities and "REMOTE_START_STOP_CAPABLE" not in evse.capabilities:
        raise Refused("NOT_CHARGEABLE", "This charge point cannot be started by app.", "input", "connectorId")
