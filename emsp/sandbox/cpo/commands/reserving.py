"""Reservations: an EVSE kept for a token until the driver comes, the time is up, or one side changes its mind.

A reservation is shown as a Session with status RESERVATION (not in 2.1.1, which has none). A start by the same token
goes on with that Session; otherwise it ends COMPLETED, without a charge.
"""

import asyncio
import logging
from types import TracebackType
from typing import Any

from .. import evses, lies
from ..billing import TOKEN_FIELDS, session_object
from ..calls import CallFailed
from ..door import required_text
from ..feed import Party
from ..life import RESULTS
from ..outgoing import spoken
from ..platform import Platform
from ..pushes import deliver_session, post_result, send_result, send_session
from ..starting import new_session
from ..state import Reservation
from ..wire import OcpiError, now, parse_timestamp, timestamp
from .places import capable, location_at
from .verdict import Verdict, about, require_party

log = logging.getLogger(__name__)


def token_in(body: dict[str, Any]) -> dict[str, Any]:
    """The Token of a command. Raises OcpiError 2001."""
    token = body.get("token")
    if not isinstance(token, dict):
        raise OcpiError(2001, "token: required, a Token object")
    missing = [name for name in TOKEN_FIELDS if not isinstance(token.get(name), str)]
    if missing:
        raise OcpiError(2001, f"token.{missing[0]}: required, a string")
    return token


def reserve(platform: Platform, body: dict[str, Any], addressed: Party | None) -> Verdict:
    """RESERVE_NOW: the same id at the same location again replaces the reservation."""
    reservation_id, location_id, expires = required_text(body, "reservation_id", "location_id", "expiry_date")
    token_in(body)
    expiry = parse_timestamp(expires, "expiry_date")
    location = location_at(platform, location_id, addressed)
    earlier = platform.books.reservations.get(reservation_id)
    if earlier and earlier.phase == "held" and earlier.session.location_id == location["id"]:
        return _prolong(platform, earlier, expiry, body["response_url"])
    candidates = capable(location, "RESERVABLE", body.get("evse_uid"))
    if not candidates and location.get("evses"):
        return Verdict("NOT_SUPPORTED", place=(location["id"], body.get("evse_uid")))
    free = [evse for evse in candidates if evse["status"] == "AVAILABLE"] or candidates
    session = new_session(platform, {**body, "evse_uid": free[0]["uid"]}, addressed)
    require_party(platform, session.party)
    if expiry <= now() or session.behaviour["start"] == "refuse":
        return about(session, "REJECTED")
    session.id = f"SBX-{platform.books.prefix}-R{len(platform.books.reservations) + 1:05d}"
    reservation = Reservation(id=reservation_id, expiry=expiry, session=session)
    platform.books.reservations[reservation_id] = reservation
    platform.store.save()
    platform.start(hold(platform, reservation))
    return about(session, "ACCEPTED")


def _prolong(platform: Platform, reservation: Reservation, expiry: Any, response_url: str) -> Verdict:
    reservation.expiry, reservation.session.response_url = expiry, response_url
    platform.store.save()
    platform.start(_confirm(platform, reservation, "ACCEPTED"))
    platform.start(watch(platform, reservation))
    return about(reservation.session, "ACCEPTED")


async def hold(platform: Platform, reservation: Reservation) -> None:
    """The charge point's answer, and from then on the EVSE is reserved."""
    session = reservation.session
    await asyncio.sleep(platform.options.reply_after_s)
    result = RESULTS.get(session.behaviour["start"])
    if result != "ACCEPTED":
        platform.books.reservations.pop(reservation.id)
        platform.store.save()
        if result:
            await send_result(platform, session, session.response_url, result)
        return
    reservation.phase = "held"
    _show(platform, reservation, "RESERVED")
    await send_result(platform, session, session.response_url, result)
    await _tell(platform, reservation)
    if lies.tells(platform, "cancel-reservation-late", session.place):
        platform.start(_withdraw_late(platform, reservation))
    await watch(platform, reservation)


async def watch(platform: Platform, reservation: Reservation) -> None:
    """Ends a reservation when its time is up, unless it is over or was prolonged until then."""
    await asyncio.sleep(max(0.0, (reservation.expiry - now()).total_seconds()))
    if reservation.phase == "held" and now() >= reservation.expiry:
        await _end(platform, reservation)


async def _withdraw_late(platform: Platform, reservation: Reservation) -> None:
    await asyncio.sleep(platform.options.late_s)
    if reservation.phase == "held":
        await withdraw(platform, reservation)


