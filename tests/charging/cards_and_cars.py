"""A card and a car of the driver's, and what an operator says of charges that they began."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import select

from emsp import clock
from emsp.accounts.charge_tokens import NewToken, add_token
from emsp.accounts.tables import ChargeToken
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.payments.tables import Customer
from emsp.pricing.engine.price import Period
from tests.charging.conftest import Place
from tests.graphql import rows

UID, CONTRACT, EMAID = "04A2B3C4", "NLEMPC00000001", "NLEMPC00000009"


async def a_card(place: Place, **facts: Any) -> ChargeToken:
    """A card of the driver's."""
    async with transaction() as db:
        new = NewToken(uid=UID, contract_id=CONTRACT, driver_id=place.driver.id)
        card = await add_token(db, place.driver.brand_id, new)
        for name, value in facts.items():
            setattr(card, name, value)
        return card


async def a_car(place: Place) -> ChargeToken:
    """A contract in the driver's car."""
    async with transaction() as db:
        new = NewToken(kind="EMAID", contract_id=EMAID, driver_id=place.driver.id)
        return await add_token(db, place.driver.brand_id, new)


async def a_payment_card(place: Place) -> None:
    """Something to pay with."""
    async with transaction() as db:
        await rows.card(db, place.driver)
        await rows.added(db, Customer(driver_id=place.driver.id, processor_id="cus_1"))


def begun() -> datetime:
    """A while ago."""
    return clock.now().replace(microsecond=0) - timedelta(minutes=20)


def tapped(status: str = "ACTIVE", *, start: datetime | None = None, minutes: int = 10, **facts: Any) -> SessionReport:
    """What the operator says of a charge by card, `minutes` after its beginning."""
    began_at = start or begun()
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": "S1",
        "status": status,
        "started_at": began_at,
        "energy_wh": Decimal(minutes * 100),
        "token_uid": UID,
        "contract_id": CONTRACT,
        "location_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "updated_at": began_at + timedelta(minutes=minutes),
    }
    return SessionReport(**(values | facts))


def recorded(*, start: datetime | None = None, minutes: int = 15, **facts: Any) -> Record:
    """The record of ten kilowatt-hours in a quarter of an hour."""
    began_at = start or begun()
    ended_at = began_at + timedelta(minutes=minutes)
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": "C1",
        "session_external_id": "S1",
        "token_uid": UID,
        "contract_id": CONTRACT,
        "location_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "started_at": began_at,
        "ended_at": ended_at,
        "energy_wh": Decimal(5_000),
        "periods": [Period(began_at, ended_at, Decimal(5_000), charging_s=Decimal(minutes * 60))],
        "currency": "EUR",
        "net_cost": Decimal("2.25"),
        "updated_at": ended_at,
    }
    return Record(**(values | facts))


async def charges() -> list[ChargingSession]:
    """Every charge there is, the oldest first."""
    async with transaction() as db:
        return list(await db.scalars(select(ChargingSession).order_by(ChargingSession.created_at)))  # type: ignore[arg-type]


async def the_charge() -> ChargingSession:
    """The only charge there is."""
    [charge] = await charges()
    return charge
