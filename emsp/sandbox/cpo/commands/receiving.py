"""Commands received from the eMSP (Commands module): answered at once, carried out afterwards."""

from typing import Any

from starlette.requests import Request

from ..door import Answer, addressed_party, asking_party, json_object, required_text
from ..incoming import understood
from ..life import answer_start, answer_stop, live
from ..platform import Platform
from ..starting import new_session
from ..state import Session
from ..wire import OcpiError
from .reserving import Reserved, cancel, reserve, token_in
from .unlocking import unlock
from .verdict import Verdict, about, answered, require_party


async def commands(platform: Platform, request: Request) -> Answer:
    """POST commands/{command}"""
    command, body = request.path_params["command"].upper(), await json_object(request)
    body = understood(platform, "command", body)
    required_text(body, "response_url")
    return answered(platform, request, _carried_out(platform, request, command, body))


def _carried_out(platform: Platform, request: Request, command: str, body: dict[str, Any]) -> Verdict:
    addressed, asking = addressed_party(request), asking_party(platform, request)
    match command:
        case "START_SESSION":
            return _start(platform, request, body)
        case "STOP_SESSION":
            return _stop(platform, body)
        case "RESERVE_NOW":
            return reserve(platform, body, addressed)
        case "CANCEL_RESERVATION" if platform.version != "2.1.1":
            return cancel(platform, body, addressed, asking)
        case "UNLOCK_CONNECTOR":
            return unlock(platform, body, addressed, asking)
    raise OcpiError(2001, f"command {command} is not known", 404)


def _start(platform: Platform, request: Request, body: dict[str, Any]) -> Verdict:
    required_text(body, "location_id")
    token = token_in(body)
    if earlier := _same_start(platform, body):
        platform.start(answer_start(platform, earlier, body["response_url"]))
        return about(earlier, "ACCEPTED")
    with Reserved(platform, body) as reserved:
        session = new_session(platform, reserved.command, addressed_party(request))
        require_party(platform, session.party)
        if token.get("valid") is False or session.behaviour["start"] == "refuse":
            return about(session, "REJECTED")
        reserved.becomes(session)
    platform.books.sessions[session.id] = session
    platform.store.save()
    platform.start(live(platform, session))
    return about(session, "REJECTED" if session.behaviour["start"] == "refuse_late" else "ACCEPTED")


def _same_start(platform: Platform, body: dict[str, Any]) -> Session | None:
    """The session that the same authorization asked for earlier, unless nothing came of it."""
    reference = body.get("authorization_reference")
    sessions = platform.books.sessions.values()
    known = (s for s in sessions if reference and s.authorization_reference == reference)
    return next((session for session in known if session.phase != "abandoned"), None)


def _stop(platform: Platform, body: dict[str, Any]) -> Verdict:
    wanted = required_text(body, "session_id")[0].casefold()
    session = next((one for one in platform.books.sessions.values() if one.id.casefold() == wanted), None)
    if session is None or session.phase != "charging":
        return Verdict("UNKNOWN_SESSION")
    require_party(platform, session.party)
    session.stop_urls.append(body["response_url"])
    platform.store.save()
    platform.start(answer_stop(platform, session, body["response_url"]))
    return about(session, "ACCEPTED")
