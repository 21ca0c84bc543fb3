"""Bookings: places and bookings that partners tell of, and requests that we send; all behind a setting."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import Response

from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused
from emsp.ocpi import connections, ours
from emsp.ocpi.connections import Peer
from emsp.ocpi.send import bookings
from emsp.settings import settings
from tests.ocpi.askable import Asked, Partner, a_driver, askable
from tests.ocpi.people import Cpo, documents
from tests.ocpi.servers import envelope

PLACE_PATH, BOOKING_PATH = "/bookings/NL/ABC/booking_locations/P1", "/bookings/NL/ABC/B1"
NOON, ONE = datetime(2026, 6, 2, 12, tzinfo=UTC), datetime(2026, 6, 2, 13, tzinfo=UTC)
PERIOD = {"start_date_time": "2026-06-02T12:00:00Z", "end_date_time": "2026-06-02T13:00:00Z"}


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    os.environ["EMSP_OCPI_BOOKINGS"] = "1"
    settings.cache_clear()
    yield
    del os.environ["EMSP_OCPI_BOOKINGS"]
    settings.cache_clear()


@pytest.fixture
def newest(cpo: Cpo) -> Cpo:
    """The CPO, calling our 2.3.0 endpoints."""
    cpo.version = "2.3.0"
    return cpo


def calendar(**members: Any) -> dict[str, Any]:
    return {
        "id": "K1",
        "begin_from": "2026-06-02T00:00:00Z",
        "end_before": "2026-06-03T00:00:00Z",
        "available_timeslots": [PERIOD],
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


def place(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "P1",
        "location_id": "LOC1",
        "calendars": [calendar()],
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


def booking(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "B1",
        "request_id": "R1",
        "location_id": "LOC1",
        "period": PERIOD,
        "reservation_status": "PENDING",
        "authorization_reference": "R1",
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


async def test_a_place_and_its_calendar_are_kept_and_read_back(newest: Cpo) -> None:
    assert await newest.says("PUT", PLACE_PATH, place()) == (201, 1000)
    assert await newest.gets(PLACE_PATH) == place()
    assert await newest.gets(f"{PLACE_PATH}/k1") == calendar()
    assert await newest.says("GET", f"{PLACE_PATH}/K2") == (404, 2001)
    assert await documents() == {"booking_locations NL/ABC/P1": ("APPLIED", None)}


async def test_a_change_of_a_calendar_is_one_of_its_place(newest: Cpo) -> None:
    await newest.says("PUT", PLACE_PATH, place())
    full = {"available_timeslots": [], "last_updated": "2026-06-01T11:00:00Z"}
    late = {"available_timeslots": [PERIOD, PERIOD], "last_updated": "2026-06-01T10:30:00Z"}
    assert await newest.says("PATCH", f"{PLACE_PATH}/K1", full) == (200, 1000)
    assert await newest.says("PATCH", f"{PLACE_PATH}/K1", late) == (200, 1000)
    second = calendar(id="K2", last_updated="2026-06-01T12:00:00Z")
    assert await newest.says("PUT", f"{PLACE_PATH}/K2", second) == (200, 1000)

    assert await newest.gets(PLACE_PATH) == place(
        calendars=[calendar(**full), second], last_updated="2026-06-01T12:00:00Z"
    )


async def test_a_booking_moves_on_and_never_back(newest: Cpo) -> None:
    assert await newest.says("PUT", BOOKING_PATH, booking()) == (201, 1000)
    told = {"reservation_status": "RESERVED", "last_updated": "2026-06-01T10:05:00Z"}
    assert await newest.says("PATCH", BOOKING_PATH, told) == (200, 1000)
    assert await newest.says("PUT", BOOKING_PATH, booking()) == (200, 1000)
    assert await newest.says("PATCH", BOOKING_PATH, {"reservation_status": "FAILED"}) == (200, 2001)

    assert await newest.gets(BOOKING_PATH) == booking(**told)
    assert await documents() == {"bookings NL/ABC/B1": ("APPLIED", None)}


@pytest.mark.parametrize(
    ("method", "path", "body", "answered"),
    [
        ("PATCH", BOOKING_PATH, {"last_updated": "2026-06-01T10:05:00Z"}, (404, 2001)),
        ("PATCH", f"{PLACE_PATH}/K1", {"last_updated": "2026-06-01T10:05:00Z"}, (404, 2001)),
        ("PUT", f"{PLACE_PATH}/K1", calendar(), (404, 2001)),
        ("PUT", BOOKING_PATH, booking(id="B2"), (200, 2001)),
        ("PUT", BOOKING_PATH, {"id": "B1"}, (200, 2001)),
        ("PUT", BOOKING_PATH, [], (200, 2001)),
        ("PUT", BOOKING_PATH, b"{", (400, 2001)),
        ("PUT", PLACE_PATH, place(location_id=None), (200, 2001)),
        ("PUT", "/bookings/NL/XYZ/B1", booking(party_id="XYZ"), (404, 2001)),
        ("PUT", "/bookings/NL/ABC", booking(), (404, 2001)),
        ("POST", "/bookings", booking(), (405, 2000)),
        ("DELETE", BOOKING_PATH, None, (405, 2000)),
    ],
)
async def test_what_makes_no_sense_is_refused(
    newest: Cpo, rival: Cpo, method: str, path: str, body: Any, answered: tuple[int, int]
) -> None:
    assert await newest.says(method, path, body) == answered
    assert await documents() == {}


async def test_a_change_that_spoils_a_booking_leaves_it_as_it_was(newest: Cpo) -> None:
    await newest.says("PUT", BOOKING_PATH, booking())
    spoilt = {"period": "tomorrow", "last_updated": "2026-06-01T10:05:00Z"}
    assert await newest.says("PATCH", BOOKING_PATH, spoilt) == (200, 2001)
    assert await newest.gets(BOOKING_PATH) == booking()


async def test_without_the_setting_there_are_none(newest: Cpo) -> None:
    os.environ["EMSP_OCPI_BOOKINGS"] = "0"
    settings.cache_clear()
    assert await newest.says("PUT", BOOKING_PATH, booking()) == (404, 2000)
    newest.version = "2.2.1"
    assert await newest.says("PUT", BOOKING_PATH, booking()) == (404, 2000)


@pytest.fixture
async def partner(database: str) -> AsyncIterator[Partner]:
    async with askable(version="2.3.0") as partner:
        yield partner


async def peer_of(partner: Partner) -> Peer:
    async with transaction() as db:
        return await connections.peer(db, partner.connection.id)


def takes_bookings(asked: Asked) -> Response:
    """Lists one place, and makes a booking of what it is asked."""
    if asked.method == "GET":
        return envelope([place()] if asked.path.endswith("/booking_locations") else place())
    status = "CANCELED" if "canceled" in asked.body else "PENDING"
    entry = {"request_status": "PENDING", "booking_request": asked.body, "request_received": "2026-06-01T10:00:00Z"}
    made = booking(request_id=asked.body["request_id"], reservation_status=status, booking_requests=[entry])
    return envelope(made)


async def test_places_of_a_partner_are_listed(partner: Partner) -> None:
    partner.answer = takes_bookings
    assert await bookings.places(await peer_of(partner)) == [place()]
    assert partner.received[0].path == "/ocpi/bookings/booking_locations"


async def test_a_place_is_booked_and_given_back_under_one_request_id(partner: Partner) -> None:
    partner.answer = takes_bookings
    bob = await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    peer = await peer_of(partner)

    booked = await bookings.book(peer, bob, "P1", NOON, ONE, evse_uid="3256")
    given_back = await bookings.cancel(peer, booked["request_id"].lower(), "TRAFFIC")

    _, first, second = partner.received
    request_id = first.body["request_id"]
    assert (first.method, first.path) == ("POST", "/ocpi/bookings")
    assert first.body == {
        "country_code": "NL",
        "party_id": "ABC",
        "request_id": request_id,
        "booking_option": {"evse_uid": "3256"},
        "location_id": "LOC1",
        "booking_location_id": "P1",
        "tokens": [
            {
                "country_code": "BE",
                "party_id": "STR",
                "uid": ours.driver_uid(bob),
                "type": "APP_USER",
                "contract_id": first.body["tokens"][0]["contract_id"],
            }
        ],
        "period": PERIOD,
        "authorization_reference": request_id,
    }
    assert (first.headers["ocpi-from-party-id"], first.headers["ocpi-to-party-id"]) == ("STR", "ABC")
    canceled = {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"}
    assert second.body == {**first.body, "canceled": canceled}
    assert (booked["reservation_status"], given_back["reservation_status"]) == ("PENDING", "CANCELED")
    assert await documents() == {"bookings NL/ABC/B1": ("APPLIED", None)}


async def test_what_was_never_booked_is_not_given_back(partner: Partner) -> None:
    peer = await peer_of(partner)
    with pytest.raises(NotFound, match="no booking with the request id R9"):
        await bookings.cancel(peer, "R9")
    with pytest.raises(Invalid, match="reason: 'RAIN' is not one of"):
        await bookings.cancel(peer, "R9", "RAIN")
    assert partner.received == []


@pytest.mark.parametrize(
    ("data", "error"), [(None, PartnerUnreachable), ("BOOKED", PartnerUnreachable), ({"id": "B1"}, PartnerFailed)]
)
async def test_an_answer_that_is_no_booking_is_a_failure(partner: Partner, data: Any, error: type[Exception]) -> None:
    ada, peer = await a_driver(), await peer_of(partner)
    partner.answer = lambda asked: envelope(place() if asked.method == "GET" else data)
    with pytest.raises(error):
        await bookings.book(peer, ada, "P1", NOON, ONE)
    assert await documents() == {}


async def test_a_partner_without_bookings_is_not_asked(database: str) -> None:
    async with askable(version="2.3.0", takes=[("commands", "RECEIVER")]) as without, askable(name="OLD") as older:
        for partner in (without, older):
            with pytest.raises(Refused, match="takes no bookings"):
                await bookings.places(await peer_of(partner))
    assert without.received == older.received == []
