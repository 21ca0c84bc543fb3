"""Credentials objects: those we hand over, and those we are handed."""

from typing import Any

from .. import versions
from ..door import required_text
from ..feed import Party
from ..hub.parties import reachable
from ..platform import HUB, Platform
from ..wire import OcpiError


def own_credentials(platform: Platform, version: str, token: str) -> dict[str, Any]:
    """Our Credentials object in the form of a version (Credentials module, Credentials object)."""
    body = {"token": token, "url": f"{platform.url}/ocpi/versions", "roles": _own_roles(platform, version)}
    if platform.is_hub and version == "2.3.0":
        body["hub_party_id"] = "".join(HUB)
    spoken: dict[str, Any] = versions.spoken(version, "credentials", body)
    return spoken


def _own_roles(platform: Platform, version: str) -> list[dict[str, Any]]:
    """Every party that can be reached; a hub of 2.2.1 names only itself, and 2.1.1 has room for one party."""
    if version == "2.1.1":
        return [_role("CPO", platform.home, platform.parties.get(platform.home, "Sandbox"))]
    if platform.is_hub and version == "2.2.1":
        return [_role("HUB", HUB, "Sandbox Hub")]
    reached = reachable(platform) if platform.is_hub else sorted(platform.parties)
    return [_role("CPO", party, platform.parties[party]) for party in reached]


def _role(role: str, party: Party, name: str) -> dict[str, Any]:
    return {"role": role, "country_code": party[0], "party_id": party[1], "business_details": {"name": name}}


def their_roles(offered: dict[str, Any], version: str) -> list[dict[str, Any]]:
    """The roles in a Credentials object of theirs. Raises OcpiError 2001 naming what is wrong."""
    roles = versions.understood(version, "credentials", offered).get("roles")
    if not isinstance(roles, list) or not roles:
        raise OcpiError(2001, "roles: at least one role is required")
    for role in roles:
        if not isinstance(role, dict):
            raise OcpiError(2001, "roles: each role is an object")
        required_text(role, "role", "party_id", "country_code")
    return roles
