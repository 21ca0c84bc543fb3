"""The one way out for OCPI objects: from how they are kept to how the registered eMSP's version says them."""

from typing import Any

from . import lies, versions
from .lies import Place
from .platform import Platform


def spoken(platform: Platform, kind: str, body: Any, place: Place | None = None, pushed: bool = False) -> Any:
    """An object or fragment of 2.2.1 in the wire form of the connection, with the lies that are told about it.

    Kinds as in `versions.spoken`; `place` is (location_id, evse_uid) where the caller knows it and the body may not
    say it; `pushed` marks what leaves unasked.
    """
    said = lies.distort(platform, kind, body, place, pushed)
    if platform.version == "2.1.1" and kind in ("session", "cdr"):
        said = _with_location(platform, said)
    return lies.misspell(platform, kind, versions.spoken(platform.version, kind, said), place, pushed)


def is_plain(platform: Platform, kind: str) -> bool:
    """Whether objects of a kind leave exactly as they are kept."""
    return platform.version == "2.2.1" and not lies.distorts(platform, kind)


def _with_location(platform: Platform, body: dict[str, Any]) -> dict[str, Any]:
    """A Session or CDR beside the whole Location that it names: with the one EVSE and the one connector used."""
    flat = body.get("cdr_location") or {}
    location_id, evse_uid = flat.get("id") or body.get("location_id"), flat.get("evse_uid") or body.get("evse_uid")
    if location_id is None:
        return body
    party = (str(body.get("country_code")), str(body.get("party_id")))
    position = platform.locations.find(location_id, party)
    location = {"id": location_id, "last_updated": body["last_updated"]}
    if position is not None:
        location = platform.locations.read(position)
    connector_id = flat.get("connector_id") or body.get("connector_id")
    snapshot = {name: flat[name] for name in ("name", "address", "city", "postal_code") if name in flat}
    return {**body, "location": {**location, **snapshot, "evses": _used(location, evse_uid, connector_id)}}


def _used(location: dict[str, Any], evse_uid: Any, connector_id: Any) -> list[dict[str, Any]]:
    evses = [evse for evse in location.get("evses") or [] if evse.get("uid") == evse_uid]
    return [{**evse, "connectors": _chosen(evse, connector_id)} for evse in evses]


def _chosen(evse: dict[str, Any], connector_id: Any) -> list[dict[str, Any]]:
    connectors: list[dict[str, Any]] = evse.get("connectors") or []
    return [connector for connector in connectors if connector.get("id") == connector_id] or connectors
