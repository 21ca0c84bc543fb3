"""Fleets, their members and what they owe, as rows."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, datetime, jsonb, moment, stamp, uuid_key, when


class Fleet(SQLModel, table=True):
    """A company that pays for its drivers' charges, by one bill a month."""

    __tablename__ = "fleet"

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id", index=True)
    name: str
    time_zone: str = "Europe/Amsterdam"
    billing: dict[str, Any] = jsonb()  # the buyer on invoices, and where these are sent
    terms: dict[str, Any] = jsonb()  # how and when it pays
    limits: dict[str, Any] = jsonb()  # what its drivers may do at its cost
    blocked_at: datetime | None = moment()  # since when nothing may be started at its cost
    created_at: datetime = stamp()


class FleetMember(SQLModel, table=True):
    """A driver in a fleet: DRIVER may charge at its cost, MANAGER also sees its bill."""

    __tablename__ = "fleet_member"
    __table_args__ = (UniqueConstraint("fleet_id", "driver_id"),)

    id: UUID = uuid_key()
    fleet_id: UUID = Field(foreign_key="fleet.id", index=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    role: str = "DRIVER"
    limits: dict[str, Any] = jsonb()  # narrower than those of the fleet
    removed_at: datetime | None = moment()
    created_at: datetime = stamp()


class FleetCharge(SQLModel, table=True):
    """One settled charge on a fleet's account; `reference` is the charging session, billed once."""

    __tablename__ = "fleet_charge"

    id: UUID = uuid_key()
    fleet_id: UUID = Field(foreign_key="fleet.id", index=True)
    driver_id: UUID = Field(foreign_key="driver.id")
    reference: str = Field(unique=True)
    receipt_number: str
    station_name: str | None = None
    operator_name: str | None = None
    country: str | None = None
    started_at: datetime = when()
    ended_at: datetime | None = moment()
    billed_at: datetime = when(index=True)
    energy_wh: int = big()
    currency: str
    net_minor: int = big()
    total_minor: int = big()
    taxes: list[dict[str, Any]] = jsonb()  # [{"percent", "net_minor", "tax_minor"}]
    created_at: datetime = stamp()


class FleetInvoice(SQLModel, table=True):
    """One month of a fleet in one currency, asked for by one number without gaps per brand and year.

    States: OPEN -> COLLECTING (by direct debit) -> PAID | DUE (not paid in time, or refused) -> PAID.
    """

    __tablename__ = "fleet_invoice"
    __table_args__ = (UniqueConstraint("fleet_id", "month", "currency"), UniqueConstraint("brand_id", "number"))

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    fleet_id: UUID = Field(foreign_key="fleet.id", index=True)
    month: str  # YYYY-MM
    number: str
    currency: str
    net_minor: int = big()
    total_minor: int = big()
    paid_minor: int = big()
    charges: int = 0
    energy_wh: int = big()
    taxes: list[dict[str, Any]] = jsonb()
    drivers: list[dict[str, Any]] = jsonb()  # totals per driver
    buyer: dict[str, Any] = jsonb()
    state: str = Field(default="OPEN", index=True)
    state_reason: str | None = None
    reminders: int = 0
    due_at: datetime = when()
    issued_at: datetime = stamp()
    updated_at: datetime = stamp()
