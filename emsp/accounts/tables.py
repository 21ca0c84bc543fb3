"""Drivers and their ways in, as rows."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, datetime, jsonb, moment, stamp, uuid_key, when


class Driver(SQLModel, table=True):
    """A person who charges, at one brand."""

    __tablename__ = "driver"
    __table_args__ = (UniqueConstraint("brand_id", "email"),)

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    email: str
    name: str | None = None
    language: str = "en"
    blocked_at: datetime | None = moment()  # since when no charge may be started
    billing: dict[str, Any] = jsonb()  # the buyer on receipts
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Vehicle(SQLModel, table=True):
    """A driver's car: what its battery holds and how fast it charges."""

    __tablename__ = "vehicle"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    name: str
    battery_capacity_wh: int = big()
    max_ac_power_w: int = big()
    max_dc_power_w: int | None = big(default=None, nullable=True)  # null: it cannot charge with direct current
    removed_at: datetime | None = moment()
    created_at: datetime = stamp()


class ChargeToken(SQLModel, table=True):
    """What starts a charge at the charge point itself: an RFID card, or a contract in the car (Plug & Charge).

    Nobody's until a driver adds it by the number printed on it, unless the brand hands it out by name.
    """

    __tablename__ = "charge_token"
    __table_args__ = (UniqueConstraint("brand_id", "visual_number"),)

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    driver_id: UUID | None = Field(default=None, foreign_key="driver.id", index=True)
    fleet_id: UUID | None = Field(default=None, foreign_key="fleet.id")  # who pays, if not the driver
    kind: str = "RFID"  # or EMAID
    uid: str = Field(unique=True)  # folded to upper case: of the card's chip, or the EMAID
    contract_id: str = Field(unique=True)
    visual_number: str | None = None  # printed on the card
    name: str | None = None
    whitelist: str = "NEVER"  # NEVER (ask in real time), ALLOWED, ALLOWED_OFFLINE, ALWAYS
    added_at: datetime | None = moment()
    blocked_at: datetime | None = moment()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class SignInCode(SQLModel, table=True):
    """A code sent to an address; good for a few minutes, a few tries and one use."""

    __tablename__ = "sign_in_code"

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    email: str = Field(index=True)
    language: str = "en"
    code_digest: str
    attempts: int = 0
    expires_at: datetime = when()
    used_at: datetime | None = moment()
    created_at: datetime = stamp()


class SignInToken(SQLModel, table=True):
    """An access token and the refresh token that came with it, as digests; one row a rotation."""

    __tablename__ = "sign_in_token"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    family_id: UUID = Field(index=True)
    access_digest: str = Field(unique=True)
    refresh_digest: str = Field(unique=True)
    access_expires_at: datetime = when()
    refresh_expires_at: datetime = when()
    refreshed_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
    created_at: datetime = stamp()


class Mail(SQLModel, table=True):
    """An e-mail to a person: kept first, sent by a job.

    `kept_at` marks one that stays in the outbox: no mail server is set, or the server refused the address for good.
    """

    __tablename__ = "mail"

    id: UUID = uuid_key()
    recipient: str
    sender_name: str | None = None
    subject: str
    body: str
    document_id: UUID | None = Field(default=None, foreign_key="document.id")  # what is attached
    sent_at: datetime | None = moment()
    kept_at: datetime | None = moment()
    created_at: datetime = stamp()
