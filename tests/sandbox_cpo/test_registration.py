"""The sandbox CPO's side of the credentials handshake."""

from typing import Any

import httpx

from .fake_emsp import TOKEN_B, FakeEmsp
from .running import INVITATION, RunningCpo, running_cpo


def codes(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["status_code"]


async def test_calls_back_with_token_b_and_gives_a_new_token(emsp: FakeEmsp, feed: Any) -> None:
    async with running_cpo(emsp, **feed) as running:
        theirs = await emsp.register(f"{running.url}/ocpi/versions", INVITATION)
        assert [(r.method, r.path) for r in emsp.received] == [("GET", "/versions"), ("GET", "/2.2.1")]
        assert {r.headers["authorization"] for r in emsp.received} == {"Token dG9rZW4tYi1vZi10aGUtZmFrZS1lbXNw"}
        assert [(r["role"], r["country_code"], r["party_id"]) for r in theirs["roles"]] == [("CPO", "NL", "SBX")]
        assert theirs["token"] not in (INVITATION, TOKEN_B)
        assert (await emsp.ask("GET", theirs["url"], token=INVITATION)).status_code == 401
        assert (await emsp.ask("GET", theirs["url"])).status_code == 200


async def test_accepts_a_raw_token_and_refuses_unknown_ones(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    async def status(**headers: str) -> int:
        return (await emsp.client.get(f"{cpo.url}/ocpi/versions", headers=headers)).status_code

    assert await status(Authorization=f"Token {emsp.token}") == 200
    assert await status(Authorization="Token nonsense") == 401
    assert await status() == 401


async def test_invitation_opens_no_functional_module(emsp: FakeEmsp, feed: Any) -> None:
    async with running_cpo(emsp, **feed) as running:
        answer = await emsp.ask("GET", f"{running.url}/ocpi/2.2.1/locations", token=INVITATION)
    assert codes(answer) == (401, 2001)


async def test_wrong_state_is_405(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    url = emsp.endpoints["credentials"]
    assert (await emsp.ask("POST", url, emsp.credentials())).status_code == 405
    invited = await cpo.lever("invite")
    assert (await emsp.ask("PUT", url, emsp.credentials(), token=invited["token"])).status_code == 405
    assert (await emsp.ask("DELETE", url, token=invited["token"])).status_code == 405


async def test_put_gives_another_token_and_delete_ends_it(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    url, old = emsp.endpoints["credentials"], emsp.token
    emsp.token = (await emsp.data("PUT", url, emsp.credentials()))["token"]
    assert emsp.token != old
    assert (await emsp.ask("GET", url, token=old)).status_code == 401
    assert await emsp.data("DELETE", url) is None
    assert (await emsp.ask("GET", url)).status_code == 401


async def test_says_what_is_wrong_with_the_other_side(emsp: FakeEmsp, feed: Any) -> None:
    async with running_cpo(emsp, **feed) as running:
        url = f"{running.url}/ocpi/2.2.1/credentials"

        async def registering(body: Any) -> tuple[int, int]:
            return codes(await emsp.ask("POST", url, body, token=INVITATION))

        assert await registering({"url": emsp.url}) == (200, 2001)
        assert await registering({**emsp.credentials(), "url": "http://127.0.0.1:9/versions"}) == (200, 3001)
        emsp.offered_version = "2.1.1"
        assert await registering(emsp.credentials()) == (200, 3002)
        emsp.offered_version = "2.2.1"
        emsp.receivers = ("locations", "sessions")
        assert await registering(emsp.credentials()) == (200, 3003)
        assert not (await running.books())["registered"]


async def test_connect_registers_at_the_emsp(emsp: FakeEmsp, feed: Any) -> None:
    async with running_cpo(emsp, **feed) as running:
        answer = await running.lever("connect", versions_url=f"{emsp.url}/versions", token="theirs")
        assert answer["registered"]
        (offered,) = emsp.bodies("POST", "/2.2.1/credentials")
        assert (await emsp.ask("GET", offered["url"], token=offered["token"])).status_code == 200
        assert (await emsp.ask("GET", offered["url"], token=INVITATION)).status_code == 401
