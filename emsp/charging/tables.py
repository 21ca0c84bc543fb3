"""Charging sessions, their timeline and receipts, as rows."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, big_key, big_ref, datetime, jsonb, moment, stamp, texts, uuid_key, when


class ChargingSession(SQLModel, table=True):
    """One plug-in of a driver, from authorise to settled. `state` moves only along `lifecycle`."""

    __tablename__ = "charging_session"
    __table_args__ = (
        UniqueConstraint("driver_id", "idempotency_key"),
        Index(
            "one_open_start_per_driver_and_evse",
            "driver_id",
            "evse_id",
            unique=True,
            postgresql_where=text(
                "state IN ('REQUESTED','COMMAND_SENT','AWAITING_PLUG','START_UNCONFIRMED','CHARGING','STOPPING')"
            ),
        ),
        Index("session_by_partner", "partner_id", "external_key"),
    )

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    partner_id: UUID = Field(foreign_key="partner.id")
    connector_id: int = big_ref("connector.id")
    evse_id: int = big_ref("evse.id")
    station_id: int = big_ref("station.id")
    quote_id: UUID = Field(foreign_key="quote.id")
    payment_method_id: UUID | None = Field(default=None, foreign_key="payment_method.id")
    fleet_id: UUID | None = Field(default=None, foreign_key="fleet.id")
    hold_id: UUID | None = Field(default=None, foreign_key="hold.id")
    payment_flow: str = "HOLD"  # HOLD (then capture), AFTER (the record), PREPAID or FLEET
    origin: str = "APP"  # or CARD (RFID), CAR (Plug & Charge)
    charge_token_id: UUID | None = Field(default=None, foreign_key="charge_token.id")
    reservation_id: UUID | None = Field(default=None, foreign_key="reservation.id")
    idempotency_key: str

    state: str = Field(default="REQUESTED", index=True)
    state_reason: str | None = None
    state_since: datetime = stamp()
    command_attempts: int = 0
    stop_attempts: int = 0
    stop_requested_at: datetime | None = moment()

    authorization_reference: str = Field(unique=True)
    token_uid: str = Field(unique=True)
    external_id: str | None = None  # the partner's id of the session
    external_key: str | None = None
    source_updated_at: datetime | None = moment()

    started_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    energy_wh: int = big()
    power_w: int | None = None
    state_of_charge_percent: int | None = None
    cost_so_far_minor: int | None = big(default=None, nullable=True)
    asked_at: datetime | None = moment()  # when the operator was last asked what became of it
    asks: int = 0
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class SessionEvent(SQLModel, table=True):
    """One line of a session's timeline: what happened, when, and who said so."""

    __tablename__ = "session_event"

    id: int | None = big_key()
    session_id: UUID = Field(foreign_key="charging_session.id", index=True)
    at: datetime = stamp()
    source: str  # DRIVER, OPERATOR, PAYMENT, SYSTEM
    state: str | None = None
    text: str


class ChargeRecord(SQLModel, table=True):
    """A partner's record of a charge, in our words: what was measured and what they ask for it.

    A record that comes again with another content is another revision of it.
    """

    __tablename__ = "charge_record"
    __table_args__ = (
        UniqueConstraint(
            "partner_id", "country_code", "party_id", "external_key", "revision", name="one_row_per_revision"
        ),
    )

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id")
    country_code: str
    party_id: str
    external_id: str
    external_key: str
    session_id: UUID | None = Field(default=None, foreign_key="charging_session.id", index=True)
    revision: int = 1
    document: dict[str, Any] = jsonb()  # a `charging.record.Record` as JSON
    verification: dict[str, Any] | None = jsonb(nullable=True)  # a `pricing.verify.Verification` as JSON
    created_at: datetime = stamp()


