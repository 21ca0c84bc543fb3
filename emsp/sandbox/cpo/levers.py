"""More levers under /sandbox: about the connection, what is published, CDRs, reservations and parties of a hub."""

from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.routing import Route

from .commands.reserving import withdraw
from .control import Lever, pulled
from .door import required_text
from .feed import Shelf
from .hub.client_info import set_status
from .hub.parties import STATUSES
from .outgoing import spoken
from .platform import Platform
from .pushes import push_published
from .records import CORRECTIONS, correct
from .registration.joining import change, leave
from .taps import tap
from .wire import OcpiError


def routes() -> list[Route]:
    """The routes of these levers."""
    levers: dict[str, Lever] = {
        "update-credentials": _update_credentials,
        "disconnect": _disconnect,
        "push-locations": _push_locations,
        "push-tariffs": _push_tariffs,
        "correct-cdr": _correct_cdr,
        "cancel-reservation": _cancel_reservation,
        "party-status": _party_status,
        "tap": tap,
    }
    return [Route(f"/sandbox/{name}", pulled(lever), methods=["POST"]) for name, lever in levers.items()]


async def _update_credentials(platform: Platform, body: dict[str, Any]) -> Any:
    """PUTs new credentials at the eMSP, in another version if one is named: {"version"?}."""
    connection = await change(platform, body.get("version"))
    return {"registered": True, "version": connection.version, "roles": connection.roles}


async def _disconnect(platform: Platform, body: dict[str, Any]) -> Any:
    """DELETEs the registration at the eMSP: {}."""
    await leave(platform)
    return {"registered": False}


async def _push_locations(platform: Platform, body: dict[str, Any]) -> Any:
    """PUTs one location, one EVSE of it, or everything: {"location_id"?, "evse_uid"?}."""
    evse_uid = body.get("evse_uid")
    pushed = []
    for published in _chosen(platform, platform.locations, body.get("location_id")):
        evses = [evse for evse in published.get("evses") or [] if evse["uid"] == evse_uid]
        if evse_uid and not evses:
            raise OcpiError(2003, f"evse_uid: {evse_uid} is not known")
        kind, told = ("evse", evses[0]) if evse_uid else ("location", published)
        path = [published["country_code"], published["party_id"], published["id"], *([evse_uid] if evse_uid else [])]
        await _put(platform, kind, "locations", path, told)
        pushed.append("/".join(path))
    return {"pushed": pushed}


async def _push_tariffs(platform: Platform, body: dict[str, Any]) -> Any:
    """PUTs one tariff or all, or DELETEs one: {"tariff_id"?, "delete"?: true}."""
    if body.get("delete"):
        required_text(body, "tariff_id")
    pushed = []
    for published in _chosen(platform, platform.tariffs, body.get("tariff_id")):
        path = [published["country_code"], published["party_id"], published["id"]]
        if body.get("delete"):
            await push_published(platform, "DELETE", "tariffs", path, None)
        else:
            await _put(platform, "tariff", "tariffs", path, published)
        pushed.append("/".join(path))
    return {"pushed": pushed}


async def _put(platform: Platform, kind: str, module: str, path: list[str], body: dict[str, Any]) -> None:
    place = (path[2], path[3] if len(path) > 3 else None) if module == "locations" else None
    await push_published(platform, "PUT", module, path, spoken(platform, kind, body, place, pushed=True))


def _chosen(platform: Platform, shelf: Shelf, object_id: str | None) -> list[dict[str, Any]]:
    if object_id is None:
        return [shelf.read(position) for position, owner in enumerate(shelf.owners) if platform.shows(owner)]
    position = shelf.find(object_id)
    if position is None:
        raise OcpiError(2003, f"{object_id} is not published here")
    return [shelf.read(position)]


async def _correct_cdr(platform: Platform, body: dict[str, Any]) -> Any:
    """Corrects the CDR of a finished session: {"session_id", "how": credit, replace, change or second, "factor"?}."""
    session_id, how = required_text(body, "session_id", "how")
    session = platform.books.sessions.get(session_id)
    if session is None or session.phase != "closed" or session.cdr_id is None:
        raise OcpiError(2001, f"session_id: {session_id} has no CDR yet")
    if how not in CORRECTIONS:
        raise OcpiError(2001, f"how: {how!r} is not one of {', '.join(CORRECTIONS)}")
    return {"sent": await correct(platform, session, how, _factor(body))}


def _factor(body: dict[str, Any]) -> Decimal:
    """How much of the energy a corrected CDR is over."""
    try:
        factor = Decimal(str(body.get("factor", 1)))
    except InvalidOperation:
        factor = Decimal(-1)
    if not (factor.is_finite() and 0 <= factor <= 10):
        raise OcpiError(2001, "factor: must be a number from 0 to 10")
    return factor


async def _cancel_reservation(platform: Platform, body: dict[str, Any]) -> Any:
    """The CPO cancels a reservation that it confirmed: {"reservation_id"}."""
    (reservation_id,) = required_text(body, "reservation_id")
    reservation = platform.books.reservations.get(reservation_id)
    if reservation is None or reservation.phase != "held":
        raise OcpiError(2001, f"reservation_id: {reservation_id} is not held")
    await withdraw(platform, reservation)
    return {"reservation_id": reservation_id, "phase": reservation.phase}


async def _party_status(platform: Platform, body: dict[str, Any]) -> Any:
    """Changes whether a party behind the hub is reachable: {"party_id", "status", "country_code"?: everywhere}."""
    party_id, status = (text.upper() for text in required_text(body, "party_id", "status"))
    if status not in STATUSES:
        raise OcpiError(2001, f"status: {status!r} is not one of {', '.join(STATUSES)}")
    country_code = body.get("country_code")
    found = [p for p in platform.parties if p[1] == party_id and country_code in (None, p[0])]
    if not platform.is_hub or not found:
        raise OcpiError(2001, f"party_id: {party_id} is not a party behind a hub")
    for party in found:
        set_status(platform, party, status)
    return {"parties": ["/".join(party) for party in sorted(found)], "status": status}
