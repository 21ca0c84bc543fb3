"""Starting and stopping at a partner: what is sent, how its answers are read, and whose results count."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from emsp.brands.tables import Brand
from emsp.charging.ports import CommandAnswer, StartCommand, StopCommand
from emsp.db.engine import transaction
from emsp.errors import Invalid, PartnerFailed, PartnerUnreachable
from emsp.ocpi.commands import OcpiNetwork, outcome_of, text_of
from emsp.ocpi.tables import Connection
from emsp.settings import settings
from tests.graphql import rows
from tests.ocpi.people import BASE, Cpo, registered, value, values
from tests.ocpi.servers import envelope, scripted


class Partner:
    """A CPO that keeps the commands it is sent and gives the answer that a test sets."""

    def __init__(self) -> None:
        self.answer = envelope({"result": "ACCEPTED", "timeout": 30})
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.partner_id = uuid4()

    def __call__(self, request: Request) -> Response:
        body = msgspec.json.decode(request._body)
        self.received.append((request.url.path, dict(request.headers), body))
        return self.answer


@pytest.fixture
async def partner(database: str) -> AsyncIterator[Partner]:
    partner = Partner()
    async with scripted(partner) as url:
        endpoint = {"identifier": "commands", "role": "RECEIVER", "url": f"{url}/ocpi/commands/"}
        async with transaction() as db:
            connection = await registered(db, "ABC", "abc-token", party_id="ABC", endpoints=[endpoint])
        partner.partner_id = connection.partner_id
        yield partner


def start_at(partner_id: UUID, session_id: UUID | None = None) -> StartCommand:
    return StartCommand(
        session_id=session_id or uuid4(),
        partner_id=partner_id,
        country_code="NL",
        party_id="ABC",
        driver_id=UUID(int=7),
        authorization_reference="reference-1",
        token_uid="APP0001",
        language="nl-NL",
        location_id="LOC1",
        evse_uid="3256",
        connector_id="1",
    )


async def test_a_start_carries_a_token_of_its_own_and_a_way_to_answer(partner: Partner) -> None:
    command = start_at(partner.partner_id)
    answer = await OcpiNetwork().start(command)

    assert answer == CommandAnswer(outcome="ACCEPTED", timeout_s=30)
    [(path, headers, body)] = partner.received
    response_url, token = body.pop("response_url"), body.pop("token")
    assert path == "/ocpi/commands/START_SESSION"
    assert body == {
        "location_id": "LOC1",
        "evse_uid": "3256",
        "connector_id": "1",
        "authorization_reference": "reference-1",
    }
    assert (token["uid"], token["type"], token["whitelist"], token["language"]) == (
        "APP0001",
        "APP_USER",
        "NEVER",
        "nl",
    )
    assert (headers["ocpi-from-party-id"], headers["ocpi-to-party-id"]) == ("EMP", "ABC")
    assert headers["x-correlation-id"] == str(command.session_id)
    prefix = f"{settings().public_url}/ocpi/2.2.1/commands/START_SESSION/"
    assert response_url.startswith(prefix)
    assert len(response_url.removeprefix(prefix)) == 43
    assert await values("SELECT kind, reference, response FROM ocpi_command") == [
        ("START_SESSION", str(command.session_id), "ACCEPTED")
    ]


async def test_every_sending_of_a_start_has_another_way_to_answer(partner: Partner) -> None:
    command = start_at(partner.partner_id)
    for _ in range(2):
        await OcpiNetwork().start(command)

    urls = {body["response_url"] for _, _, body in partner.received}
    assert len(urls) == 2
    assert {body["authorization_reference"] for _, _, body in partner.received} == {"reference-1"}


async def test_a_stop_names_the_partners_session(partner: Partner) -> None:
    command = StopCommand(
        session_id=uuid4(), partner_id=partner.partner_id, country_code="NL", party_id="ABC", external_session_id="S1"
    )
    partner.answer = envelope({"result": "UNKNOWN_SESSION", "timeout": 0})

    assert (await OcpiNetwork().stop(command)).outcome == "UNKNOWN_SESSION"
    assert partner.received[0][2]["session_id"] == "S1"


async def test_a_place_that_the_partner_does_not_know(partner: Partner) -> None:
    partner.answer = envelope(None, 2003)
    assert (await OcpiNetwork().start(start_at(partner.partner_id))).outcome == "UNKNOWN_LOCATION"


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
    partner: Partner, answer: Response, error: type[Exception]
) -> None:
    partner.answer = answer
    with pytest.raises(PartnerFailed) as failed:
        await OcpiNetwork().start(start_at(partner.partner_id))
    assert isinstance(failed.value, PartnerUnreachable) == (error is PartnerUnreachable)
    assert len(partner.received) == 1, "a POST is never repeated by itself"


@pytest.mark.parametrize(
    "data",
    [
        {"result": "ACCEPTED"},
        {"result": "accepted", "timeout": None, "message": None},
        [{"result": "ACCEPTED", "timeout": "30"}],
        "ACCEPTED",
        "SUCCESSFUL",
    ],
)
def test_an_answer_is_read_in_every_form_that_was_seen(data: Any) -> None:
    assert outcome_of(data).result == "ACCEPTED"


def test_a_message_is_read_alone_or_in_a_list_and_in_english_if_there_is_one() -> None:
    texts = [{"language": "nl", "text": "Bezet"}, {"language": "en", "text": "Taken"}]
    assert text_of(outcome_of({"result": "REJECTED", "message": texts})) == "Taken"
    assert text_of(outcome_of({"result": "REJECTED", "message": texts[0]})) == "Bezet"
    assert text_of(outcome_of({"result": "REJECTED", "message": []})) is None


@pytest.mark.parametrize("data", [None, [], {}, 7, {"result": None}])
def test_what_is_no_answer_is_refused(data: Any) -> None:
    with pytest.raises(Invalid):
        outcome_of(data)


@pytest.fixture
async def waiting(cpo: Cpo, database: str) -> tuple[UUID, str]:
    """A charge whose START_SESSION went to `cpo`, and the path of its response_url."""
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"]))
        driver = await rows.driver(db, brand.id, "ada")
        station = await rows.station(db, cpo.connection.partner_id, 1)
        socket = await rows.connector(db, await rows.evse(db, station, 1))
        quote = await rows.quote(db, driver, socket)
        charge = await rows.session(db, driver, quote, socket, state="COMMAND_SENT", started_at=None)
    partner = Partner()
    async with scripted(partner) as url:
        endpoint = {"identifier": "commands", "role": "RECEIVER", "url": f"{url}/commands"}
        async with transaction() as db:
            (await db.get_one(Connection, cpo.connection.id)).endpoints = [endpoint]
        await OcpiNetwork().start(start_at(cpo.connection.partner_id, session_id=charge.id))
    return charge.id, partner.received[0][2]["response_url"].partition(BASE)[2]


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
    assert await cpo.says("POST", path, {"what": "?"}) == (200, 2001)

    assert await value("SELECT state FROM charging_session WHERE id = :id", id=session_id) == "COMMAND_SENT"
    assert await value("SELECT result FROM ocpi_command") is None