class Receipt(SQLModel, table=True):
    """What a driver was billed for one session; written once, numbered without gaps per brand and year.

    A correction is a receipt of its own that takes back lines of the one it corrects and sets others in their place.
    It is caused by a record, or by support, which says why.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("brand_id", "year", "sequence"),
        Index("one_first_receipt_per_session", "session_id", unique=True, postgresql_where=text("corrects_id IS NULL")),
    )

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    session_id: UUID = Field(foreign_key="charging_session.id", index=True)
    record_id: UUID | None = Field(default=None, foreign_key="charge_record.id", unique=True)
    reason: str | None = None  # given by support
    request_key: str | None = Field(default=None, unique=True)  # of support's wish, so that it is granted once
    corrects_id: UUID | None = Field(default=None, foreign_key="receipt.id")  # the first receipt of the session
    year: int
    sequence: int
    number: str
    currency: str
    net_minor: int = big()
    total_minor: int = big()
    paid_minor: int = big()
    lines: list[dict[str, Any]] = jsonb()
    taxes: list[dict[str, Any]] = jsonb()
    verification: dict[str, Any] = jsonb()
    issued_at: datetime = stamp()


class ReceiptNumber(SQLModel, table=True):
    """The last receipt number used by a brand in a year; locked while the next one is taken."""

    __tablename__ = "receipt_number"

    brand_id: UUID = Field(foreign_key="brand.id", primary_key=True)
    year: int = Field(primary_key=True)
    last: int = 0


class Claim(SQLModel, table=True):
    """What we do not owe an operator of what its record asks for, with the reason line by line; once per record.

    States: OPEN -> SETTLED (agreed on an amount) | WITHDRAWN (we pay after all); each of them -> CREDITED (the operator
    took its record back).
    """

    __tablename__ = "claim"

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id", index=True)
    record_id: UUID = Field(foreign_key="charge_record.id", unique=True)
    session_id: UUID = Field(foreign_key="charging_session.id")
    state: str = Field(default="OPEN", index=True)
    reason: str
    currency: str
    asked_minor: int = big()
    undisputed_minor: int = big()
    given_up_minor: int = big()  # what we pay of the difference after all
    note: str | None = None
    opened_at: datetime = stamp()
    closed_at: datetime | None = moment()


class Reservation(SQLModel, table=True):
    """A charge point kept free for a driver until `expires_at`.

    States: REQUESTED -> CONFIRMED -> USED | EXPIRED | CANCELED; REQUESTED -> REFUSED | UNCONFIRMED -> CONFIRMED …
    """

    __tablename__ = "reservation"
    __table_args__ = (UniqueConstraint("driver_id", "idempotency_key"),)

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    partner_id: UUID = Field(foreign_key="partner.id")
    station_id: int = big_ref("station.id")
    evse_id: int = big_ref("evse.id")
    idempotency_key: str
    state: str = Field(default="REQUESTED", index=True)
    state_reason: str | None = None
    authorization_reference: str = Field(unique=True)
    token_uid: str = Field(unique=True)
    command_attempts: int = 0
    expires_at: datetime = when()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Authorization(SQLModel, table=True):
    """An operator asked in real time whether a card or car may charge, and what we answered."""

    __tablename__ = "charge_authorization"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    charge_token_id: UUID = Field(foreign_key="charge_token.id", index=True)
    partner_id: UUID = Field(foreign_key="partner.id")
    location_id: str | None = None  # the operator's
    evse_uids: list[str] = texts()
    allowed: str  # ALLOWED, BLOCKED, EXPIRED, NO_CREDIT, NOT_ALLOWED
    reason: str | None = None
    created_at: datetime = stamp()


class Preference(SQLModel, table=True):
    """What the driver of a running charge wishes, and what the operator made of it."""

    __tablename__ = "charging_preference"

    session_id: UUID = Field(foreign_key="charging_session.id", primary_key=True)
    profile: str
    departure_at: datetime | None = moment()
    energy_need_wh: int | None = big(default=None, nullable=True)
    discharge_allowed: bool = False
    outcome: str | None = None  # null until the operator answered
    updated_at: datetime = stamp()


class Accrual(SQLModel, table=True):
    """What a charge without a record is thought to come to at the end of a month; undone when the record is billed."""

    __tablename__ = "accrual"

    session_id: UUID = Field(foreign_key="charging_session.id", primary_key=True)
    month: str  # YYYY-MM
    currency: str
    revenue_minor: int = big()
    cost_minor: int = big()
    billed_revenue_minor: int | None = big(default=None, nullable=True)
    billed_cost_minor: int | None = big(default=None, nullable=True)
    created_at: datetime = stamp()
    trued_up_at: datetime | None = moment()


class PartnerStatement(SQLModel, table=True):
    """What we owe a party for a month in one currency, as we reckon it; each new reckoning is another version."""

    __tablename__ = "partner_statement"
    __table_args__ = (UniqueConstraint("country_code", "party_id", "month", "currency", "version"),)

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id", index=True)
    country_code: str
    party_id: str
    month: str  # YYYY-MM
    currency: str
    version: int = 1
    records: int = 0
    asked_minor: int = big()
    claimed_minor: int = big()
    owed_minor: int = big()
    lines: list[dict[str, Any]] = jsonb()
    created_at: datetime = stamp()


class PartnerInvoice(SQLModel, table=True):
    """A party's invoice to us, line by line, and what was found when it was held against its records.

    States: RECEIVED -> AGREED | DISPUTED -> PAID.
    """

    __tablename__ = "partner_invoice"
    __table_args__ = (UniqueConstraint("country_code", "party_id", "number"),)

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id", index=True)
    country_code: str
    party_id: str
    number: str
    source: str  # CSV or OCPI
    currency: str
    total_minor: int = big()
    state: str = "RECEIVED"
    lines: list[dict[str, Any]] = jsonb()
    findings: list[dict[str, Any]] = jsonb()
    received_at: datetime = stamp()
    updated_at: datetime = stamp()
