"""Registering with a partner, from either side, and what stays of it when it fails."""

import base64

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from emsp import clock, vault
from emsp.db.engine import transaction
from emsp.errors import PartnerFailed, Refused
from emsp.ocpi import connections
from emsp.ocpi.join import discovery, handshake
from emsp.ocpi.pull import sync
from emsp.ocpi.wire import presented_tokens
from tests.ocpi.people import BASE, authorization, registered, value, values
from tests.ocpi.servers import envelope, sandbox_cpo, scripted

CREDENTIALS = BASE + "/credentials"


async def test_we_register_pull_change_our_token_and_leave(our_url: str) -> None:
    async with sandbox_cpo() as cpo:
        platform = cpo.state.platform
        steps: list[str] = []
        connection = await handshake.connect(
            f"{platform.url}/ocpi/versions", "token-a", name="Sandbox", progress=steps.append
        )

        assert (connection.state, connection.version, connection.token_encoding) == ("REGISTERED", "2.2.1", "BASE64")
        assert steps[-1] == "registered"
        assert await value("SELECT name FROM partner") == "Sandbox"
        assert "token" not in str(await values("SELECT token_out_sealed FROM ocpi_connection"))
        first_token = platform.books.connection.token_for_them

        await handshake.rotate(connection.id)
        assert platform.books.connection.token_for_them != first_token
        counts = await sync.pull(connection.id)
        assert counts["locations"].changed == counts["locations"].seen == 5
        assert [count.failure for count in counts.values()] == [None] * 4

        await handshake.disconnect(connection.id)
        assert platform.books.connection is None
        with pytest.raises(PartnerFailed, match="Sandbox is not connected"):
            await sync.pull(connection.id)


async def test_a_partner_registers_with_us(our_url: str) -> None:
    token_a, versions_url = await handshake.invite("Sandbox")
    async with sandbox_cpo() as cpo, httpx.AsyncClient() as person:
        order = {"versions_url": versions_url, "token": token_a}
        answer = await person.post(f"{cpo.state.platform.url}/sandbox/connect", json=order)
        assert answer.json()["registered"] is True

        again = await person.post(f"{our_url}{CREDENTIALS}", headers=authorization(token_a), json={})
        assert again.status_code == 401, "token A is dead"
        connection_id = await value("SELECT id FROM ocpi_connection WHERE state = 'REGISTERED'")
        assert (await sync.pull(connection_id, modules=["tariffs"]))["tariffs"].failure is None


async def test_inviting_again_is_the_way_back_for_a_partner_that_lost_its_state(our_url: str) -> None:
    async with sandbox_cpo() as cpo, httpx.AsyncClient() as person:
        for _ in range(2):
            token_a, versions_url = await handshake.invite("Sandbox")
            await person.post(f"{cpo.state.platform.url}/sandbox/invite", json={})
            order = {"versions_url": versions_url, "token": token_a}
            answer = await person.post(f"{cpo.state.platform.url}/sandbox/connect", json=order)
            assert answer.json()["registered"] is True
    assert await values("SELECT state FROM ocpi_connection") == [("REGISTERED",)]


async def test_a_token_that_is_refused_in_base64_is_tried_as_it_is(our_url: str) -> None:
    async with scripted(raw_only) as url:
        platform = await discovery.discover(f"{url}/versions", "token-a")
    assert platform.encoding == "RAW"


def raw_only(request: Request) -> Response:
    if request.headers["authorization"] != "Token token-a":
        return envelope(None, 2000, http_status=401)
    url = str(request.base_url)
    if request.url.path == "/versions":
        return envelope([{"version": "2.1.1", "url": url + "2.1.1"}, {"version": "2.2.1", "url": url + "2.2.1"}])
    return envelope({"version": "2.2.1", "endpoints": [{"identifier": "credentials", "url": url + "credentials"}]})


