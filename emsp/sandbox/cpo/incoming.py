"""The one way in for OCPI objects: from how the registered eMSP's version says them to how they are kept."""

from typing import Any

from . import versions
from .platform import Platform


def understood(platform: Platform, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """A token or command as 2.2.1 says it; those of 2.1.1, which name no party, become the connection's."""
    kept = versions.understood(platform.version, kind, body)
    if platform.version != "2.1.1":
        return kept
    if kind == "token":
        return {**_owner(platform), **kept}
    if isinstance(kept.get("token"), dict):
        kept = {**kept, "token": {**_owner(platform), **kept["token"]}}
    return {**kept, "reservation_id": str(kept["reservation_id"])} if "reservation_id" in kept else kept


def _owner(platform: Platform) -> dict[str, str]:
    country_code, party_id = platform.emsp_party
    return {"country_code": country_code, "party_id": party_id}
