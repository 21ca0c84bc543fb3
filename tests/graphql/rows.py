"""Rows that the tests of the API start from, each with what a test does not care about filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from emsp import clock
from emsp.accounts.tables import Driver, SignInToken
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.db.engine import Db
from emsp.fleets.tables import Fleet, FleetCharge, FleetMember
from emsp.payments.tables import PaymentMethod
from emsp.pricing.tables import Quote, TariffRow
from emsp.stations import words
from emsp.stations.tables import Connector, Evse, Operator, Station
from emsp.vault import digest

JUNE = datetime(2026, 6, 2, 18, 30, tzinfo=UTC)
TARIFF: dict[str, Any] = {
    "currency": "EUR",
    "elements": [{"components": [{"dimension": "ENERGY", "price": "0.45", "vat_percent": "21"}]}],
}
LINE: dict[str, Any] = {
    "line": {
        "kind": "ENERGY",
        "measured": "10000",
        "billed": "10000",
        "unit_price": "0.45",
        "vat_percent": "21",
        "net": "4.5",
        "tax": "0.945",
        "gross": "5.445",
    },
    "amount_minor": 545,
    "tax_minor": 95,
}
VAT = [{"percent": "21", "net_minor": 450, "tax_minor": 95}]


async def added(db: Db, row: Any) -> Any:
    """`row`, with the key that the database gave it."""
    db.add(row)
    await db.flush()
    return row


async def driver(db: Db, brand_id: UUID, name: str) -> Driver:
    """A driver whose access token is `<name>-token`."""
    row: Driver = await added(db, Driver(brand_id=brand_id, email=f"{name}@example.com"))
    later = clock.now() + timedelta(hours=1)
    await added(
        db,
        SignInToken(
            driver_id=row.id,
            family_id=uuid4(),
            access_digest=digest(f"{name}-token"),
            refresh_digest=digest(f"{name}-refresh"),
            access_expires_at=later,
            refresh_expires_at=later,
        ),
    )
    return row


async def station(db: Db, partner_id: UUID, number: int, **facts: Any) -> Station:
    """A station in Utrecht, one hundredth of a degree further east with each number."""
    operator = await added(db, Operator(name=f"Operator {number}", website="https://operator.example"))
    values = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": f"L{number}",
        "external_key": f"l{number}",
        "operator_id": operator.id,
        "name": f"Station {number}",
        "street": f"Oudegracht {number}",
        "city": "Utrecht",
        "postal_code": "3511 AB",
        "country": "NLD",
        "latitude": 52.09,
        "longitude": 5.1 + number / 100,
        "time_zone": "Europe/Amsterdam",
        "twenty_four_seven": True,
        "search_words": f"station {number} utrecht operator {number}",
        "source_updated_at": JUNE,
        "updated_at": JUNE,
    }
    row: Station = await added(db, Station(partner_id=partner_id, **values | facts))
    return row


async def evse(db: Db, at: Station, number: int, status: str = "AVAILABLE", **facts: Any) -> Evse:
    """A charge point of a station, with one connector of type 2."""
    evse_id = f"NL*ABC*E{at.id:04}*{number}"
    at.search_words += f"\n{words.evse_key(evse_id).lower()}"
    row: Evse = await added(
        db,
        Evse(
            station_id=at.id,
            uid=f"E{number}",
            uid_key=f"e{number}",
            evse_id=evse_id,
            evse_key=words.evse_key(evse_id),
            status=status,
            status_as_of=clock.now(),
            source_updated_at=JUNE,
            capabilities=["REMOTE_START_STOP_CAPABLE", "SOMETHING_NEW"],
            position=number,
            **facts,
        ),
    )
    return row


async def connector(db: Db, of: Evse, number: int = 1, **facts: Any) -> Connector:
    """A type 2 socket of 22 kW, with the tariff T1."""
    values = {
        "external_id": str(number),
        "external_key": str(number),
        "position": number,
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_power_w": 22_000,
        "tariff_keys": ["t1"],
        "source_updated_at": JUNE,
    }
    row: Connector = await added(db, Connector(evse_id=of.id, **values | facts))
    return row


async def tariff(db: Db, partner_id: UUID) -> TariffRow:
    """The tariff T1: 0.45 € per kWh and 21 % VAT on top."""
    row: TariffRow = await added(
        db,
        TariffRow(
            partner_id=partner_id,
            country_code="NL",
            party_id="ABC",
            external_id="T1",
            external_key="t1",
            currency="EUR",
            document=TARIFF,
            source_updated_at=JUNE,
            updated_at=JUNE,
        ),
    )
    return row


async def quote(db: Db, owner: Driver, at: Connector) -> Quote:
    """A price of 5.45 € that was shown to a driver."""
    row: Quote = await added(
        db,
        Quote(
            brand_id=owner.brand_id,
            driver_id=owner.id,
            connector_id=at.id,
            tariff={"tariff": TARIFF},
            wholesale=TARIFF,
            lines=[LINE],
            assumptions=[{"code": "CONSTANT_POWER", "parameters": {"power_w": "11000"}}],
            currency="EUR",
            net_minor=450,
            total_minor=545,
            worst_case_minor=681,
            valid_until=clock.now() + timedelta(minutes=15),
        ),
    )
    return row


async def card(db: Db, owner: Driver) -> PaymentMethod:
    """A saved Visa card."""
    row: PaymentMethod = await added(
        db,
        PaymentMethod(
            driver_id=owner.id,
            processor_id=f"pm_{uuid4().hex}",
            brand_name="visa",
            last4="4242",
            expires="12/2030",
            is_default=True,
        ),
    )
    return row


async def session(db: Db, owner: Driver, shown: Quote, at: Connector, **facts: Any) -> ChargingSession:
    """A running charge of 10 kWh so far."""
    point = await db.get_one(Evse, at.evse_id)
    place = await db.get_one(Station, point.station_id)
    values = {
        "state": "CHARGING",
        "idempotency_key": uuid4().hex,
        "authorization_reference": uuid4().hex,
        "token_uid": uuid4().hex,
        "started_at": JUNE,
        "energy_wh": 10_000,
        "cost_so_far_minor": 545,
        "state_of_charge_percent": 64,
    }
    row: ChargingSession = await added(
        db,
        ChargingSession(
            brand_id=owner.brand_id,
            driver_id=owner.id,
            partner_id=place.partner_id,
            connector_id=at.id,
            evse_id=point.id,
            station_id=place.id,
            quote_id=shown.id,
            **values | facts,
        ),
    )
    return row


async def receipt(db: Db, of: ChargingSession, sequence: int = 1) -> Receipt:
    """A receipt over 5.45 €, paid."""
    record = await added(
        db,
        ChargeRecord(
            partner_id=of.partner_id,
            country_code="NL",
            party_id="ABC",
            external_id=f"R{sequence}",
            external_key=f"r{sequence}",
            session_id=of.id,
            document={},
        ),
    )
    row: Receipt = await added(
        db,
        Receipt(
            brand_id=of.brand_id,
            driver_id=of.driver_id,
            session_id=of.id,
            record_id=record.id,
            year=2026,
            sequence=sequence,
            number=f"VOLT-2026-{sequence:06d}",
            currency="EUR",
            net_minor=450,
            total_minor=545,
            paid_minor=545,
            lines=[LINE],
            taxes=VAT,
            verification={"result": "AGREES", "reason": None},
        ),
    )
    return row


async def fleet(db: Db, manager: Driver, *drivers: Driver) -> Fleet:
    """A fleet with its manager and its drivers."""
    row: Fleet = await added(db, Fleet(brand_id=manager.brand_id, name="Rainy Day Couriers"))
    await added(db, FleetMember(fleet_id=row.id, driver_id=manager.id, role="MANAGER"))
    for member in drivers:
        await added(db, FleetMember(fleet_id=row.id, driver_id=member.id))
    return row


async def fleet_charge(db: Db, of: Fleet, by: Driver, reference: str = "a charge") -> FleetCharge:
    """A charge of June 2026 on a fleet's bill."""
    row: FleetCharge = await added(
        db,
        FleetCharge(
            fleet_id=of.id,
            driver_id=by.id,
            reference=reference,
            receipt_number="VOLT-2026-000001",
            station_name="Station 1",
            operator_name="Operator 1",
            country="NLD",
            started_at=JUNE,
            ended_at=JUNE,
            billed_at=JUNE,
            energy_wh=10_000,
            currency="EUR",
            net_minor=450,
            total_minor=545,
            taxes=VAT,
        ),
    )
    return row
