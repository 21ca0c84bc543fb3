"""A card held to a charge point, or a car that tells its contract: asked about or looked up, then a charge begins."""

from typing import Any
from urllib.parse import quote

from .calls import Refused, call, endpoint_url
from .door import required_text
from .incoming import understood
from .life import live
from .platform import Platform
from .starting import new_session
from .wire import OcpiError

OFFLINE = ("ALLOWED", "ALLOWED_OFFLINE", "ALWAYS")
WAYS = {"realtime": "AUTH_REQUEST", "whitelist": "WHITELIST"}
"""How a charge point may ask, and what that is called."""


async def tap(platform: Platform, body: dict[str, Any]) -> Any:
    """Holds a card to a charge point: {"location_id", "evse_uid", "token_uid" or "contract_id", "auth"?: realtime}.

    `auth` is how the charge point asks: `realtime` the eMSP, `whitelist` nobody, if the token it knows allows that.
    """
    location_id, evse_uid = required_text(body, "location_id", "evse_uid")
    named = str(body.get("token_uid") or body.get("contract_id") or "").upper()
    way = body.get("auth", "realtime")
    if not named or way not in WAYS:
        raise OcpiError(2001, "token_uid or contract_id: required; auth: realtime or whitelist")
    known = next((one for one in platform.books.tokens.values() if named in _names(one)), None)
    if way == "whitelist":
        answer = {"allowed": "ALLOWED" if known and _is_whitelisted(known) else "NOT_ALLOWED"}
    else:
        answer = await _asked(platform, named, known, {"location_id": location_id, "evse_uids": [evse_uid]})
    if answer["allowed"] != "ALLOWED":
        return {**_told(answer), "session_id": None}
    token = answer.get("token") or known or _unknown(platform, named)
    session = new_session(
        platform,
        {
            "location_id": location_id,
            "evse_uid": evse_uid,
            "token": token,
            "authorization_reference": answer.get("authorization_reference"),
            "response_url": "",
        },
        None,
    )
    if not session.occupies:
        return {**_told(answer), "session_id": None, "start": session.behaviour["start"]}
    session.phase, session.auth_method = "answered", WAYS[way]
    platform.books.sessions[session.id] = session
    platform.store.save()
    platform.start(live(platform, session))
    return {**_told(answer), "session_id": session.id}


def _names(token: dict[str, Any]) -> tuple[str, str]:
    return str(token.get("uid")).upper(), str(token.get("contract_id")).upper()


def _is_whitelisted(token: dict[str, Any]) -> bool:
    return token.get("valid") is True and token.get("whitelist") in OFFLINE


def _unknown(platform: Platform, named: str) -> dict[str, Any]:
    """What the charge point read, of a token that was never pushed."""
    country_code, party_id = platform.emsp_party
    party = {"country_code": country_code, "party_id": party_id}
    return {**party, "uid": named, "type": "RFID", "contract_id": named}


async def _asked(platform: Platform, named: str, known: dict[str, Any] | None, place: dict[str, Any]) -> dict[str, Any]:
    """The AuthorizationInfo, or UNKNOWN for a token that the eMSP does not know."""
    token = known or _unknown(platform, named)
    url = f"{endpoint_url(platform, 'tokens/SENDER', token['uid'], 'authorize')}?type={quote(token['type'])}"
    position = platform.locations.find(place["location_id"])
    sender = platform.locations.owners[position] if position is not None else platform.home
    receiver = (token["country_code"], token["party_id"])
    try:
        answer = await call(platform, "POST", url, place, sender, receiver)
    except Refused as refused:
        return {"allowed": "UNKNOWN", "info": {"language": "en", "text": str(refused)}}
    data: dict[str, Any] = answer.get("data") or {}
    if data.get("token"):
        data["token"] = understood(platform, "token", data["token"])
    return {"allowed": "NOT_ALLOWED", **data}


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer.get(name) for name in ("allowed", "info", "authorization_reference", "location")}
