"""The companies we roam with, as rows."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, datetime, jsonb, stamp, uuid_key


class Partner(SQLModel, table=True):
    """A company that operates charge points, or a hub that speaks for some."""

    __tablename__ = "partner"

    id: UUID = uuid_key()
    name: str = Field(unique=True)
    created_at: datetime = stamp()


class Party(SQLModel, table=True):
    """One role of a partner in the network: country code and party id."""

    __tablename__ = "party"
    __table_args__ = (UniqueConstraint("country_code", "party_id", "role"),)

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id", index=True)
    country_code: str
    party_id: str
    role: str = "CPO"
    name: str


class PartnerAgreement(SQLModel, table=True):
    """What was agreed with a partner about money; without a row the defaults of `agreements.Agreement` hold."""

    __tablename__ = "partner_agreement"

    partner_id: UUID = Field(foreign_key="partner.id", primary_key=True)
    terms: dict[str, Any] = jsonb()  # an `agreements.Agreement` as JSON
    updated_at: datetime = stamp()
