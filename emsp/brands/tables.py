"""The brands as rows."""

from typing import Any

from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, datetime, jsonb, stamp, texts, uuid_key


class Brand(SQLModel, table=True):
    """One white label: its look, its money and its drivers' home."""

    __tablename__ = "brand"

    id: UUID = uuid_key()
    slug: str = Field(unique=True)
    name: str
    hosts: list[str] = texts()
    primary_color: str = "#0b7a4b"
    logo_url: str | None = None
    currency: str = "EUR"
    languages: list[str] = texts()
    support_email: str | None = None
    time_zone: str = "Europe/Amsterdam"
    price_policy: dict[str, Any] = jsonb()
    payment_policy: dict[str, Any] = jsonb()  # how drivers pay, and what follows when they do not
    network_policy: dict[str, Any] = jsonb()  # where its drivers may charge
    legal: dict[str, Any] = jsonb()  # the seller on receipts
    points_per_kwh: int = 1
    hold_cap_minor: int = 15000
    roaming_country_code: str | None = None  # its own party towards operators; unset means that of the installation
    roaming_party_id: str | None = None
    is_default: bool = False
    created_at: datetime = stamp()
