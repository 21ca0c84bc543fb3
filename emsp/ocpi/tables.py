"""Connections to partners, what they sent as received, and the commands sent to them, as rows."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, false, text
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
    is_static: bool = Field(default=False, sa_column_kwargs={"server_default": false()})  # agreed on by hand
    hub_party: str | None = None  # country code and party id of the hub itself, if the partner is one
    token_in_digests: list[str] = texts()  # tokens with which the partner may call us, the newest first
    awaited_digest: str | None = Field(default=None, unique=True)  # of a token that they get with a running handshake
    token_out_sealed: str | None = None
    token_encoding: str = "BASE64"  # or RAW
    endpoints: list[dict[str, Any]] = jsonb()  # [{"identifier", "role", "url"}]
    roles: list[dict[str, Any]] = jsonb()  # [{"role", "country_code", "party_id", "name"}]
    registered_at: datetime | None = moment()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Route(SQLModel, table=True):
    """A party that is reached over a connection, and whose objects may come over it.

    `source`: CREDENTIALS (its own role there), HUB (told by a hub) or AGREEMENT (told by us). `status` as hubs
    say it: CONNECTED, OFFLINE, PLANNED or SUSPENDED.
    """

    __tablename__ = "ocpi_route"
    __table_args__ = (Index("route_of_party", "country_code", "party_id"),)

    connection_id: UUID = Field(foreign_key="ocpi_connection.id", primary_key=True)
    country_code: str = Field(primary_key=True)
    party_id: str = Field(primary_key=True)
    partner_id: UUID = Field(foreign_key="partner.id")  # who the party belongs to, whichever way it is reached
    role: str = "CPO"
    name: str = ""
    source: str = "CREDENTIALS"
    status: str = "CONNECTED"
    allowed: bool = True
    preferred: bool = False
    source_updated_at: datetime | None = moment()


class InboxDocument(SQLModel, table=True):
    """The latest version of one object of a partner, as received, with what became of it.

    States: RECEIVED -> APPLIED | APART (with the reason); WITHDRAWN when a whole list no longer has it.
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
    version: str = Field(default="2.2.1", sa_column_kwargs={"server_default": "2.2.1"})  # that the body is written in
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
    complete_at: datetime | None = moment()  # when everything there is was last seen
    resume: dict[str, Any] | None = jsonb(nullable=True)  # where a crawl that was broken off goes on
    failure: str | None = None
    counts: dict[str, Any] = jsonb()  # seen, changed, unchanged, apart, withdrawn, seconds


class CrawlSeen(SQLModel, table=True):
    """An object that the running crawl of a whole list has seen; what is not seen at its end is withdrawn."""

    __tablename__ = "ocpi_crawl_seen"

    connection_id: UUID = Field(foreign_key="ocpi_connection.id", primary_key=True)
    module: str = Field(primary_key=True)
    object_key: str = Field(primary_key=True)


class TokenPush(SQLModel, table=True):
    """Whether a partner knows a driver's token as it is now; `dirty_since` says that it does not."""

    __tablename__ = "ocpi_token_push"
    __table_args__ = (Index("tokens_to_push", "connection_id", postgresql_where=text("dirty_since IS NOT NULL")),)

    connection_id: UUID = Field(foreign_key="ocpi_connection.id", primary_key=True)
    driver_id: UUID = Field(foreign_key="driver.id", primary_key=True)
    dirty_since: datetime | None = moment()
    pushed_at: datetime | None = moment()
    failure: str | None = None


class ChargeTokenPush(SQLModel, table=True):
    """Whether a partner knows a card or contract as it is now; `dirty_since` says that it does not."""

    __tablename__ = "ocpi_charge_token_push"
    __table_args__ = (
        Index("charge_tokens_to_push", "connection_id", postgresql_where=text("dirty_since IS NOT NULL")),
    )

    connection_id: UUID = Field(foreign_key="ocpi_connection.id", primary_key=True)
    charge_token_id: UUID = Field(foreign_key="charge_token.id", primary_key=True)
    dirty_since: datetime | None = moment()
    pushed_at: datetime | None = moment()
    failure: str | None = None


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
