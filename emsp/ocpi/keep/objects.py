"""Kept objects of partners as the receivers change them: found by path, merged, taken in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from emsp import logs
from emsp.clock import now, utc_text
from emsp.db.engine import Db
from emsp.ocpi import routing, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.apply import take_in
from emsp.ocpi.ours import VERSIONS
from emsp.ocpi.tables import InboxDocument
from emsp.ocpi.words import bridge

log = logs.log(__name__)
Json = dict[str, Any]
SESSION_STEPS = ("PENDING", "ACTIVE", "COMPLETED")


class Target:
    """The object that a path names: country code, party id, id and what lies below. It is reached only over a
    connection that speaks for its owner."""

    def __init__(self, call: Call, *, depth: int = 0) -> None:
        self.version, module, *parts = call.path
        if not 3 <= len(parts) <= 3 + depth:
            raise OcpiError(Status.INVALID_PARAMETERS, f"/{'/'.join(call.path)} does not name an object", 404)
        self.module = module.lower()
        self.country_code, self.party_id, self.object_id, *self.below = parts
        self.party = PartyId.of(self.country_code, self.party_id)
        self.key = wire.key_of(self.country_code, self.party_id, self.object_id)
        self.connection = call.connection
        self.state: str | None = None
        self.owners: Mapping[PartyId, UUID] = {}

    async def kept(self, db: Db, *, for_update: bool = False) -> InboxDocument | None:
        """The document as it was received last, if ever; its state is noted, and whose it is.

        Raises OcpiError: HTTP 404, for an object of a party that the caller does not speak for.
        """
        self.owners = await routing.owners(db, self.connection.id, [self.party])
        if not self.owners:
            message = f"{self.country_code} {self.party_id} is not a party of yours"
            raise OcpiError(Status.INVALID_PARAMETERS, message, 404)
        document = await inbox.kept(db, self.connection.id, self.module, self.key, for_update=for_update)
        self.state = document.state if document else None
        return document

    async def known(self, db: Db, *, for_update: bool = False) -> Json:
        """The object as it was received last. Raises OcpiError: HTTP 404, so that the partner sends it whole."""
        document = await self.kept(db, for_update=for_update)
        if document is None or document.state == inbox.WITHDRAWN:
            raise self.unknown()
        return self.body_of(document)

    def body_of(self, document: InboxDocument) -> Json:
        """What is kept, in the caller's version. Raises OcpiError: HTTP 404, when it was received in a later one."""
        parsed: Json = wire.decode(document.body)
        if document.version == self.version:
            return parsed
        if VERSIONS.index(document.version) < VERSIONS.index(self.version):
            raise self.unknown()
        lifted: Json = bridge.lift(self.module, document.version, parsed, self.party, to=self.version)
        return lifted

    def unknown(self) -> OcpiError:
        """HTTP 404 with the code that the module has for it."""
        status = Status.UNKNOWN_LOCATION if self.module == "locations" else Status.INVALID_PARAMETERS
        return OcpiError(status, f"{self.module}/{'/'.join([self.key, *self.below])} is not known", 404)

    def check(self, body: Mapping[str, Any], *, own_id: str = "id") -> None:
        """Raises OcpiError when the body says that it is another object than the path says.

        To be asked once it is known that the path is the caller's: what is another's looks the same in every case.
        """
        wanted = {own_id: (self.below or [self.object_id])[-1]}
        if not self.below:
            wanted |= {"country_code": self.country_code, "party_id": self.party_id}
        for name, value in wanted.items():
            stated = body.get(name)
            if stated is not None and wire.fold(str(stated)) != wire.fold(value):
                message = f"{name}: {stated!r} in the body, {value!r} in the path"
                raise OcpiError(Status.INVALID_PARAMETERS, message)

    def whole(self, body: Json) -> Json:
        """The body of an object with the id, should only the path say it."""
        return body if body.get("id") is not None else {**body, "id": self.object_id}


async def store(db: Db, target: Target, body: bytes) -> str | None:
    """Keep the object and tell the features; why it could not be understood, or None."""
    item = inbox.item_of(body, target.version, target.party)
    item = msgspec.structs.replace(item, key=target.key)
    applied = await take_in(db, target.connection, target.module, [item], owners=target.owners)
    return applied.reasons.get(target.key)


def refuse(reason: str | None) -> None:
    """Raises OcpiError for an object that was kept apart, once its transaction is committed."""
    if reason:
        raise OcpiError(Status.INVALID_PARAMETERS, reason)


def when(body: Mapping[str, Any]) -> datetime | None:
    """The `last_updated` of an object, if it has one that can be read."""
    stated = body.get("last_updated")
    try:
        return wire.moment(stated) if isinstance(stated, str) else None
    except ValueError:
        return None


def required_when(body: Mapping[str, Any]) -> datetime:
    """The `last_updated` of a PATCH. Raises OcpiError 2001 without one."""
    found = when(body)
    if found is None:
        raise OcpiError(Status.INVALID_PARAMETERS, "last_updated: required, a DateTime")
    return found


def dated(target: Target, body: Json, known: Mapping[str, Any]) -> Json:
    """The PATCH with its time: now where 2.1.1 lets it be left out. Raises OcpiError 2001 where later ones do not."""
    if target.version == "2.1.1" and when(body) is None:
        return {**body, "last_updated": utc_text(max(filter(None, [now(), when(known)])))}
    required_when(body)
    return body


async def store_change(db: Db, target: Target, body: bytes) -> str | None:
    """As `store`, but a change that would spoil an object that is understood is refused and leaves it as it was."""
    reason = await store(db, target, body)
    if target.state == inbox.APPLIED:
        refuse(reason)
    return reason


def is_stale(target: Target, body: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a change is older than what is known; it is then answered as done and ignored.

    What could not be understood is not known: nothing is older than that.
    """
    if target.state in (inbox.APART, inbox.WITHDRAWN):
        return False
    changed_at, known_at = when(body), when(known)
    stale = changed_at is not None and known_at is not None and changed_at < known_at
    if stale and target.module == "sessions" and _goes_on(body, known):
        return False
    if stale:
        log.info("a change older than what is known is ignored", changed_at=str(changed_at), known_at=str(known_at))
    return stale


def _goes_on(body: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a session has come further, whatever its clock says."""
    return _progress({**known, **body}) > _progress(known)


def _progress(session: Mapping[str, Any]) -> tuple[int, Decimal]:
    status = str(session.get("status")).strip().upper()
    try:
        kwh = Decimal(str(session.get("kwh") or 0))
    except ArithmeticError:
        kwh = Decimal(0)
    return SESSION_STEPS.index(status) if status in SESSION_STEPS else -1, kwh if kwh.is_finite() else Decimal(0)


def merged(known: Mapping[str, Any], changes: Mapping[str, Any]) -> Json:
    """The known object with the members of a PATCH in place of its own; null is as good as absent."""
    return {**known, **{name: value for name, value in changes.items() if value is not None}}
