"""An operator that is asked what became of a charge: its lists since then, shared by all who ask."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emsp import app as emsp_app
from emsp import clock
from emsp.charging.ports import network
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import PartnerFailed, PartnerUnreachable, Refused
from emsp.ocpi.connections import PartyId
from emsp.ocpi.pull import ask, sync
from emsp.ocpi.routing import RouteFacts, learn
from emsp.ocpi.tables import Connection
from tests.charging.conftest import Place, place  # noqa: F401
from tests.charging.saying import books, now, run_jobs, timeline
from tests.ocpi import people
from tests.ocpi.lists import Lists, partner, proper
from tests.ocpi.people import documents, value, values
from tests.ocpi.servers import envelope

SINCE = datetime(2026, 6, 1, 10, tzinfo=UTC)
ABC = PartyId("NL", "ABC")
ASKED = "SELECT module, watermark, failure FROM ocpi_sync"


@pytest.fixture(autouse=True)
def _plugged(database: str) -> None:
    emsp_app.plug()


async def asked(connection: Connection, since: datetime = SINCE, party: PartyId = ABC) -> None:
    await ask.ask_party(connection.partner_id, party, since)


def begun(lists: Lists) -> list[str]:
    """The lists that were asked for from their beginning."""
    asked = zip(lists.paths, lists.requests, strict=True)
    return [path for path, query in asked if query["offset"] == "0"]


async def test_both_lists_are_asked_for_from_a_little_earlier_on(database: str) -> None:
    lists = Lists(proper, sessions=[people.session(id=f"S{number}") for number in range(5)], cdrs=[people.cdr()])
    before = clock.now() - ask.LONGEST_BACK
    async with partner(lists) as connection:
        since = clock.now() - timedelta(days=1)
        await asked(connection, since)
        kept = await documents()

    assert begun(lists) == ["sessions", "cdrs"]
    asked_from = datetime.fromisoformat(lists.requests[0]["date_from"])
    assert before < asked_from == since.replace(microsecond=asked_from.microsecond) - ask.MARGIN
    assert kept == {f"sessions NL/ABC/S{number}": ("APPLIED", None) for number in range(5)} | {
        "cdrs NL/ABC/C1": ("RECEIVED", None)
    }
    assert (await sync.status())[0].modules == {}, "it is no pull of the timetable"


async def test_nobody_is_asked_for_years(database: str) -> None:
    lists = Lists(proper)
    async with partner(lists) as connection:
        await asked(connection, datetime(2020, 1, 1, tzinfo=UTC))
    asked_from = datetime.fromisoformat(lists.requests[0]["date_from"])
    assert clock.now() - asked_from < ask.LONGEST_BACK + 2 * ask.MARGIN


async def test_ten_who_ask_at_once_share_an_answer(database: str) -> None:
    lists = Lists(proper, sessions=[people.session()])
    async with partner(lists) as connection:
        since = clock.now() - timedelta(hours=2)
        await asyncio.gather(*(asked(connection, since) for _ in range(10)))
        assert begun(lists) == ["sessions", "cdrs"]
        await asked(connection, since - timedelta(hours=1))
    assert begun(lists) == ["sessions", "cdrs"] * 2, "what is wanted from earlier on is asked for"


async def test_a_failure_is_shared_too_and_forgotten_after_a_moment(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(lambda *_: envelope(None, 3000))
    async with partner(lists) as connection:
        for _ in range(2):
            with pytest.raises(PartnerFailed, match="OCPI 3000"):
                await asked(connection)
        assert len(lists.requests) == 1
        monkeypatch.setattr(ask, "ANSWER_HOLDS", timedelta(0))
        lists.listing = proper
        await asked(connection)
    [(module, _, failure)] = await values(ASKED)
    assert (module, failure) == ("asked NL-ABC", None)


async def test_an_operator_that_dawdles_is_left(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "TIMEOUT_S", 0)
    async with partner(Lists(proper)) as connection:
        with pytest.raises(PartnerUnreachable, match="did not list its charges within 0 seconds"):
            await asked(connection)


async def test_one_without_lists_is_not_asked(database: str) -> None:
    lists = Lists(proper)
    async with partner(lists) as connection:
        async with transaction() as db:
            row = await db.get_one(Connection, connection.id)
            row.endpoints = [one for one in row.endpoints if one["identifier"] == "tariffs"]
        with pytest.raises(Refused, match="lists neither sessions nor records") as refused:
            await asked(connection)
    assert (refused.value.code, lists.requests) == ("NOT_SUPPORTED", [])


async def test_a_hub_is_asked_for_the_party_alone(database: str) -> None:
    heads: list[str] = []

    def listing(request: Request, objects: list[Any], offset: int) -> Response:
        heads.append(f"{request.headers['OCPI-to-country-code']} {request.headers['OCPI-to-party-id']}")
        return proper(request, objects, offset)

    async with partner(Lists(listing), party_id="HUB") as connection:
        async with transaction() as db:
            row = await db.get_one(Connection, connection.id)
            row.hub_party = "NLHUB"
            await learn(db, row, RouteFacts(country_code="DE", party_id="ONE"), "HUB")
        await asked(connection, party=PartyId("DE", "ONE"))
    assert heads == ["DE ONE", "DE ONE"]


async def test_what_was_set_apart_is_looked_at_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "ANSWER_HOLDS", timedelta(0))
    lists = Lists(proper, sessions=[people.session(party_id="NEW")])
    async with partner(lists) as connection:
        await asked(connection)
        assert "not a party" in str((await documents())["sessions NL/NEW/S1"][1])
        async with transaction() as db:
            row = await db.get_one(Connection, connection.id)
            await learn(db, row, RouteFacts(country_code="NL", party_id="NEW"), "AGREEMENT")
        await asked(connection)
        assert (await documents())["sessions NL/NEW/S1"] == ("APPLIED", None)


async def test_a_record_that_was_never_sent_is_found_and_billed(place: Place) -> None:  # noqa: F811
    """Through the port of charging, with everything behind it real."""
    session = await place.session(state="ENDED", external_id="S1", external_key="s1")
    lists = Lists(proper, cdrs=[_record_of(session)])
    async with partner(lists) as connection:
        await _belongs_to(connection, place)
        ask_session: Callable[..., Any] = network().ask_session
        await ask_session(
            partner_id=place.partner.id,
            country_code="NL",
            party_id="ABC",
            external_session_id="S1",
            session_id=session.id,
            since=session.created_at,
        )
        await run_jobs()
    assert (await now(session)).energy_wh == 10_000
    assert "The operator's record of the charge arrived." in await timeline(session)
    assert (await books())["revenue"] == -450
    assert await value("SELECT count(*) FROM receipt") == 1


def _record_of(session: ChargingSession) -> dict[str, Any]:
    return people.cdr(
        id=uuid4().hex,
        authorization_reference=session.authorization_reference,
        start_date_time="2025-06-02T18:00:00Z",
        end_date_time="2025-06-02T19:00:00Z",
        charging_periods=[
            {"start_date_time": "2025-06-02T18:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 10}]}
        ],
        total_cost={"excl_vat": 4.50, "incl_vat": 5.45},
        total_energy=10,
        last_updated="2025-06-02T19:01:00Z",
    )


async def _belongs_to(connection: Connection, place: Place) -> None:  # noqa: F811
    """The connection is that of the partner whose station it is."""
    async with transaction() as db:
        row = await db.get_one(Connection, connection.id)
        row.partner_id = place.partner.id
        db.add(row)
