"""The CPO's books: registration, sessions, CDRs and changes, kept in one JSON file that is replaced atomically."""

import os
import secrets
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from .wire import encode, now

Phase = Literal["accepted", "answered", "charging", "ended", "closed", "abandoned"]


class Connection(msgspec.Struct, kw_only=True):
    """A registered eMSP: both tokens in the plain, its roles and its endpoints by `identifier/ROLE`."""

    version: str
    token_for_us: str
    token_for_them: str
    versions_url: str
    roles: list[dict[str, Any]]
    endpoints: dict[str, str]


class Session(msgspec.Struct, kw_only=True):
    """One charge, from the accepted START on. The meter is not kept: it is replayed from these facts."""

    id: str
    phase: Phase
    behaviour: dict[str, str]
    country_code: str
    party_id: str
    location_id: str
    evse_uid: str
    connector_id: str
    cdr_location: dict[str, Any]
    time_zone: str
    tariff: dict[str, Any]
    tariff_published: bool
    power_w: int
    speed: float
    token: dict[str, Any]
    authorization_reference: str | None
    response_url: str
    created: datetime
    last_updated: datetime
    charging_since: datetime | None = None
    stop_urls: list[str] = []
    ended_after_s: int | None = None
    cdr_id: str | None = None
    final: dict[str, Any] | None = None
    remarks: list[str] = []
    auth_method: str = "COMMAND"

    @property
    def party(self) -> tuple[str, str]:
        """Whose session it is."""
        return (self.country_code, self.party_id)

    @property
    def emsp_party(self) -> tuple[str, str]:
        """Whose driver is charging."""
        return (self.token["country_code"], self.token["party_id"])

    @property
    def occupies(self) -> bool:
        """Whether its EVSE is taken by it."""
        comes = self.behaviour["start"] in ("ok", "late", "refuse_late", "pending", "never_plug")
        return comes and self.phase in ("accepted", "answered", "charging")

    @property
    def place(self) -> tuple[str, str]:
        """The location and the EVSE."""
        return (self.location_id, self.evse_uid)

    @property
    def visible(self) -> bool:
        """Whether it is a Session to partners: from the plug on."""
        return self.phase in ("charging", "ended", "closed")


class Reservation(msgspec.Struct, kw_only=True):
    """An EVSE kept for a token: until when, and the session it becomes when the driver comes."""

    id: str
    expiry: datetime
    session: Session
    phase: Literal["asked", "held", "used", "over"] = "asked"


class Books(msgspec.Struct, kw_only=True):
    """Everything that must survive a restart."""

    born: datetime
    prefix: str
    invitation: str | None
    awaited_token: str | None = None
    connection: Connection | None = None
    tokens: dict[str, dict[str, Any]] = {}
    sessions: dict[str, Session] = {}
    cdrs: dict[str, dict[str, Any]] = {}
    withheld_cdrs: list[str] = []
    changes: dict[str, dict[str, Any]] = {}
    behaviours: dict[str, dict[str, str]] = {}
    lies: dict[str, list[str]] = {}
    reservations: dict[str, Reservation] = {}
    party_status: dict[str, str] = {}
    party_changed: dict[str, str] = {}
    preferences: dict[str, dict[str, Any]] = {}
    profiles: dict[str, dict[str, Any]] = {}


def place_key(location_id: str | None = None, evse_uid: str | None = None) -> str:
    """Under what the orders for everyone, a location or an EVSE are kept."""
    return f"{location_id or ''}\t{evse_uid or ''}".lower()


class Store:
    """Opens the books and writes them back whole: beside the file first, then in its place."""

    def __init__(self, path: Path | None, invitation: str) -> None:
        self._path = path
        if path is not None and path.exists():
            self.books = msgspec.json.Decoder(Books, float_hook=Decimal).decode(path.read_bytes())
        else:
            self.books = Books(born=now(), prefix=secrets.token_hex(3).upper(), invitation=invitation)

    def save(self) -> None:
        """Writes the books; after it returns they survive a kill."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(self._path.name + ".new")
        with beside.open("wb") as file:
            file.write(encode(self.books))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