def test_what_is_missing_is_named() -> None:
    endpoints = [
        {"identifier": "credentials", "role": "RECEIVER", "url": ""},
        {"identifier": "Locations", "role": "sender"},
    ]
    platform = discovery.Platform(versions_url="", version="2.2.1", encoding="RAW", endpoints=endpoints)
    assert discovery.missing(platform) == []
    assert discovery.missing(platform, discovery.WANTED) == ["tariffs SENDER", "commands RECEIVER"]


async def test_nothing_stays_of_a_registration_that_the_partner_refuses(our_url: str) -> None:
    async with scripted(refusing) as url:
        with pytest.raises(PartnerFailed, match="OCPI 3001 said so"):
            await handshake.connect(f"{url}/versions", "token-a")
    assert await value("SELECT count(*) FROM ocpi_connection") == 0
    assert await value("SELECT count(*) FROM partner") == 0


def refusing(request: Request) -> Response:
    url = str(request.base_url)
    if request.url.path == "/versions":
        return envelope([{"version": "2.2.1", "url": url + "2.2.1"}])
    if request.method == "POST":
        return envelope(None, 3001)
    needed = [{"identifier": name, "role": role, "url": url + name} for name, role in discovery.NEEDED]
    return envelope({"version": "2.2.1", "endpoints": needed})


async def test_a_party_of_one_partner_cannot_become_anothers(our_url: str) -> None:
    async with transaction() as db:
        await registered(db, "First", "first-token", party_id="SBX")
    async with sandbox_cpo(stations=100) as cpo:
        url = f"{cpo.state.platform.url}/ocpi/versions"
        with pytest.raises(Refused, match="CPO NL SBX is already connected as a party of another partner"):
            await handshake.connect(url, "token-a")
    assert await values("SELECT name FROM partner") == [("First",)]


@pytest.fixture
async def person(our_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=our_url)


async def test_an_invited_partner_can_only_register(person: httpx.AsyncClient) -> None:
    token_a, _ = await handshake.invite("Somebody")
    headers = authorization(token_a)

    assert (await person.get("/ocpi/versions", headers=headers)).status_code == 200
    assert (await person.get(BASE + "/locations/NL/ABC/L1", headers=headers)).status_code == 401
    for method in ("PUT", "DELETE"):
        assert (await person.request(method, CREDENTIALS, headers=headers, json={})).status_code == 405


