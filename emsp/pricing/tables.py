"""Partners' tariffs and the quotes given on them, as rows."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric, UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, big_key, big_ref, datetime, jsonb, moment, stamp, uuid_key, when


class TariffRow(SQLModel, table=True):
    """A partner's tariff. `document` is a `pricing.tariff.Tariff` as JSON; `external_key` its id, folded."""

    __tablename__ = "tariff"
    __table_args__ = (
        UniqueConstraint("country_code", "party_id", "external_key"),
        Index("tariff_of_partner", "partner_id", "external_key"),
    )

    id: int | None = big_key()
    partner_id: UUID = Field(foreign_key="partner.id")
    country_code: str
    party_id: str
    external_id: str
    external_key: str
    currency: str
    document: dict[str, Any] = jsonb()
    alt_text: dict[str, Any] = jsonb()  # language -> the partner's own words
    valid_from: datetime | None = moment()
    valid_until: datetime | None = moment()
    withdrawn: bool = False
    source_updated_at: datetime = when()
    updated_at: datetime = when()


class Quote(SQLModel, table=True):
    """A price given to a driver: what was asked, the tariff as it stood, the answer, and until when it holds."""

    __tablename__ = "quote"

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    driver_id: UUID | None = Field(default=None, foreign_key="driver.id", index=True)
    connector_id: int = big_ref("connector.id")
    tariff_id: int | None = big_ref("tariff.id", nullable=True)
    tariff: dict[str, Any] | None = jsonb(nullable=True)  # the retail tariff that the bill keeps to
    wholesale: dict[str, Any] | None = jsonb(nullable=True)  # the partner's tariff as it stood
    plan: dict[str, Any] = jsonb()
    lines: list[dict[str, Any]] = jsonb()
    assumptions: list[dict[str, Any]] = jsonb()
    currency: str | None = None
    net_minor: int | None = None
    total_minor: int | None = None
    worst_case_minor: int | None = None
    worst_case_until: datetime | None = moment()  # until when the worst case assumes the car to stay
    missing_reason: str | None = None
    valid_until: datetime = when()
    signature: str = ""  # the quote as a signed token (JWS), to be shown as evidence
    created_at: datetime = stamp()


class Plan(SQLModel, table=True):
    """What a brand's subscribers pay less: `terms` is a `plans.PlanTerms` as JSON."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    code: str
    name: str
    terms: dict[str, Any] = jsonb()
    closed_at: datetime | None = moment()  # since when nobody can join it
    created_at: datetime = stamp()


class PlanMembership(SQLModel, table=True):
    """A driver on a plan, from `since` until before `until`; one at a time."""

    __tablename__ = "plan_membership"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    plan_id: UUID = Field(foreign_key="plan.id")
    since: datetime = when()
    until: datetime | None = moment()
    created_at: datetime = stamp()


class AllowanceUse(SQLModel, table=True):
    """Free energy that a charge used up of a plan's month; `reference` is the charging session, counted once."""

    __tablename__ = "allowance_use"

    reference: str = Field(primary_key=True)
    membership_id: UUID = Field(foreign_key="plan_membership.id", index=True)
    month: str  # YYYY-MM in the brand's time zone
    energy_wh: int = big()
    created_at: datetime = stamp()


class ExchangeRate(SQLModel, table=True):
    """How many units of `currency` one euro buys, by the reference rates of one day."""

    __tablename__ = "exchange_rate"

    currency: str = Field(primary_key=True)
    as_of: date = Field(primary_key=True)
    per_euro: Decimal = Field(sa_type=Numeric)
    source: str
    created_at: datetime = stamp()
