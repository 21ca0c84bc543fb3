"""What the other side offers: its versions, and the endpoints of one of them."""

from typing import Any

from ..calls import CallFailed, Refused, authorized, exchange
from ..platform import Platform
from ..wire import OcpiError

WANTED = ("credentials/SENDER", "sessions/RECEIVER", "cdrs/RECEIVER")
SENDERS = ("credentials", "tokens", "commands")


async def versions_at(platform: Platform, url: str, token: str, version: str) -> dict[str, str]:
    """The other side's version details URLs by version. Raises OcpiError 3001."""
    offered = await _fetched(platform, url, token, version)
    return {entry["version"]: entry["url"] for entry in offered}


async def endpoints_at(platform: Platform, url: str, version: str, token: str) -> dict[str, str]:
    """The other side's endpoints by `identifier/ROLE`. Raises OcpiError 3001, 3002 or 3003."""
    details_url = (await versions_at(platform, url, token, version)).get(version)
    if details_url is None:
        raise OcpiError(3002, f"{url} does not offer version {version}")
    found = (await _fetched(platform, details_url, token, version))["endpoints"]
    endpoints = {f"{entry['identifier']}/{_role(entry, version)}": entry["url"] for entry in found}
    missing = [name for name in WANTED if name not in endpoints]
    if missing:
        raise OcpiError(3003, f"{details_url} lacks {', '.join(missing)}")
    return endpoints


def _role(entry: dict[str, Any], version: str) -> str:
    """The role of an endpoint; in 2.1.1, which states none, an eMSP sends tokens and commands and receives the rest."""
    if entry["identifier"] == "credentials":
        return "SENDER"
    if version == "2.1.1":
        return "SENDER" if entry["identifier"] in SENDERS else "RECEIVER"
    return str(entry.get("role"))


async def _fetched(platform: Platform, url: str, token: str, version: str) -> Any:
    try:
        return await _in_either_form(platform, url, token, version)
    except (CallFailed, KeyError) as error:
        raise OcpiError(3001, f"cannot use the API at {url}: {error}") from error


async def _in_either_form(platform: Platform, url: str, token: str, version: str) -> Any:
    """The data at a URL; a token that is refused as one version writes it is shown once more as the other does."""
    try:
        return await _data(platform, url, token, version)
    except Refused as error:
        if error.http_status != 401:
            raise
    return await _data(platform, url, token, "2.2.1" if version == "2.1.1" else "2.1.1")


async def _data(platform: Platform, url: str, token: str, version: str) -> Any:
    return (await exchange(platform, "GET", url, authorized(platform, token, version)))["data"]
