"""Who is behind the hub, told to the eMSP (HubClientInfo module)."""

import asyncio
import logging
from typing import Any

from ..calls import CallFailed, authorized, endpoint_url, exchange
from ..feed import Party
from ..platform import Platform
from ..wire import now, timestamp
from .parties import status_of

log = logging.getLogger(__name__)


def client_info(platform: Platform, party: Party) -> dict[str, Any]:
    """The ClientInfo object of a party."""
    return {
        "country_code": party[0],
        "party_id": party[1],
        "role": "CPO",
        "status": status_of(platform, party),
        "last_updated": platform.books.party_changed.get("/".join(party), timestamp(platform.books.born)),
    }


def present(platform: Platform) -> None:
    """Tells a newly registered eMSP of every party; does nothing unless the platform is a hub."""
    if platform.is_hub:
        platform.start(_present_all(platform))


async def _present_all(platform: Platform) -> None:
    """Waits first until the registration is certainly through on the other side."""
    await asyncio.sleep(platform.options.reply_after_s)
    for party in sorted(platform.parties):
        await push_client_info(platform, party)


async def push_client_info(platform: Platform, party: Party) -> None:
    """PUTs a party's ClientInfo to the eMSP, without routing headers as this is a configuration module."""
    connection = platform.books.connection
    if connection is None:
        return
    try:
        url = endpoint_url(platform, "hubclientinfo/RECEIVER", *party)
        headers = authorized(platform, connection.token_for_them, connection.version)
        await exchange(platform, "PUT", url, headers, client_info(platform, party))
    except CallFailed as error:
        log.warning("%s; the eMSP will see %s at its next pull", error, "/".join(party))


def set_status(platform: Platform, party: Party, status: str) -> None:
    """Changes whether a party can be reached and tells the eMSP."""
    key = "/".join(party)
    platform.books.party_status[key] = status
    platform.books.party_changed[key] = timestamp(now())
    platform.store.save()
    platform.start(push_client_info(platform, party))
