"""UNLOCK_CONNECTOR: the plug is let go; a charge at that connector ends with it."""

import asyncio
from typing import Any

from ..door import required_text
from ..feed import Party
from ..life import unplug
from ..outgoing import spoken
from ..platform import Platform
from ..pushes import post_result
from ..wire import OcpiError
from .places import capable, location_at, party_of
from .verdict import Verdict, require_party


def unlock(platform: Platform, body: dict[str, Any], addressed: Party | None, asking: Party) -> Verdict:
    """UNLOCK_CONNECTOR"""
    (location_id,) = required_text(body, "location_id")
    location = location_at(platform, location_id, addressed)
    party = party_of(location)
    require_party(platform, party)
    able = capable(location, "UNLOCK_CAPABLE", body.get("evse_uid"))
    if not able:
        return Verdict("NOT_SUPPORTED", party, (location["id"], body.get("evse_uid")))
    _, connector_id = required_text(body, "evse_uid", "connector_id")
    if connector_id not in [connector["id"] for connector in able[0]["connectors"]]:
        raise OcpiError(2003, f"connector_id: {connector_id} is not known at EVSE {able[0]['uid']}")
    place = (location["id"], able[0]["uid"])
    platform.start(_let_go(platform, place, body["response_url"], party, asking))
    return Verdict("ACCEPTED", party, place)


async def _let_go(platform: Platform, place: tuple[str, str], response_url: str, party: Party, asking: Party) -> None:
    await asyncio.sleep(platform.options.reply_after_s)
    for session in platform.books.sessions.values():
        if session.place == place and session.phase == "charging":
            unplug(platform, session)
    said = spoken(platform, "result", {"result": "ACCEPTED"}, place, pushed=True)
    await post_result(platform, response_url, said, party, asking)
