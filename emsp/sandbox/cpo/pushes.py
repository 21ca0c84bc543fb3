"""What the eMSP is told about a session: results of commands, progress, and at the end the session and its CDR."""

import asyncio
import logging
from typing import Any

from .billing import finished_periods, session_object, session_progress
from .calls import CallFailed, Refused, Unreachable, call, insist, pauses, receiver_url
from .platform import Platform
from .state import Session
from .wire import now, timestamp

log = logging.getLogger(__name__)
RESULT_TRIES = 5


async def send_result(platform: Platform, session: Session, response_url: str, result: str) -> None:
    """POSTs a CommandResult; tried a few times, then let go: a partner's own timeout covers it."""
    try:
        await insist(
            platform, "POST", response_url, {"result": result}, session.party, session.emsp_party, tries=RESULT_TRIES
        )
    except CallFailed as error:
        _remark(session, error)


async def report(platform: Platform, session: Session, known: int | None) -> int | None:
    """Sends a running session: what is new since `known` periods by PATCH, or all of it by PUT when None.

    Returns how many periods the eMSP knows now, None when it may have missed something.
    """
    meter = platform.meter(session)
    if session.ended_after_s is not None or (meter and meter.left):
        return known
    session.last_updated = now()
    periods = len(finished_periods(session, meter)) if meter else 0
    body = session_object(session, meter) if known is None else session_progress(session, meter, known)
    if known == 0 and session.charging_since:
        body = {"start_date_time": timestamp(session.charging_since), **body}
    try:
        url = receiver_url(platform.books.connection, "sessions", *session.party, session.id)
        await call(platform, "PUT" if known is None else "PATCH", url, body, session.party, session.emsp_party)
    except CallFailed as error:
        log.info("%s; the whole session goes out next time", error)
        return None
    return periods


async def deliver_session(platform: Platform, session: Session) -> None:
    """PUTs the finished session, for certain."""
    await _deliver(platform, session, "PUT", ["sessions", *session.party, session.id], session.final)


async def deliver_cdr(platform: Platform, session: Session, cdr: dict[str, Any]) -> None:
    """POSTs a CDR, for certain."""
    await _deliver(platform, session, "POST", ["cdrs"], cdr)


async def _deliver(platform: Platform, session: Session, method: str, path: list[str], body: Any) -> None:
    """Keeps trying while the eMSP is away; a refusal is final and noted in the books."""
    for pause_s in pauses():
        try:
            url = receiver_url(platform.books.connection, *path)
            await call(platform, method, url, body, session.party, session.emsp_party)
            return
        except Refused as error:
            _remark(session, error)
            return
        except Unreachable as error:
            log.info("%s; kept for later", error)
        await asyncio.sleep(pause_s)


def _remark(session: Session, error: Exception) -> None:
    log.warning("session %s: %s", session.id, error)
    session.remarks.append(str(error))