async def test_a_registered_partner_cannot_register_again_and_gets_its_token_repeated(
    person: httpx.AsyncClient,
) -> None:
    async with transaction() as db:
        await registered(db, "ABC", "abc-token", party_id="ABC")
    headers = authorization("abc-token")

    assert (await person.post(CREDENTIALS, headers=headers, json={})).status_code == 405
    data = (await person.get(CREDENTIALS, headers=headers)).json()["data"]
    assert data["token"] == "abc-token"
    assert data["roles"][0]["role"] == "EMSP"
    assert (await person.delete(CREDENTIALS, headers=headers)).json()["status_code"] == 1000
    assert (await person.get("/ocpi/versions", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("versions", "endpoints", "expected"),
    [
        (None, None, 3001),
        (["2.1.1"], None, 3002),
        (["2.2.1"], [("credentials", "SENDER")], 3003),
    ],
)
async def test_a_partner_whose_side_is_not_usable_is_told_why(
    person: httpx.AsyncClient, versions: list[str] | None, endpoints: list[tuple[str, str]] | None, expected: int
) -> None:
    def script(request: Request) -> Response:
        url = str(request.base_url)
        if versions is None:
            return Response("<h1>Down</h1>", 404)
        if request.url.path == "/versions":
            return envelope([{"version": version, "url": url + "details"} for version in versions])
        listed = [{"identifier": name, "role": role, "url": url + name} for name, role in endpoints or []]
        return envelope({"version": "2.2.1", "endpoints": listed})

    token_a, _ = await handshake.invite("Somebody")
    async with scripted(script) as url:
        role = {"role": "CPO", "country_code": "NL", "party_id": "ABC", "business_details": {"name": "ABC"}}
        body = {"token": "token-b", "url": f"{url}/versions", "roles": [role]}
        answer = await person.post(CREDENTIALS, headers=authorization(token_a), json=body)

    assert (answer.status_code, answer.json()["status_code"]) == (200, expected)
    assert await values("SELECT state, roles FROM ocpi_connection") == [("INVITED", [])]


async def test_credentials_that_cannot_be_read_name_the_field(person: httpx.AsyncClient) -> None:
    token_a, _ = await handshake.invite("Somebody")
    answer = await person.post(CREDENTIALS, headers=authorization(token_a), json={"token": "b", "url": "http://x"})
    assert answer.json()["status_message"] == "Object missing required field roles"
    assert answer.json()["status_code"] == 2001


def test_a_token_goes_only_where_the_handshake_said() -> None:
    peer = connections.Peer(
        id=None,  # type: ignore[arg-type]
        partner_id=None,  # type: ignore[arg-type]
        name="ABC",
        version="2.2.1",
        versions_url="https://abc.example/ocpi/versions",
        token="secret",
        encoding="BASE64",
        endpoints=[{"identifier": "cdrs", "role": "SENDER", "url": "https://api.abc.example/cdrs"}],
        roles=[],
    )
    assert peer.knows("https://api.abc.example/cdrs?offset=10")
    assert not peer.knows("https://api.abc.example:8443/cdrs")
    assert not peer.knows("http://api.abc.example/cdrs")
    assert not peer.knows("https://abc.example.evil.test/cdrs")


def test_the_sample_with_a_line_feed_is_read_as_the_token_it_means() -> None:
    sample = base64.b64encode(b"example-token\n").decode()
    assert presented_tokens(f"Token {sample}") == {sample: "RAW", "example-token": "BASE64"}


async def test_the_old_token_works_until_the_new_one_is_used(us: httpx.AsyncClient) -> None:
    async with transaction() as db:
        connection = await registered(db, "ABC", "old", party_id="ABC")
    platform = discovery.Platform(versions_url="https://cpo.example/v", version="2.2.1", encoding="RAW", endpoints=[])
    theirs = handshake.credentials_of("2.2.1", {"token": "t", "url": "u", "roles": [ROLE]})
    await handshake.complete(connection.id, platform, theirs, "new")

    assert [await _status(us, token) for token in ("old", "new", "old", "new")] == [200, 200, 401, 200]


async def test_an_old_token_that_nobody_replaces_ends_after_a_day(us: httpx.AsyncClient) -> None:
    async with transaction() as db:
        connection = await registered(db, "ABC", "old", party_id="ABC")
        connection.token_in_digests = [vault.digest("new"), vault.digest("old")]
        connection.registered_at = clock.now() - connections.OVERLAP
        db.add(connection)

    assert [await _status(us, token) for token in ("old", "new")] == [401, 200]


async def test_a_token_is_good_while_its_handshake_runs_and_dead_when_that_fails(us: httpx.AsyncClient) -> None:
    async with transaction() as db:
        connection = await registered(db, "ABC", "old", party_id="ABC")
        connection.awaited_digest = vault.digest("awaited")
        db.add(connection)
    assert [await _status(us, token) for token in ("awaited", "old")] == [200, 200]

    await handshake._undo(connection.id)
    assert [await _status(us, token) for token in ("awaited", "old")] == [401, 200]


async def test_tokens_for_partners_are_sealed_anew(database: str) -> None:
    async with transaction() as db:
        connection = await registered(db, "ABC", "old", party_id="ABC")
        before = connection.token_out_sealed
    assert await handshake.reseal() == 1

    async with transaction() as db:
        assert (await connections.peer(db, connection.id)).token == "a token of theirs"
    assert await value("SELECT token_out_sealed FROM ocpi_connection") != before


ROLE = {"role": "CPO", "country_code": "NL", "party_id": "ABC", "business_details": {"name": "ABC"}}


async def _status(us: httpx.AsyncClient, token: str) -> int:
    return (await us.get("/ocpi/versions", headers=authorization(token))).status_code
