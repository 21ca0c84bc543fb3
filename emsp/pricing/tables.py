"""Partners' tariffs and the quotes given on them, as rows."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big_key, big_ref, datetime, jsonb, moment, stamp, uuid_key, when


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
    missing_reason: str | None = None
    valid_until: datetime = when()
    signature: str = ""
    created_at: datetime = stamp()
