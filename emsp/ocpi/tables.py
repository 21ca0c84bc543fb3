"""Connections to partners, what they sent as received, and the commands sent to them, as rows."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big_key, datetime, jsonb, moment, stamp, texts, uuid_key


class Connection(SQLModel, table=True):
    """One registered OCPI link with its tokens and version.

    States: INVITED (they may register with our token A) or REGISTERING (we are, and they may look at our
    versions) -> REGISTERED -> UNREGISTERED.
    """

    __tablename__ = "ocpi_connection"

    id: UUID = uuid_key()
    partner_id: UUID = Field(foreign_key="partner.id", unique=True)
    state: str = "INVITED"
    version: str = "2.2.1"
    versions_url: str | None = None
    token_in_digests: list[str] = texts()  # tokens with which the partner may call us
    token_out_sealed: str | None = None
    token_encoding: str = "BASE64"  # or RAW
    endpoints: list[dict[str, Any]] = jsonb()  # [{"identifier", "role", "url"}]
    roles: list[dict[str, Any]] = jsonb()  # [{"role", "country_code", "party_id", "name"}]
    registered_at: datetime | None = moment()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class InboxDocument(SQLModel, table=True):
    """The latest version of one object of a partner, as received, with what became of it.

    States: RECEIVED -> APPLIED | APART (with the reason).
    """

    __tablename__ = "ocpi_inbox"
    __table_args__ = (
        UniqueConstraint("connection_id", "module", "object_key"),
        Index("inbox_apart", "connection_id", "module", postgresql_where=text("state = 'APART'")),
    )

    id: int | None = big_key()
    connection_id: UUID = Field(foreign_key="ocpi_connection.id")
    module: str
    object_key: str  # country code, party id and id, folded to one case
    body: str
    content_hash: str
    state: str = "RECEIVED"
    reason: str | None = None
    received_at: datetime = stamp()
    handled_at: datetime | None = moment()


class SyncRun(SQLModel, table=True):
    """How far a module of a partner has been pulled, and what the last pull brought."""

    __tablename__ = "ocpi_sync"

    connection_id: UUID = Field(foreign_key="ocpi_connection.id", primary_key=True)
    module: str = Field(primary_key=True)
    watermark: datetime | None = moment()
    started_at: datetime | None = moment()
    succeeded_at: datetime | None = moment()
    failure: str | None = None
    counts: dict[str, Any] = jsonb()  # seen, changed, unchanged, apart, seconds


class Command(SQLModel, table=True):
    """A command sent to a partner, found again by the secret in its response_url."""

    __tablename__ = "ocpi_command"

    id: UUID = uuid_key()
    connection_id: UUID = Field(foreign_key="ocpi_connection.id")
    kind: str
    reference: str = Field(index=True)  # what it was for, in the words of whoever asked
    secret_digest: str = Field(unique=True)
    response: str | None = None
    result: str | None = None
    message: str | None = None
    sent_at: datetime = stamp()
    answered_at: datetime | None = moment()