async def withdraw(platform: Platform, reservation: Reservation) -> None:
    """The CPO itself cancels: told at the address where the reservation was confirmed."""
    await _confirm(platform, reservation, "CANCELED_RESERVATION")
    await _end(platform, reservation)


def cancel(platform: Platform, body: dict[str, Any], addressed: Party | None, asking: Party) -> Verdict:
    """CANCEL_RESERVATION"""
    (reservation_id,) = required_text(body, "reservation_id")
    reservation = platform.books.reservations.get(reservation_id)
    if reservation is None or reservation.phase != "held":
        sender = addressed or platform.home
        unknown = spoken(platform, "result", {"result": "UNKNOWN_RESERVATION"}, pushed=True)
        platform.start(_answer(platform, body["response_url"], unknown, sender, asking))
        return Verdict("ACCEPTED", sender)
    require_party(platform, reservation.session.party)
    platform.start(_cancel(platform, reservation, body["response_url"]))
    return about(reservation.session, "ACCEPTED")


async def _answer(platform: Platform, url: str, said: Any, sender: Party, receiver: Party) -> None:
    await asyncio.sleep(platform.options.reply_after_s)
    await post_result(platform, url, said, sender, receiver)


async def _cancel(platform: Platform, reservation: Reservation, response_url: str) -> None:
    await asyncio.sleep(platform.options.reply_after_s)
    await send_result(platform, reservation.session, response_url, "ACCEPTED")
    await _end(platform, reservation)


async def _confirm(platform: Platform, reservation: Reservation, result: str) -> None:
    session = reservation.session
    await send_result(platform, session, session.response_url, result)


async def _end(platform: Platform, reservation: Reservation) -> None:
    """The EVSE is free again; the Session is COMPLETED without a charge."""
    if reservation.phase != "held":
        return
    reservation.phase, reservation.session.last_updated = "over", now()
    _show(platform, reservation, "AVAILABLE")
    reservation.session.final = reserved_session(reservation)
    platform.store.save()
    if platform.version != "2.1.1":
        await deliver_session(platform, reservation.session)


async def _tell(platform: Platform, reservation: Reservation) -> None:
    if platform.version == "2.1.1":
        return
    try:
        await send_session(platform, reservation.session, "PUT", reserved_session(reservation))
    except CallFailed as error:
        log.warning("%s; the eMSP will see the reservation at its next pull", error)


def _show(platform: Platform, reservation: Reservation, status: str, push: bool = True) -> None:
    session = reservation.session
    place = evses.Place(session.party, session.location_id, session.evse_uid)
    evses.change(platform, place, {"status": status}, push)


def reserved_session(reservation: Reservation) -> dict[str, Any]:
    """The Session that a reservation is, as OCPI 2.2.1 shows it."""
    session = reservation.session
    if session.final is not None:
        return session.final
    body = session_object(session, None)
    if reservation.phase == "held":
        return {**body, "status": "RESERVATION"}
    return {**body, "status": "COMPLETED", "end_date_time": timestamp(session.last_updated)}


def reserved_sessions(platform: Platform) -> list[dict[str, Any]]:
    """The Sessions of reservations that no charge has taken over; 2.1.1 knows none."""
    if platform.version == "2.1.1":
        return []
    return [reserved_session(kept) for kept in platform.books.reservations.values() if kept.phase in ("held", "over")]


class Reserved:
    """A start under the reservation of its token, if there is one: what comes of it frees or keeps the EVSE."""

    def __init__(self, platform: Platform, command: dict[str, Any]) -> None:
        self._platform = platform
        self._reservation = _held_for(platform, command)
        self.command = command

    def __enter__(self) -> "Reserved":
        if self._reservation:
            _show(self._platform, self._reservation, "AVAILABLE", push=False)
            self.command = {**self.command, "evse_uid": self._reservation.session.evse_uid}
        return self

    def becomes(self, session: Any) -> None:
        """The reservation's Session goes on as this one."""
        if self._reservation:
            session.id = self._reservation.session.id
            session.authorization_reference = (
                session.authorization_reference or self._reservation.session.authorization_reference
            )
            self._reservation.phase = "used"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reservation and self._reservation.phase == "held":
            _show(self._platform, self._reservation, "RESERVED", push=False)


def _held_for(platform: Platform, command: dict[str, Any]) -> Reservation | None:
    token, evse_uid = command["token"], command.get("evse_uid")
    for kept in platform.books.reservations.values():
        session = kept.session
        same_token = all(session.token[name] == token[name] for name in ("country_code", "party_id", "uid"))
        same_place = session.location_id.lower() == command["location_id"].lower() and (
            evse_uid is None or session.evse_uid.lower() == evse_uid.lower()
        )
        if kept.phase == "held" and same_token and same_place:
            return kept
    return None
