"""Charging preferences of a driver for a running session (Sessions module, ChargingPreferences)."""

from starlette.requests import Request

from ..door import Answer, json_object, required_text
from ..platform import Platform
from ..wire import OcpiError
from .places import capable, location_at
from .verdict import require_party

PROFILES = ("CHEAP", "FAST", "GREEN", "REGULAR")


async def preferences(platform: Platform, request: Request) -> Answer:
    """PUT sessions/{session_id}/charging_preferences"""
    session_id = request.path_params["session_id"]
    session = platform.books.sessions.get(session_id)
    if platform.version == "2.1.1" or session is None or session.phase != "charging":
        raise OcpiError(2001, f"session {session_id} is not charging", 404)
    require_party(platform, session.party)
    location = location_at(platform, session.location_id, session.party)
    if not capable(location, "CHARGING_PREFERENCES_CAPABLE", session.evse_uid):
        raise OcpiError(2001, f"EVSE {session.evse_uid} is not CHARGING_PREFERENCES_CAPABLE", 404)
    body = await json_object(request)
    if required_text(body, "profile_type")[0] not in PROFILES:
        raise OcpiError(2001, f"profile_type: {body['profile_type']!r} is not one of {', '.join(PROFILES)}")
    platform.books.preferences[session_id] = body
    platform.store.save()
    return Answer("ACCEPTED")
