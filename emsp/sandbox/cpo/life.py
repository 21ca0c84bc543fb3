"""The life of a session, stage by stage. Each stage ends with the books saved; a restart takes up the next one.

Simulated time: charging starts at the real moment of the plug and goes on `speed` times as fast, so that a
session's start, end and periods agree with its kWh and cost (and its end may lie in the future). `last_updated`
is always real: partners use it to ask for what is new.
"""

import asyncio
import logging

from . import evses, lies
from .billing import cdr_object, session_object
from .charging import Meter
from .platform import Platform
from .pushes import deliver_session, report, send_result
from .records import hand_over, published, written
from .state import Session
from .wire import now

log = logging.getLogger(__name__)
PENDING_S = 0.1
RESULTS = {
    "ok": "ACCEPTED",
    "pending": "ACCEPTED",
    "never_plug": "ACCEPTED",
    "reject": "REJECTED",
    "late": "TIMEOUT",
    "timeout_result": "TIMEOUT",
    "evse_occupied": "EVSE_OCCUPIED",
    "evse_inoperative": "EVSE_INOPERATIVE",
}
COMING = ("ok", "late", "refuse_late", "pending")


async def live(platform: Platform, session: Session) -> None:
    """Plays a session from wherever it stands to its end."""
    stages = {"accepted": _answer, "answered": _plug_in, "charging": _charge, "ended": _settle}
    try:
        while stage := stages.get(session.phase):
            await stage(platform, session)
    except Exception:
        log.exception("session %s came to grief", session.id)


async def _answer(platform: Platform, session: Session) -> None:
    await answer_start(platform, session, session.response_url)
    session.phase = "answered" if session.behaviour["start"] in COMING else "abandoned"
    platform.store.save()


async def answer_start(platform: Platform, session: Session, response_url: str) -> None:
    """The charge point's answer to a start, after the time that charge points take."""
    await asyncio.sleep(platform.options.reply_after_s)
    if result := RESULTS.get(session.behaviour["start"]):
        await send_result(platform, session, response_url, result)


async def _plug_in(platform: Platform, session: Session) -> None:
    await asyncio.sleep(platform.options.plug_in_after_s)
    session.phase, session.last_updated = "charging", now()
    platform.store.save()


async def _charge(platform: Platform, session: Session) -> None:
    known = await _begin(platform, session) if session.charging_since is None else None
    while not (meter := _present(platform, session)).left and session.ended_after_s is None:
        await _pause(platform, session)
        known = await report(platform, session, known)
    _end(platform, session, meter)


async def _begin(platform: Platform, session: Session) -> int | None:
    """Shows the session as PENDING for a moment, then lets the charge begin."""
    known = await report(platform, session, None)
    _show_evse(platform, session, "CHARGING")
    await asyncio.sleep(PENDING_S)
    while session.behaviour["start"] == "pending" and session.ended_after_s is None:
        await _pause(platform, session)
    session.charging_since = session.last_updated = now()
    platform.store.save()
    return await report(platform, session, known)


def _present(platform: Platform, session: Session) -> Meter:
    meter = platform.meter(session)
    assert meter is not None
    return meter


async def _pause(platform: Platform, session: Session) -> None:
    """Waits until the next update is due or something happens to the session."""
    wake = platform.wakes.setdefault(session.id, asyncio.Event())
    try:
        async with asyncio.timeout(platform.options.update_every_s):
            await wake.wait()
    except TimeoutError:
        log.debug("session %s is due for an update", session.id)
    wake.clear()


def _end(platform: Platform, session: Session, meter: Meter) -> None:
    """Closes the meter and writes the CDR; from here on the charge cannot change."""
    if session.ended_after_s is None:
        session.ended_after_s = meter.at_s
    cdr = lies.behaviour(platform, session.place)["cdr"]
    session.behaviour = {**session.behaviour, "cdr": cdr}
    session.cdr_id = f"{session.id}-CDR"
    platform.books.cdrs[session.cdr_id] = written(cdr, cdr_object(session, meter, session.cdr_id))
    if not published(cdr):
        platform.books.withheld_cdrs.append(session.cdr_id)
    session.phase, session.last_updated = "ended", now()
    session.final = session_object(session, meter)
    platform.store.save()


async def _settle(platform: Platform, session: Session) -> None:
    """Tells the eMSP about the end, however long it takes to reach it: first the session, then the CDR."""
    _show_evse(platform, session, "AVAILABLE")
    if not lies.tells(platform, "session-never-ends", session.place):
        await deliver_session(platform, session)
    await hand_over(platform, session)
    session.phase = "closed"
    platform.meters.pop(session.id, None)
    platform.wakes.pop(session.id, None)
    platform.store.save()


async def answer_stop(platform: Platform, session: Session, response_url: str) -> None:
    """The charge point's answer to a stop, after the time that charge points take; the charge is over with it."""
    await asyncio.sleep(platform.options.reply_after_s)
    rejected = lies.behaviour(platform, session.place)["stop"] == "reject"
    if not rejected:
        _freeze(platform, session)
    await send_result(platform, session, response_url, "REJECTED" if rejected else "ACCEPTED")
    session.stop_urls.remove(response_url)
    platform.store.save()
    platform.wake(session)


def unplug(platform: Platform, session: Session) -> None:
    """The driver pulls the plug."""
    _freeze(platform, session)
    platform.wake(session)


def _freeze(platform: Platform, session: Session) -> None:
    """The charge goes no further than now."""
    if session.ended_after_s is None:
        meter = platform.meter(session)
        session.ended_after_s = meter.at_s if meter else 0
        platform.store.save()


def _show_evse(platform: Platform, session: Session, status: str) -> None:
    place = evses.Place(session.party, session.location_id, session.evse_uid)
    evses.change(platform, place, {"status": status})
