"""The handshake begun by this platform: joining an eMSP, changing the registration, leaving."""

import secrets
from typing import Any

from ..calls import Refused, Unreachable, authorized, endpoint_url, exchange
from ..door import required_text
from ..hub.client_info import present
from ..platform import Platform
from ..state import Connection
from ..wire import OcpiError
from .answering import keep
from .discovery import endpoints_at, versions_at
from .papers import own_credentials, their_roles


async def connect(platform: Platform, versions_url: str, invitation: str, version: str | None = None) -> Connection:
    """Registers at an eMSP with the token it handed out, in the highest common version unless one is named.

    Raises OcpiError or CallFailed.
    """
    return await _agree(platform, "POST", versions_url, invitation, version)


async def change(platform: Platform, version: str | None = None) -> Connection:
    """Renews the registration, in another version if one is named (PUT of credentials)."""
    connection = _registered(platform)
    wanted = version or connection.version
    return await _agree(platform, "PUT", connection.versions_url, connection.token_for_them, wanted)


async def leave(platform: Platform) -> None:
    """Ends the registration (DELETE of credentials)."""
    connection = _registered(platform)
    headers = authorized(platform, connection.token_for_them, connection.version)
    await exchange(platform, "DELETE", endpoint_url(platform, "credentials/SENDER"), headers)
    platform.books.connection = None
    platform.store.save()


def _registered(platform: Platform) -> Connection:
    if platform.books.connection is None:
        raise Unreachable("no eMSP is registered")
    return platform.books.connection


async def _agree(platform: Platform, method: str, url: str, token: str, version: str | None) -> Connection:
    chosen = version or await _highest_common(platform, url, token)
    if chosen not in platform.options.versions:
        raise OcpiError(3002, f"version {chosen} is not offered here")
    awaited = platform.books.awaited_token = secrets.token_urlsafe(32)
    try:
        endpoints = await endpoints_at(platform, url, chosen, token)
        theirs = await _offer(platform, method, endpoints["credentials/SENDER"], token, awaited, chosen)
    finally:
        platform.books.awaited_token = None
    connection = Connection(
        version=chosen,
        token_for_us=awaited,
        token_for_them=required_text(theirs, "token")[0],
        versions_url=theirs.get("url", url),
        roles=their_roles(theirs, chosen),
        endpoints=endpoints,
    )
    keep(platform, connection)
    present(platform)
    return connection


async def _highest_common(platform: Platform, url: str, token: str) -> str:
    ours = platform.options.versions
    theirs = await versions_at(platform, url, token, max(ours))
    common = [version for version in ours if version in theirs]
    if not common:
        raise OcpiError(3002, f"{url} offers none of {', '.join(ours)}")
    return max(common)


async def _offer(platform: Platform, method: str, url: str, token: str, awaited: str, version: str) -> dict[str, Any]:
    """Hands over our credentials; the eMSP may use the awaited token before it answers with its own."""
    headers = authorized(platform, token, version)
    answer = await exchange(platform, method, url, headers, own_credentials(platform, version, awaited))
    theirs = answer.get("data")
    if not isinstance(theirs, dict):
        raise Refused(f"{method} {url}: the answer holds no credentials", 200)
    return theirs
