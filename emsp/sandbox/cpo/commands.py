"""Commands received from the eMSP (Commands module): answered at once, carried out afterwards."""

from typing import Any

from starlette.requests import Request

from .billing import TOKEN_FIELDS
from .door import Answer, addressed_party, json_object, required_text
from .life import answer_start, answer_stop, live
from .platform import Platform
from .starting import new_session
from .state import Session
from .wire import OcpiError

TIMEOUT_S = 30
UNSUPPORTED = ("RESERVE_NOW", "CANCEL_RESERVATION", "UNLOCK_CONNECTOR")


async def commands(platform: Platform, request: Request) -> Answer:
    """POST commands/{command}"""
    command, body = request.path_params["command"].upper(), await json_object(request)
    required_text(body, "response_url")
    if command == "START_SESSION":
        return _response(_start(platform, request, body))
    if command == "STOP_SESSION":
        return _response(_stop(platform, body))
    if command in UNSUPPORTED:
        return _response("NOT_SUPPORTED")
    raise OcpiError(2001, f"command {command} is not known", 404)


def _response(result: str) -> Answer:
    return Answer({"result": result, "timeout": TIMEOUT_S})


def _start(platform: Platform, request: Request, body: dict[str, Any]) -> str:
    required_text(body, "location_id")
    token = _token(body)
    if earlier := _same_start(platform, body):
        platform.start(answer_start(platform, earlier, body["response_url"]))
        return "ACCEPTED"
    session = new_session(platform, body, addressed_party(request))
    if token.get("valid") is False or session.behaviour["start"] == "refuse":
        return "REJECTED"
    platform.books.sessions[session.id] = session
    platform.store.save()
    platform.start(live(platform, session))
    return "ACCEPTED"


def _token(body: dict[str, Any]) -> dict[str, Any]:
    token = body.get("token")
    if not isinstance(token, dict):
        raise OcpiError(2001, "token: required, a Token object")
    missing = [name for name in TOKEN_FIELDS if not isinstance(token.get(name), str)]
    if missing:
        raise OcpiError(2001, f"token.{missing[0]}: required, a string")
    return token


def _same_start(platform: Platform, body: dict[str, Any]) -> Session | None:
    """The session that the same authorization asked for earlier, unless nothing came of it."""
    reference = body.get("authorization_reference")
    sessions = platform.books.sessions.values()
    known = (s for s in sessions if reference and s.authorization_reference == reference)
    return next((session for session in known if session.phase != "abandoned"), None)


def _stop(platform: Platform, body: dict[str, Any]) -> str:
    session = platform.books.sessions.get(required_text(body, "session_id")[0])
    if session is None or session.phase != "charging":
        return "UNKNOWN_SESSION"
    session.stop_urls.append(body["response_url"])
    platform.store.save()
    platform.start(answer_stop(platform, session, body["response_url"]))
    return "ACCEPTED"
