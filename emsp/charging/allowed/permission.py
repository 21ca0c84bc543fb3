"""May this driver charge here and now, and who pays how? Every no has a code and a sentence that an app can show."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, func, select

from emsp.accounts.tables import Driver
from emsp.brands.network import Place, read_network
from emsp.brands.network import refusal as network_refusal
from emsp.brands.tables import Brand
from emsp.charging.allowed.fleet_pays import refuse_beyond_limits
from emsp.charging.dues.due import charges_due
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db
from emsp.errors import NotFound, Refused
from emsp.fleets.members import paying_fleet
from emsp.fleets.tables import Fleet
from emsp.money import Money
from emsp.payments import balance, cards
from emsp.payments.policy import Flow, PaymentPolicy, flow_for, policy_of
from emsp.payments.tables import PaymentMethod
from emsp.pricing.retail.countries import alpha_2
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station

BLOCKED = "Your account may not start charges; ask the support desk."
DUE = "A charge of yours is not paid yet. Pay it in the app, then you can charge again."


@dataclass(frozen=True)
class Permitted:
    """A yes: how the charge is paid, and by which fleet or card. PREPAID and FLEET need no card."""

    flow: Flow
    fleet: Fleet | None
    method: PaymentMethod | None


async def permit(
    db: Db,
    *,
    brand: Brand,
    driver: Driver,
    station: Station | None,
    evse: Evse | None,
    connector: Connector | None,
    quote: Quote | None,
    fleet_id: UUID | None = None,
    payment_method_id: UUID | None = None,
) -> Permitted:
    """Whether the driver may charge there, by themselves or at a fleet's cost.

    What is not known (None) is not looked at: a card is shown before there is a price, and sometimes without a place.
    Raises Refused with DRIVER_BLOCKED, NETWORK_NOT_ALLOWED, TOO_MANY_OPEN_CHARGES; FLEET_NOT_FOUND, FLEET_BLOCKED,
    FLEET_LIMIT; PAYMENT_DUE, BALANCE_TOO_LOW, PAYMENT_METHOD_MISSING or PAYMENT_METHOD_NOT_FOUND.
    """
    place = _place(station, connector)
    policy = policy_of(brand.payment_policy)
    refuse_blocked(driver)
    _refuse_by_network(brand, place)
    await _refuse_too_many(db, driver, policy)
    fleet = await _fleet(db, driver, fleet_id)
    if fleet:
        await refuse_beyond_limits(db, fleet, driver, place, quote)
        return Permitted(Flow.FLEET, fleet, None)
    return await _own_payment(db, brand, driver, policy, place, quote, payment_method_id)


def _place(station: Station | None, connector: Connector | None) -> Place | None:
    if station is None:
        return None
    return Place(
        party=f"{station.country_code}*{station.party_id}",
        country=alpha_2(station.country or station.country_code),
        power_w=connector.max_power_w if connector else None,
    )


def refuse_blocked(driver: Driver) -> None:
    """Raises Refused with DRIVER_BLOCKED."""
    if driver.blocked_at:
        raise Refused("DRIVER_BLOCKED", BLOCKED)


def _refuse_by_network(brand: Brand, place: Place | None) -> None:
    reason = network_refusal(read_network(brand.network_policy), place, whose=brand.name) if place else None
    if reason:
        raise Refused("NETWORK_NOT_ALLOWED", reason, "input", "connectorId")


async def _refuse_too_many(db: Db, driver: Driver, policy: PaymentPolicy) -> None:
    query = select(func.count()).where(ChargingSession.driver_id == driver.id, col(ChargingSession.state).in_(OPEN))
    running = int((await db.execute(query)).scalar_one())
    if running >= policy.open_sessions_max:
        which = "a charge that has not ended; stop it" if running == 1 else f"{running} open charges; stop one of them"
        text = f"You have {which} first."
        raise Refused("TOO_MANY_OPEN_CHARGES", text)


async def _fleet(db: Db, driver: Driver, fleet_id: UUID | None) -> Fleet | None:
    try:
        return await paying_fleet(db, driver, fleet_id)
    except NotFound as error:
        raise Refused("FLEET_NOT_FOUND", "There is no such fleet.", "input", "fleetId") from error


async def _own_payment(
    db: Db,
    brand: Brand,
    driver: Driver,
    policy: PaymentPolicy,
    place: Place | None,
    quote: Quote | None,
    payment_method_id: UUID | None,
) -> Permitted:
    due = await charges_due(db, driver.id)
    if due > policy.charges_due_max:
        raise Refused("PAYMENT_DUE", DUE)
    paid = await _paid_charges(db, driver) if policy.after_paid_charges else 0
    flow = flow_for(policy, party=place.party if place else "", paid_charges=paid, due_charges=due)
    if flow is Flow.PREPAID:
        await _refuse_too_poor(db, brand, driver, quote)
        return Permitted(flow, None, None)
    return Permitted(flow, None, await cards.paying_method(db, driver.id, payment_method_id))


async def _refuse_too_poor(db: Db, brand: Brand, driver: Driver, quote: Quote | None) -> None:
    """All that the charge may come to must be there; before there is a price, or where there is none, anything."""
    needed = Money(1, brand.currency)
    if quote and quote.currency and quote.worst_case_minor is not None:
        needed = Money(quote.worst_case_minor, quote.currency)
    there = await balance.available(db, driver.id, needed.currency)
    if there.amount_minor < needed.amount_minor:
        wanted = f"this charge may cost {needed}" if needed.amount_minor > 1 else "that is not enough for a charge"
        raise Refused("BALANCE_TOO_LOW", f"Your balance is {there}; {wanted}. Top it up first.")


async def _paid_charges(db: Db, driver: Driver) -> int:
    """How many charges the driver has paid for themselves."""
    query = select(func.count()).where(
        ChargingSession.driver_id == driver.id,
        ChargingSession.state == State.SETTLED,
        col(ChargingSession.fleet_id).is_(None),
    )
    return int((await db.execute(query)).scalar_one())
