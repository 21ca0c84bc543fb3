"""Charging profiles (ChargingProfiles module): set, cleared and shown; the simulated car pays them no heed."""

import asyncio
import logging
from typing import Any

from starlette.requests import Request

from ..calls import CallFailed, call, endpoint_url
from ..door import Answer, asking_party, json_object, required_text
from ..feed import Party
from ..outgoing import spoken
from ..platform import Platform
from ..pushes import post_result
from ..state import Session
from ..wire import OcpiError, now, timestamp
from .places import capable, location_at
from .verdict import TIMEOUT_S, require_party

log = logging.getLogger(__name__)
MAXIMUM: dict[str, Any] = {
    "charging_rate_unit": "A",
    "charging_profile_period": [{"start_period": 0, "limit": 16}],
}


async def charging_profiles(platform: Platform, request: Request) -> Answer:
    """GET, PUT and DELETE of chargingprofiles/{session_id}: answered at once, the result follows at response_url."""
    if platform.version == "2.1.1":
        raise OcpiError(2000, "there are no charging profiles in 2.1.1", 404)
    asked = await json_object(request) if request.method == "PUT" else dict(request.query_params)
    (response_url,) = required_text(asked, "response_url")
    if request.method == "PUT":
        _check(asked.get("charging_profile"))
    session = platform.books.sessions.get(request.path_params["session_id"])
    if session is None or session.phase != "charging":
        return _response("UNKNOWN_SESSION")
    require_party(platform, session.party)
    location = location_at(platform, session.location_id, session.party)
    if not capable(location, "CHARGING_PROFILE_CAPABLE", session.evse_uid):
        return _response("NOT_SUPPORTED")
    result = _carried_out(platform, request.method, session, asked)
    parties = (session.party, asking_party(platform, request))
    platform.start(_answer(platform, response_url, result, *parties))
    if request.method == "PUT":
        platform.start(_show_active(platform, session, *parties))
    return _response("ACCEPTED")


def _response(result: str) -> Answer:
    return Answer({"result": result, "timeout": TIMEOUT_S})


def _check(profile: Any) -> None:
    if not isinstance(profile, dict):
        raise OcpiError(2001, "charging_profile: required, a ChargingProfile object")
    if profile.get("charging_rate_unit") not in ("W", "A"):
        raise OcpiError(2001, "charging_profile.charging_rate_unit: required, W or A")


def _carried_out(platform: Platform, method: str, session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    """The asynchronous result of what was asked."""
    kept = platform.books.profiles
    if method == "GET":
        return {"result": "ACCEPTED", "profile": _active(platform, session)}
    if method == "DELETE":
        result = "ACCEPTED" if kept.pop(session.id, None) else "UNKNOWN"
    else:
        kept[session.id], result = asked["charging_profile"], "ACCEPTED"
    platform.store.save()
    return {"result": result}


async def _answer(platform: Platform, url: str, result: dict[str, Any], sender: Party, receiver: Party) -> None:
    await asyncio.sleep(platform.options.reply_after_s)
    await post_result(platform, url, spoken(platform, "profile_result", result, pushed=True), sender, receiver)


def _active(platform: Platform, session: Session) -> dict[str, Any]:
    """The ActiveChargingProfile: the one that was set, or what the charge point allows anyway."""
    profile = platform.books.profiles.get(session.id, MAXIMUM)
    return {"start_date_time": timestamp(now()), "charging_profile": profile}


async def _show_active(platform: Platform, session: Session, sender: Party, receiver: Party) -> None:
    """PUTs the profile that is active now, once the charge point took it; nothing to an eMSP without that endpoint."""
    connection = platform.books.connection
    if connection is None or "chargingprofiles/SENDER" not in connection.endpoints:
        return
    await asyncio.sleep(2 * platform.options.reply_after_s)
    try:
        url = endpoint_url(platform, "chargingprofiles/SENDER", session.id)
        await call(platform, "PUT", url, _active(platform, session), sender, receiver)
    except CallFailed as error:
        log.warning("%s; the eMSP was not shown the active profile", error)
