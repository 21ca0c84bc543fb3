"""A PATCH of nothing but the status of an EVSE, read off the wire: what is plain is read fast, and as strictly.

Everything else, whatever is wrong with it, is left to the ordinary way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote

import msgspec

from emsp.errors import Invalid
from emsp.ocpi import ours, wire
from emsp.ocpi.words.translate_location import status_of
from emsp.stations.statuses import EvseKey

PATH = re.compile(r"/+ocpi/+([\d.]+)/+locations" + r"/+([^/]+)" * 4 + "/*", re.ASCII | re.IGNORECASE)
MAX_BODY_BYTES = 1000


class _Change(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is sent, with the texts as they are."""

    status: str
    last_updated: str
    uid: str | None = None


class Plain(msgspec.Struct, frozen=True):
    """The new status of an EVSE, and where its partner keeps it. `authorization` is the header, not looked at yet."""

    authorization: str
    version: str
    evse: EvseKey
    object_key: str
    uid: str
    changes: dict[str, str]
    status: str
    as_of: datetime


_read = msgspec.json.Decoder(_Change).decode


def plain(raw_path: bytes, headers: Mapping[str, str], body: bytes) -> Plain | None:
    """The change, if the request is of this kind; header names are in lower case."""
    path = PATH.fullmatch(raw_path.decode("latin-1"))
    if path is None or path[1] not in ours.VERSIONS or "authorization" not in headers or len(body) > MAX_BODY_BYTES:
        return None
    parts = [unquote(part) for part in path.groups()] if b"%" in raw_path else path.groups()
    version, country_code, party_id, location_id, uid = parts
    try:
        change = _read(body)
        as_of = wire.moment(change.last_updated)
        wire.refuse_nul(body)
    except (ValueError, Invalid):
        return None
    if not "".join(parts).isprintable() or (change.uid and wire.fold(change.uid) != wire.fold(uid)):
        return None
    return Plain(
        authorization=headers["authorization"],
        version=version,
        evse=EvseKey.of(country_code, party_id, location_id, uid),
        object_key=wire.key_of(country_code, party_id, location_id),
        uid=wire.fold(uid),
        changes=msgspec.to_builtins(change),
        status=status_of(change.status),
        as_of=as_of,
    )
