"""All that stands on a receipt, read from the tables: the charge, the place, the price that was shown, the payment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.billing.issue import receipts_of
from emsp.charging.records.judge import record_in
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.charging.track import whole
from emsp.db.engine import Db
from emsp.fleets.tables import Fleet
from emsp.money import Money
from emsp.payments import balance, charge
from emsp.payments.tables import Charge, Hold, PaymentMethod, Refund
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Operator, Station


@dataclass(frozen=True)
class OnCard:
    """Money taken from a card, or on its way back to it; `at` is None while it is on its way."""

    amount: Money
    card: PaymentMethod | None
    at: datetime | None


@dataclass(frozen=True)
class Payment:
    """What was paid for one receipt, as far as it is known: from the balance, from cards, and back to them."""

    paid: Money
    owed_in_all: Money
    paid_in_all: Money
    balance: Money
    held: OnCard | None = None
    captured: OnCard | None = None
    charged: tuple[OnCard, ...] = ()
    back: tuple[OnCard, ...] = ()

    @property
    def released(self) -> Money:
        """What was held and not taken."""
        held_minor = self.held.amount.amount_minor if self.held else 0
        captured_minor = self.captured.amount.amount_minor if self.captured else 0
        return Money(max(0, held_minor - captured_minor), self.paid.currency)

    @property
    def due(self) -> Money:
        """What the charge with all its corrections still asks for; never less than nothing."""
        return Money(max(0, self.owed_in_all.amount_minor - self.paid_in_all.amount_minor), self.paid.currency)


@dataclass(frozen=True)
class Delivered:
    """What was measured, and when."""

    started_at: datetime | None
    ended_at: datetime | None
    energy_wh: int


@dataclass(frozen=True)
class Place:
    """Where the charge was."""

    station: Station
    evse: Evse
    connector: Connector
    operator: Operator | None


@dataclass(frozen=True)
class Facts:
    """What a receipt is about. `first` is the receipt that it corrects; `costs` what the charge costs after it."""

    receipt: Receipt
    session: ChargingSession
    brand: Brand
    driver: Driver
    place: Place
    quote: Quote
    delivered: Delivered
    payment: Payment
    costs: Money
    first: Receipt | None = None
    fleet: Fleet | None = field(default=None)


async def facts_of(db: Db, receipt_id: UUID) -> Facts:
    """All that is known of a receipt now."""
    receipt = await db.get_one(Receipt, receipt_id, populate_existing=True)
    session = await db.get_one(ChargingSession, receipt.session_id, populate_existing=True)
    receipts = await receipts_of(db, session.id)
    so_far = receipts[: 1 + next(at for at, one in enumerate(receipts) if one.id == receipt.id)]
    return Facts(
        receipt=receipt,
        session=session,
        brand=await db.get_one(Brand, receipt.brand_id),
        driver=await db.get_one(Driver, receipt.driver_id),
        place=await _place(db, session),
        quote=await db.get_one(Quote, session.quote_id),
        delivered=await _delivered(db, receipt, session),
        payment=await _payment(db, receipt, receipts, session),
        costs=Money(sum(one.total_minor for one in so_far), receipt.currency),
        first=await db.get_one(Receipt, receipt.corrects_id) if receipt.corrects_id else None,
        fleet=await db.get_one(Fleet, session.fleet_id) if session.fleet_id else None,
    )


async def _place(db: Db, session: ChargingSession) -> Place:
    station = await db.get_one(Station, session.station_id)
    return Place(
        station=station,
        evse=await db.get_one(Evse, session.evse_id),
        connector=await db.get_one(Connector, session.connector_id),
        operator=await db.get(Operator, station.operator_id) if station.operator_id else None,
    )


async def _delivered(db: Db, receipt: Receipt, session: ChargingSession) -> Delivered:
    """A first receipt is of its record, whatever came later; a correction is of the charge as it is seen now."""
    if receipt.corrects_id or receipt.record_id is None:
        return Delivered(session.started_at, session.ended_at, session.energy_wh)
    record = record_in(await db.get_one(ChargeRecord, receipt.record_id))
    return Delivered(record.started_at, record.ended_at, whole(record.energy_wh))


async def _payment(db: Db, receipt: Receipt, receipts: list[Receipt], session: ChargingSession) -> Payment:
    currency = receipt.currency
    used = await balance.used(db, [str(receipt.id)])
    hold = None if receipt.corrects_id else await _hold(db, session)
    charges = [one for one in await charge.charges_for(db, [str(receipt.id)]) if one.state == "PAID"]
    return Payment(
        paid=Money(receipt.paid_minor, currency),
        owed_in_all=Money(sum(one.total_minor for one in receipts), currency),
        paid_in_all=Money(sum(one.paid_minor for one in receipts), currency),
        balance=used.get(str(receipt.id), Money(0, currency)),
        held=await _held(db, hold) if hold else None,
        captured=await _captured(db, hold) if hold else None,
        charged=tuple([await _charged(db, one) for one in charges]),
        back=tuple([await _back(db, one) for one in await _refunds(db, receipt)]),
    )


async def _hold(db: Db, session: ChargingSession) -> Hold | None:
    found: Hold | None = await db.scalar(select(Hold).where(Hold.reference == str(session.id)))
    return found


async def _held(db: Db, hold: Hold) -> OnCard | None:
    """What was held before it was taken or given back; None where the card never agreed."""
    if hold.state not in ("HELD", "CAPTURED", "RELEASED") or not hold.amount_minor:
        return None
    return OnCard(Money(hold.amount_minor, hold.currency), await _card(db, hold.payment_method_id), hold.created_at)


async def _captured(db: Db, hold: Hold) -> OnCard | None:
    if hold.state != "CAPTURED":
        return None
    return OnCard(Money(hold.captured_minor, hold.currency), await _card(db, hold.payment_method_id), hold.updated_at)


async def _charged(db: Db, paid: Charge) -> OnCard:
    return OnCard(Money(paid.amount_minor, paid.currency), await _card(db, paid.payment_method_id), paid.updated_at)


async def _refunds(db: Db, receipt: Receipt) -> list[Refund]:
    """Refunds that a correction is the reason for."""
    theirs = col(Refund.reference).startswith(f"{receipt.id}:", autoescape=True)
    query = select(Refund).where(theirs, Refund.state != "FAILED").order_by(col(Refund.created_at))
    return list((await db.execute(query)).scalars())


async def _back(db: Db, refund: Refund) -> OnCard:
    arrived_at = refund.updated_at if refund.state == "DONE" else None
    return OnCard(Money(refund.amount_minor, refund.currency), await _card_paid_with(db, refund), arrived_at)


async def _card_paid_with(db: Db, refund: Refund) -> PaymentMethod | None:
    """The card of the payment that is given back; a driver may have paid what was due with another one."""
    for table in (Charge, Hold):
        query = select(table.payment_method_id).where(table.processor_id == refund.payment_id)
        if method_id := await db.scalar(query):
            return await _card(db, method_id)
    return None


async def _card(db: Db, method_id: UUID) -> PaymentMethod | None:
    return await db.get(PaymentMethod, method_id)
