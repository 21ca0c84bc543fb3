"""Asking a partner to start, stop, reserve and unlock: what is sent, how it answers, and whose results count."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.responses import Response

from emsp.charging.ports import (
    CancelReservationCommand,
    CommandAnswer,
    ReserveCommand,
    StartCommand,
    StopCommand,
    UnlockCommand,
)
from emsp.errors import Invalid, PartnerFailed, PartnerUnreachable
from emsp.ocpi.send.asking import outcome_of, text_of
from emsp.ocpi.send.commands import OcpiNetwork
from emsp.settings import settings
from tests.ocpi.askable import Partner, a_driver, askable, asking_at, running_session
from tests.ocpi.people import BASE, Cpo, value, values
from tests.ocpi.servers import envelope

RESERVATION = UUID("6f5e4d3c-2b1a-4f00-8000-0123456789ab")


@pytest.fixture
async def partner(database: str) -> AsyncIterator[Partner]:
    async with askable() as partner:
        yield partner


@pytest.fixture
async def ada(database: str) -> UUID:
    return await a_driver()


def at(partner: Partner) -> dict[str, Any]:
    return {"partner_id": partner.partner_id, "country_code": "NL", "party_id": "ABC"}


def start_at(partner: Partner, driver_id: UUID, session_id: UUID | None = None) -> StartCommand:
    return StartCommand(
        **at(partner),
        session_id=session_id or uuid4(),
        driver_id=driver_id,
        authorization_reference="reference-1",
        token_uid="APP0001",
        language="en",
        location_id="LOC1",
        evse_uid="3256",
        connector_id="1",
    )


def reserve_at(partner: Partner, driver_id: UUID) -> ReserveCommand:
    return ReserveCommand(
        **at(partner),
        reservation_id=RESERVATION,
        driver_id=driver_id,
        authorization_reference="reference-2",
        token_uid="RES0001",
        expires_at=datetime(2026, 6, 1, 12, 15, tzinfo=UTC),
        location_id="LOC1",
        evse_uid="3256",
    )


async def test_a_start_carries_a_token_of_its_own_and_a_way_to_answer(partner: Partner, ada: UUID) -> None:
    command = start_at(partner, ada)
    answer = await OcpiNetwork().start(command)

    assert answer == CommandAnswer(outcome="ACCEPTED", timeout_s=30)
    asked = partner.only
    response_url, token = asked.body.pop("response_url"), asked.body.pop("token")
    assert (asked.method, asked.path) == ("POST", "/ocpi/commands/START_SESSION")
    assert asked.body == {
        "location_id": "LOC1",
        "evse_uid": "3256",
        "connector_id": "1",
        "authorization_reference": "reference-1",
    }
    facts = (token["uid"], token["type"], token["whitelist"], token["language"], token["valid"])
    assert facts == ("APP0001", "APP_USER", "NEVER", "en", True)
    assert (asked.headers["ocpi-from-party-id"], asked.headers["ocpi-to-party-id"]) == ("EMP", "ABC")
    assert asked.headers["x-correlation-id"] == str(command.session_id)
    prefix = f"{settings().public_url}/ocpi/2.2.1/commands/START_SESSION/"
    assert response_url.startswith(prefix)
    assert len(response_url.removeprefix(prefix)) == 43
    assert await values("SELECT kind, reference, response FROM ocpi_command") == [
        ("START_SESSION", str(command.session_id), "ACCEPTED")
    ]


async def test_every_sending_of_a_start_has_another_way_to_answer(partner: Partner, ada: UUID) -> None:
    command = start_at(partner, ada)
    for _ in range(2):
        await OcpiNetwork().start(command)

    assert len({asked.body["response_url"] for asked in partner.received}) == 2
    assert {asked.body["authorization_reference"] for asked in partner.received} == {"reference-1"}


async def test_a_start_in_2_1_1_says_what_2_1_1_knows(database: str, ada: UUID) -> None:
    async with askable(version="2.1.1") as partner:
        await OcpiNetwork().start(start_at(partner, ada))

    asked = partner.only
    assert set(asked.body) == {"response_url", "token", "location_id", "evse_uid"}
    assert (asked.body["token"]["uid"], asked.body["token"]["auth_id"]) == ("APP0001", "APP0001")
    assert asked.body["response_url"].startswith(f"{settings().public_url}/ocpi/2.1.1/commands/START_SESSION/")
    assert not [name for name in asked.headers if name.startswith("ocpi-")]


async def test_a_stop_names_the_partners_session(partner: Partner, ada: UUID) -> None:
    command = StopCommand(**at(partner), session_id=uuid4(), driver_id=ada, external_session_id="S1")
    partner.answer = envelope({"result": "UNKNOWN_SESSION", "timeout": 0})

    assert (await OcpiNetwork().stop(command)).outcome == "UNKNOWN_SESSION"
    assert partner.only.body["session_id"] == "S1"


async def test_a_reservation_goes_out_under_our_id(partner: Partner, ada: UUID) -> None:
    await OcpiNetwork().reserve(reserve_at(partner, ada))

    asked = partner.only
    token = asked.body.pop("token")
    assert asked.path == "/ocpi/commands/RESERVE_NOW"
    assert asked.body.pop("response_url").startswith(f"{settings().public_url}{BASE}/commands/RESERVE_NOW/")
    assert asked.body == {
        "expiry_date": "2026-06-01T12:15:00Z",
        "reservation_id": str(RESERVATION),
        "location_id": "LOC1",
        "evse_uid": "3256",
        "authorization_reference": "reference-2",
    }
    assert token["uid"] == "RES0001"


async def test_a_reservation_in_2_1_1_has_a_number(database: str, ada: UUID) -> None:
    async with askable(version="2.1.1") as partner:
        for _ in range(2):
            await OcpiNetwork().reserve(reserve_at(partner, ada))

    numbers = [asked.body["reservation_id"] for asked in partner.received]
    assert numbers == [0x456789AB] * 2, "sent again, it is the same reservation"
    assert 0 <= numbers[0] < 2**31
    assert "reservation_number" not in partner.received[0].body


async def test_a_reservation_is_given_up_by_its_id(partner: Partner, ada: UUID) -> None:
    command = CancelReservationCommand(**at(partner), reservation_id=RESERVATION, driver_id=ada)
    assert (await OcpiNetwork().cancel_reservation(command)).accepted
    assert partner.only.body["reservation_id"] == str(RESERVATION)


async def test_a_cable_is_unlocked_without_any_driver(partner: Partner) -> None:
    command = UnlockCommand(**at(partner), request_id=uuid4(), location_id="LOC1", evse_uid="3256", connector_id="1")
    assert (await OcpiNetwork().unlock(command)).accepted

    asked = partner.only
    assert asked.path == "/ocpi/commands/UNLOCK_CONNECTOR"
    assert set(asked.body) == {"response_url", "location_id", "evse_uid", "connector_id"}
    assert asked.headers["ocpi-from-party-id"] == "EMP"


async def test_what_a_partner_cannot_be_asked_is_not_sent(database: str, ada: UUID) -> None:
    async with askable(version="2.1.1") as older, askable(name="XYZ", takes=[]) as silent:
        command = CancelReservationCommand(**at(older), reservation_id=RESERVATION, driver_id=ada)
        answer = await OcpiNetwork().cancel_reservation(command)
        assert answer.outcome == "NOT_SUPPORTED"
        assert answer.message == "ABC speaks OCPI 2.1.1, which has no CANCEL_RESERVATION"

        start = StartCommand(**{**_members(start_at(silent, ada)), "party_id": "XYZ"})
        assert await OcpiNetwork().start(start) == CommandAnswer(
            outcome="NOT_SUPPORTED", message="XYZ takes no commands"
        )
    assert older.received == silent.received == []
    assert await value("SELECT count(*) FROM ocpi_command") == 0


def _members(command: StartCommand) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}


async def test_a_brands_own_party_is_the_one_that_asks(partner: Partner) -> None:
    bob = await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    await OcpiNetwork().start(start_at(partner, bob))

    asked = partner.only
    assert (asked.headers["ocpi-from-country-code"], asked.headers["ocpi-from-party-id"]) == ("BE", "STR")
    token = asked.body["token"]
    assert (token["country_code"], token["party_id"], token["issuer"]) == ("BE", "STR", "Stroom")
    assert token["contract_id"].startswith("BESTRC")


async def test_a_place_that_the_partner_does_not_know(partner: Partner, ada: UUID) -> None:
    partner.answer = envelope(None, 2003)
    assert (await OcpiNetwork().start(start_at(partner, ada))).outcome == "UNKNOWN_LOCATION"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (envelope(None, 2001), PartnerFailed),
        (envelope(None, 3000), PartnerFailed),
        (Response("forbidden", 403), PartnerFailed),
        (Response("bad gateway", 502), PartnerUnreachable),
        (Response("<html>", 200), PartnerUnreachable),
        (envelope({"outcome": "?"}), PartnerUnreachable),
        (Response(status_code=307, headers={"Location": "http://elsewhere.example/"}), PartnerFailed),
    ],
)
async def test_a_refusal_is_told_from_an_answer_that_leaves_all_open(
    partner: Partner, ada: UUID, answer: Response, error: type[Exception]
) -> None:
    partner.answer = answer
    with pytest.raises(PartnerFailed) as failed:
        await OcpiNetwork().start(start_at(partner, ada))
    assert isinstance(failed.value, PartnerUnreachable) == (error is PartnerUnreachable)
    assert len(partner.received) == 1, "a POST is never repeated by itself"


@pytest.mark.parametrize(
    "data",
    [
        {"result": "ACCEPTED"},
        {"result": "accepted", "timeout": None, "message": None},
        [{"result": "ACCEPTED", "timeout": "30"}],
        "ACCEPTED",
        ["ACCEPTED"],
        "SUCCESSFUL",
    ],
)
def test_an_answer_is_read_in_every_form_that_was_seen(data: Any) -> None:
    assert outcome_of(data).result == "ACCEPTED"


def test_a_message_is_read_alone_or_in_a_list_and_in_english_if_there_is_one() -> None:
    texts = [{"language": "nl", "text": "Bezet"}, {"language": "en", "text": "Taken"}]
    assert text_of(outcome_of({"result": "REJECTED", "message": texts})) == "Taken"
    assert text_of(outcome_of({"result": "REJECTED", "message": texts[0]})) == "Bezet"
    assert text_of(outcome_of({"result": "REJECTED", "message": "Bezet"})) == "Bezet"
    assert text_of(outcome_of({"result": "REJECTED", "message": []})) is None


@pytest.mark.parametrize("data", [None, [], {}, 7, "", {"result": None}, {"result": " "}, [[]]])
def test_what_is_no_answer_is_refused(data: Any) -> None:
    with pytest.raises(Invalid):
        outcome_of(data)


@pytest.fixture
async def waiting(cpo: Cpo, database: str) -> tuple[UUID, str]:
    """A charge whose START_SESSION went to `cpo`, and the path of its response_url."""
    session_id = await running_session(
        cpo.connection.partner_id, state="COMMAND_SENT", started_at=None, external_id=None, external_key=None
    )
    driver_id = await value("SELECT driver_id FROM charging_session")
    async with asking_at(cpo) as partner:
        await OcpiNetwork().start(start_at(partner, driver_id, session_id))
    return session_id, _path(partner)


def _path(partner: Partner) -> str:
    url: str = partner.only.body["response_url"]
    return url.partition(BASE)[2]


async def test_a_result_reaches_the_charge_once_or_twice(cpo: Cpo, waiting: tuple[UUID, str]) -> None:
    session_id, path = waiting
    for _ in range(2):
        assert await cpo.says("POST", path, {"result": "ACCEPTED"}) == (200, 1000)

    assert await value("SELECT state FROM charging_session WHERE id = :id", id=session_id) == "AWAITING_PLUG"
    assert await value("SELECT result FROM ocpi_command") == "ACCEPTED"


async def test_only_the_partner_that_a_command_went_to_may_say_how_it_ended(
    cpo: Cpo, rival: Cpo, waiting: tuple[UUID, str]
) -> None:
    session_id, path = waiting

    assert await rival.says("POST", path, {"result": "REJECTED"}) == (404, 2001)
    assert await cpo.says("POST", path[:-1] + "!", {"result": "REJECTED"}) == (404, 2001)
    assert await cpo.says("POST", "/commands/START_SESSION", {"result": "REJECTED"}) == (404, 2000)
    odd: list[Any] = [{"what": "?"}, [], 7, None]
    for body in odd:
        assert await cpo.says("POST", path, body) in ((200, 2001), (400, 2001))

    assert await value("SELECT state FROM charging_session WHERE id = :id", id=session_id) == "COMMAND_SENT"
    assert await value("SELECT result FROM ocpi_command") is None


async def test_a_reservation_may_be_given_up_by_the_operator_long_after_its_result(cpo: Cpo, ada: UUID) -> None:
    async with asking_at(cpo) as partner:
        await OcpiNetwork().reserve(reserve_at(partner, ada))
    path = _path(partner)
    late = {"result": "CANCELED_RESERVATION", "message": [{"language": "en", "text": "Power is out"}]}

    assert await cpo.says("POST", path, "ACCEPTED") == (200, 1000)
    assert await values("SELECT kind, result, message FROM ocpi_command") == [("RESERVE_NOW", "ACCEPTED", None)]
    assert await cpo.says("POST", path, late) == (200, 1000)

    assert await values("SELECT kind, reference, result, message FROM ocpi_command") == [
        ("RESERVE_NOW", str(RESERVATION), "CANCELED_RESERVATION", "Power is out")
    ]
