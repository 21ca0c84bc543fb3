"""`emsp support`: staff ask operators, and are told the answer and the result."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import Result
from starlette.responses import Response
from typer.testing import CliRunner

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.support import PREFERENCES, PROFILES
from emsp.cli.support import cli
from emsp.db.engine import transaction
from emsp.settings import settings
from tests.graphql import rows
from tests.ocpi.askable import Asked, Partner, a_driver, askable, running_session
from tests.ocpi.people import value, values
from tests.ocpi.servers import envelope


@pytest.fixture(autouse=True)
def short_waits() -> Iterator[None]:
    os.environ["EMSP_COMMAND_TIMEOUT_S"] = "2"
    settings.cache_clear()
    yield
    del os.environ["EMSP_COMMAND_TIMEOUT_S"]
    settings.cache_clear()


async def invoked(*arguments: Any) -> Result:
    """What `emsp support …` says."""
    return await asyncio.to_thread(CliRunner().invoke, cli, [str(argument) for argument in arguments])


async def told(*arguments: Any, fails: bool = False) -> dict[str, Any]:
    """The one line that it prints as JSON."""
    result = await invoked(*arguments, "--json")
    assert (result.exit_code == 1) == fails, result.output
    [row] = json.loads(result.stdout)
    return dict(row)


def with_result(partner: Partner, database: str, result: str, message: str | None = None) -> None:
    """The partner accepts, and its charge point has answered by then."""

    def answer(asked: Asked) -> Response:
        with psycopg.connect(database) as connection:
            connection.execute(
                "UPDATE ocpi_command SET result = %s, message = %s, answered_at = now()", (result, message)
            )
        return envelope({"result": "ACCEPTED", "timeout": 2})

    partner.answer = answer


async def test_a_cable_is_unlocked_for_a_session_or_at_a_charge_point(database: str) -> None:
    async with askable() as partner:
        with_result(partner, database, "ACCEPTED")
        session_id = await running_session(partner.partner_id)
        evse_id, number = await _evse()
        for where in (session_id, evse_id.lower().replace("*", ""), number):
            row = await told("unlock", where)
            assert (row["answer"], row["result"]) == ("ACCEPTED", "ACCEPTED")
        assert (await invoked("unlock", evse_id, "--connector", "9")).exit_code == 1
        assert (await invoked("unlock", "NL*ABC*E404")).exit_code == 1

    asked = [{name: one.body[name] for name in ("location_id", "evse_uid", "connector_id")} for one in partner.received]
    assert asked == [{"location_id": "L1", "evse_uid": "E1", "connector_id": "1"}] * 3


async def _evse() -> tuple[str, int]:
    [(evse_id, number)] = await values("SELECT evse_id, id FROM evse")
    return evse_id, number


async def test_a_result_that_says_no_and_one_that_never_comes_are_failures(database: str) -> None:
    async with askable() as partner:
        session_id = await running_session(partner.partner_id)
        with_result(partner, database, "FAILED", "The motor is stuck")
        row = await told("unlock", session_id, fails=True)
        assert (row["answer"], row["result"], row["message"]) == ("ACCEPTED", "FAILED", "The motor is stuck")

        partner.answer = envelope({"result": "ACCEPTED"})
        row = await told("unlock", session_id, fails=True)
        assert (row["result"], row["message"]) == ("TIMEOUT", "no result came within 2 seconds")

        partner.answer = envelope({"result": "REJECTED", "message": "Not now"})
        row = await told("unlock", session_id, fails=True)
        assert (row["answer"], row["result"], row["message"]) == ("REJECTED", None, "Not now")


async def test_a_charge_point_is_reserved_and_given_up(database: str) -> None:
    async with askable() as partner:
        with_result(partner, database, "ACCEPTED")
        await running_session(partner.partner_id)
        evse_id, _ = await _evse()
        row = await told("reserve", evse_id, "--driver", "ada@example.com", "--minutes", 20)
        await told("reserve", evse_id, "--driver", "ada@example.com", "--reservation", row["id"])
        await told("cancel-reservation", row["id"], evse_id, "--driver", "ada@example.com")

    first, again, cancel = partner.received
    assert {one.body["reservation_id"] for one in partner.received} == {row["id"]}
    expiry = datetime.fromisoformat(first.body["expiry_date"])
    assert timedelta(minutes=19) < expiry - datetime.now(UTC) <= timedelta(minutes=20)
    assert again.body["token"]["uid"] == first.body["token"]["uid"] != ""
    assert cancel.path == "/ocpi/commands/CANCEL_RESERVATION"


async def test_a_session_is_steered(database: str) -> None:
    async with askable() as partner:
        session_id = await running_session(partner.partner_id, [PREFERENCES, PROFILES])
        with_result(partner, database, "ACCEPTED")
        row = await told("profile", session_id, "--limit", "0=16", "--limit", "600=6.5", "--unit", "a")
        assert row["result"] == "ACCEPTED"
        assert (await told("profile", session_id, "--clear"))["result"] == "ACCEPTED"
        assert (await told("profile", session_id))["profile"] is None
        partner.answer = envelope("NOT_POSSIBLE")
        wishes = ("--profile", "cheap", "--departure", "2026-06-02T07:00:00", "--energy-wh", 9000)
        assert (await told("preferences", session_id, *wishes, fails=True))["answer"] == "NOT_POSSIBLE"

    set_it, clear, show, prefer = partner.received
    assert [one.method for one in partner.received] == ["PUT", "DELETE", "GET", "PUT"]
    assert set_it.body["charging_profile"] == {
        "charging_rate_unit": "A",
        "charging_profile_period": [{"start_period": 0, "limit": 16}, {"start_period": 600, "limit": 6.5}],
    }
    assert (clear.path, show.query["duration"]) == ("/ocpi/chargingprofiles/S1", "3600")
    assert prefer.body == {
        "profile_type": "CHEAP",
        "departure_time": "2026-06-02T07:00:00Z",
        "energy_need": 9,
        "discharge_allowed": False,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["preferences", uuid4(), "--profile", "LAZY"],
        ["profile", uuid4(), "--limit", "16"],
        ["profile", uuid4(), "--limit", "0=-1"],
        ["profile", uuid4(), "--unit", "kW"],
        ["profile", uuid4()],
        ["block-driver", "nobody@example.com"],
        ["book", "ABC", "P1", "--driver", "ada", "--from", "2026-06-02T13:00:00", "--until", "2026-06-02T12:00:00"],
    ],
)
async def test_what_makes_no_sense_is_told_and_not_sent(database: str, arguments: list[Any]) -> None:
    async with askable() as partner:
        result = await invoked(*arguments)
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    assert partner.received == []


async def test_a_driver_is_blocked_and_let_in_again(database: str) -> None:
    ada = await a_driver()
    async with transaction() as db:
        stroom = await rows.added(db, Brand(slug="stroom", name="Stroom", languages=["nl"]))
        await rows.added(db, Driver(brand_id=stroom.id, email="ada@example.com"))

    assert (await invoked("block-driver", "ada@example.com")).exit_code == 1, "two brands have one"
    row = await told("block-driver", ada)
    assert (row["driver"], bool(row["blocked_at"])) == (str(ada), True)
    assert await value("SELECT count(*) FROM driver WHERE blocked_at IS NOT NULL") == 1
    assert (await told("unblock-driver", ada))["blocked_at"] is None


async def test_a_place_is_booked_and_given_back(database: str) -> None:
    os.environ["EMSP_OCPI_BOOKINGS"] = "1"
    settings.cache_clear()
    place = {"country_code": "NL", "party_id": "ABC", "id": "P1", "location_id": "L1", "last_updated": "2026-06-01"}

    def answer(asked: Asked) -> Response:
        if asked.method == "GET":
            return envelope([place] if asked.path.endswith("locations") else place)
        status = "CANCELED" if "canceled" in asked.body else "RESERVED"
        names = ("country_code", "party_id", "request_id", "location_id", "period", "authorization_reference")
        own = {name: asked.body[name] for name in names}
        return envelope({**own, "id": "B1", "reservation_status": status, "last_updated": "2026-06-01T10:00:00Z"})

    try:
        async with askable(version="2.3.0") as partner:
            partner.answer = answer
            ada = await a_driver()
            assert (await told("bookable", "ABC"))["place"] == "P1"
            times = ("--from", "2026-06-02T12:00:00", "--until", "2026-06-02T13:00:00")
            row = await told("book", "ABC", "P1", "--driver", ada, *times)
            assert row["reservation_status"] == "RESERVED"
            back = await told("cancel-booking", "ABC", row["request_id"], "--reason", "traffic")
            assert (back["request_id"], back["reservation_status"]) == (row["request_id"], "CANCELED")
    finally:
        del os.environ["EMSP_OCPI_BOOKINGS"]
        settings.cache_clear()
    canceled = {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"}
    assert partner.received[-1].body["canceled"] == canceled
