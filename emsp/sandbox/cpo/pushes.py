"""What the eMSP is told: results of commands, the progress of a session, at its end the session and its CDR, places."""

import asyncio
import logging
from typing import Any

from . import lies
from .billing import finished_periods, session_object, session_progress
from .calls import CallFailed, Refused, Unreachable, call, endpoint_url, insist, pauses
from .feed import Party
from .outgoing import spoken
from .platform import HUB, Platform
from .state import Session
from .wire import now, timestamp

log = logging.getLogger(__name__)
RESULT_TRIES = 5
PLACE_TRIES = 5


async def send_result(platform: Platform, session: Session, response_url: str, result: str) -> None:
    """POSTs the result of a command about a session."""
    said = spoken(platform, "result", {"result": result}, session.place, pushed=True)
    if error := await post_result(platform, response_url, said, session.party, session.emsp_party):
        _remark(session, error)


async def post_result(
    platform: Platform, response_url: str, said: Any, sender: Party, receiver: Party
) -> CallFailed | None:
    """POSTs a result; tried a few times, then let go: partners have timeouts. What went wrong, if anything."""
    try:
        await insist(platform, "POST", response_url, said, sender, receiver, tries=RESULT_TRIES)
    except CallFailed as error:
        log.warning("%s", error)
        return error
    return None


async def report(platform: Platform, session: Session, known: int | None) -> int | None:
    """Sends a running session: what is new since `known` periods by PATCH, or all of it by PUT when None.

    Returns how many periods the eMSP knows now, None when it may have missed something.
    """
    meter = platform.meter(session)
    if session.ended_after_s is not None or (meter and meter.left):
        return known
    session.last_updated = now()
    periods = len(finished_periods(session, meter)) if meter else 0
    try:
        if known is None:
            await _put(platform, session)
        else:
            await _patch(platform, session, known)
    except CallFailed as error:
        log.info("%s; the whole session goes out next time", error)
        return None
    return periods


async def _put(platform: Platform, session: Session) -> None:
    """The whole session; a CPO that is told to gets it wrong and patches first what was never put."""
    meter = platform.meter(session)
    if lies.tells(platform, "patch-before-put", session.place):
        try:
            await send_session(platform, session, "PATCH", session_progress(session, meter, 0))
            return
        except Refused as error:
            log.info("%s; as it was never put", error)
    await send_session(platform, session, "PUT", session_object(session, meter))


async def _patch(platform: Platform, session: Session, known: int) -> None:
    """What is new, or with every period again when told so."""
    replayed = lies.tells(platform, "replayed-periods", session.place)
    body = session_progress(session, platform.meter(session), 0 if replayed else known)
    if known == 0 and session.charging_since:
        body = {"start_date_time": timestamp(session.charging_since), **body}
    await send_session(platform, session, "PATCH", body)


async def send_session(platform: Platform, session: Session, method: str, body: dict[str, Any]) -> None:
    """Sends a session, or a fragment of it, once. Raises CallFailed."""
    url = session_url(platform, session)
    said = spoken(platform, "session", body, session.place, pushed=True)
    await call(platform, method, url, said, session.party, session.emsp_party)


def session_url(platform: Platform, session: Session) -> str:
    """Where a session lives at the eMSP. Raises Unreachable."""
    return endpoint_url(platform, "sessions/RECEIVER", *platform.owner(session.party), session.id)


async def deliver_session(platform: Platform, session: Session) -> None:
    """PUTs the finished session, for certain."""
    path = [*platform.owner(session.party), session.id]
    await _deliver(platform, session, "PUT", "sessions", path, session.final)


async def deliver_cdr(platform: Platform, session: Session, cdr: dict[str, Any]) -> None:
    """POSTs a CDR, for certain."""
    await _deliver(platform, session, "POST", "cdrs", [], cdr)


async def _deliver(platform: Platform, session: Session, method: str, module: str, path: list[str], body: Any) -> None:
    """Keeps trying while the eMSP is away; a refusal is final and noted in the books."""
    for pause_s in pauses():
        try:
            url = endpoint_url(platform, f"{module}/RECEIVER", *path)
            said = spoken(platform, module[:-1], body, session.place, pushed=True)
            await call(platform, method, url, said, session.party, session.emsp_party)
            return
        except Refused as error:
            _remark(session, error)
            return
        except Unreachable as error:
            log.info("%s; kept for later", error)
        await asyncio.sleep(pause_s)


async def push_place(platform: Platform, path: list[str], fields: dict[str, Any]) -> None:
    """PATCHes fields of a location or EVSE; the path is country code, party, location, EVSE."""
    connection = platform.books.connection
    wanted = connection is not None and "locations/RECEIVER" in connection.endpoints
    if not wanted or not platform.shows((path[0], path[1])):
        return
    kind, evse_uid = ("evse", path[3]) if len(path) > 3 else ("location", None)
    try:
        await push_published(
            platform, "PATCH", "locations", path, spoken(platform, kind, fields, (path[2], evse_uid), True)
        )
    except CallFailed as error:
        log.warning("%s; the eMSP will see it at its next pull", error)


async def push_published(platform: Platform, method: str, module: str, path: list[str], said: Any) -> None:
    """Sends a published object, as a broadcast when the platform is a hub. Raises CallFailed."""
    owner = (path[0], path[1])
    url = endpoint_url(platform, f"{module}/RECEIVER", *platform.owner(owner), *path[2:])
    sender = HUB if platform.is_hub else owner
    await insist(platform, method, url, said, sender, platform.emsp_party, tries=PLACE_TRIES)


def _remark(session: Session, error: Exception) -> None:
    log.warning("session %s: %s", session.id, error)
    session.remarks.append(str(error))
