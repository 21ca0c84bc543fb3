"""Stations, their EVSEs and connectors, as rows."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big_key, big_ref, datetime, jsonb, texts, when

THIS_TRANSACTION = text("pg_current_xact_id()")


class XID8(UserDefinedType[int]):
    """A transaction's number, which never comes again."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Operator(SQLModel, table=True):
    """The name on the charge point."""

    __tablename__ = "operator"

    id: int | None = big_key()
    name: str = Field(unique=True)
    website: str | None = None
    phone: str | None = None


class Station(SQLModel, table=True):
    """A place with charge points. `external_key` is the partner's id, folded to one case."""

    __tablename__ = "station"
    __table_args__ = (
        UniqueConstraint("country_code", "party_id", "external_key"),
        Index(
            "station_place", text("point(longitude, latitude)"), postgresql_using="gist", postgresql_where=text("shown")
        ),
        Index(
            "station_search",
            "search_words",
            postgresql_using="gin",
            postgresql_ops={"search_words": "gin_trgm_ops"},
        ),
    )

    id: int | None = big_key()
    partner_id: UUID = Field(foreign_key="partner.id", index=True)
    country_code: str
    party_id: str
    external_id: str
    external_key: str
    operator_id: int | None = big_ref("operator.id", nullable=True, index=True)
    name: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-3
    latitude: float
    longitude: float
    time_zone: str = "UTC"
    twenty_four_seven: bool | None = None
    opening_hours: dict[str, Any] | None = jsonb(nullable=True)
    facilities: list[str] = texts()
    parking_type: str | None = None
    publish: bool = True
    shown: bool = True  # published, not withdrawn, and at least one EVSE that exists
    search_words: str = ""
    content_hash: str = ""
    source_updated_at: datetime = when()
    updated_at: datetime = when()


class Evse(SQLModel, table=True):
    """A charge point that serves one vehicle at a time."""

    __tablename__ = "evse"
    __table_args__ = (UniqueConstraint("station_id", "uid_key"),)

    id: int | None = big_key()
    station_id: int = big_ref("station.id", cascade=True)
    uid: str
    uid_key: str
    position: int = 0
    evse_id: str | None = None
    evse_key: str | None = Field(default=None, index=True)  # letters and digits of evse_id, upper case
    label: str | None = None
    floor_level: str | None = None
    status: str = "UNKNOWN"
    status_as_of: datetime = when()
    capabilities: list[str] = texts()
    parking_restrictions: list[str] = texts()
    accessible: bool | None = None  # usable by somebody with a disability; null means that it is not stated
    removed: bool = False
    source_updated_at: datetime = when()


class Connector(SQLModel, table=True):
    """A socket or cable. `tariff_keys` are the partner's tariff ids, folded to one case."""

    __tablename__ = "connector"
    __table_args__ = (UniqueConstraint("evse_id", "external_key"),)

    id: int | None = big_key()
    evse_id: int = big_ref("evse.id", cascade=True)
    external_id: str
    external_key: str
    position: int = 0
    standard: str = "UNKNOWN"
    format: str = "UNKNOWN"
    power_type: str = "UNKNOWN"
    max_power_w: int | None = None
    max_voltage_v: int | None = None
    max_amperage_a: int | None = None
    tariff_keys: list[str] = texts()
    capabilities: list[str] = texts()
    removed: bool = False
    source_updated_at: datetime = when()


class StationChange(SQLModel, table=True):
    """The change log: what a transaction changed at stations, for whoever keeps a copy of them.

    `id` is given out before a transaction commits, so a reader that only asks for greater ones would miss some:
    it asks for all of transactions that may not have been over when it last looked (`transaction_id` from the
    oldest of those on), and leaves out what it has seen.
    """

    __tablename__ = "station_change"

    id: int | None = big_key()
    transaction_id: int = Field(sa_column=Column(XID8, nullable=False, index=True, server_default=THIS_TRANSACTION))
    station_ids: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    whole: bool  # else only statuses of EVSEs and their times changed
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))
    )
