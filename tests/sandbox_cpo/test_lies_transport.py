"""Lies of transport: pages, links, totals, errors and tokens as an eMSP meets them."""

import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from emsp.sandbox.cpo.wire import encode

from .fake_emsp import DECODER, TOKEN_B, FakeEmsp
from .lying import pulled_location, tell
from .running import INVITATION, STATION, RunningCpo, active, running_cpo, until

LIMIT = 5


@pytest.fixture
async def pages(emsp: FakeEmsp) -> AsyncIterator[RunningCpo]:
    """A registered CPO of twelve stations, five a page."""
    async with running_cpo(emsp, page_limit=LIMIT, slow_s=0.3) as cpo:
        yield await cpo.registered()


async def page(emsp: FakeEmsp, offset: int = 0) -> httpx.Response:
    return await emsp.ask("GET", f"{emsp.endpoints['locations']}?offset={offset}&limit={LIMIT}")


def ids(answer: httpx.Response) -> list[str]:
    return [found["id"] for found in answer.json()["data"]]


def link(answer: httpx.Response) -> str | None:
    stated = str(answer.headers.get("link", ""))
    return stated.partition("<")[2].partition(">")[0] or None


async def all_ids(cpo: RunningCpo, emsp: FakeEmsp) -> list[str]:
    await tell(cpo)
    return [found for offset in (0, 5, 10) for found in ids(await page(emsp, offset))]


async def test_every_third_page_is_refused(pages: RunningCpo, emsp: FakeEmsp) -> None:
    assert [(await page(emsp)).status_code for _ in range(6)] == [200] * 6
    await tell(pages, "rate-limited")
    answers = [await page(emsp) for _ in range(6)]
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 2
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert (await emsp.ask("GET", f"{pages.url}/ocpi/versions")).status_code == 200


@pytest.mark.parametrize(("lie", "status", "kind"), [("server-errors", 500, None), ("html-error", 502, "text/html")])
async def test_errors_now_and_then(pages: RunningCpo, emsp: FakeEmsp, lie: str, status: int, kind: str | None) -> None:
    await tell(pages, lie)
    answers = [await page(emsp) for _ in range(20)]
    failed = [answer for answer in answers if answer.status_code == status]
    assert {answer.status_code for answer in answers} == {200, status}
    assert 1 <= len(failed) <= 10
    assert {answer.headers.get("content-type") for answer in failed} == {kind}
    await tell(pages)
    assert {(await page(emsp)).status_code for _ in range(20)} == {200}


async def test_the_same_seed_fails_at_the_same_pages(emsp: FakeEmsp) -> None:
    seen = []
    for seed in (7, 7, 8):
        async with running_cpo(emsp, lies=("server-errors",), seed=seed) as cpo:
            await cpo.registered()
            seen.append([(await page(emsp)).status_code for _ in range(20)])
    assert seen[0] == seen[1] != seen[2]


async def test_half_a_page_the_first_time(pages: RunningCpo, emsp: FakeEmsp) -> None:
    honest = (await page(emsp)).json()["data"]
    await tell(pages, "half-page")
    cut, whole = await page(emsp), await page(emsp)
    assert whole.json()["data"] == honest
    assert len(cut.content) == pytest.approx(len(whole.content) // 2, abs=4)  # each tells the time of its own
    assert whole.content.startswith(cut.content[:100])
    assert len((await page(emsp, 5)).content) < len((await page(emsp, 5)).content)


async def test_pages_without_an_end(pages: RunningCpo, emsp: FakeEmsp) -> None:
    assert link(await page(emsp, 10)) is None
    await tell(pages, "endless-pages")
    visited, url, found = set[str](), f"{emsp.endpoints['locations']}?limit={LIMIT}", list[str]()
    for _ in range(7):
        answer = await emsp.ask("GET", url)
        found += ids(answer)
        url = str(link(answer))
        visited.add(url)
    assert len(visited) == 7
    assert found[12:24] == found[:12]
    assert answer.headers["x-total-count"] == "12"


async def test_totals_that_shrink_while_pages_shift(pages: RunningCpo, emsp: FakeEmsp) -> None:
    honest = await all_ids(pages, emsp)
    await tell(pages, "rotating-totals")
    first = await page(emsp)
    second = await emsp.ask("GET", str(link(first)))
    assert (first.headers["x-total-count"], second.headers["x-total-count"]) == ("12", "11")
    assert ids(first) == honest[:5]
    assert ids(second) == honest[6:11]
    again = await page(emsp, 4)
    assert ids(again) == honest[5:10]
    assert "offset=9" in str(link(again))
    last = await emsp.ask("GET", str(link(again)))
    assert (ids(last), link(last)) == (honest[10:], None)


async def test_no_link(pages: RunningCpo, emsp: FakeEmsp) -> None:
    assert link(await page(emsp)) is not None
    await tell(pages, "no-link")
    answer = await page(emsp)
    assert link(answer) is None
    assert answer.headers["x-total-count"] == "12"


async def test_a_relative_link(pages: RunningCpo, emsp: FakeEmsp) -> None:
    absolute = str(link(await page(emsp)))
    await tell(pages, "relative-link")
    assert link(await page(emsp)) == absolute.removeprefix(pages.url)


async def test_links_to_the_same_page_and_to_another_host(pages: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(pages, "wrong-link")
    links = [str(link(await page(emsp))) for _ in range(2)]
    foreign = [found for found in links if found.startswith("http://elsewhere.invalid/ocpi/")]
    same = [found for found in links if found.startswith(pages.url) and "offset=0" in found]
    assert (len(foreign), len(same)) == (1, 1)
    assert link(await page(emsp, 10)) is None


async def test_a_total_of_the_page(pages: RunningCpo, emsp: FakeEmsp) -> None:
    assert (await page(emsp, 10)).headers["x-total-count"] == "12"
    await tell(pages, "total-of-page")
    assert [(await page(emsp, offset)).headers["x-total-count"] for offset in (0, 10)] == ["5", "2"]


async def test_slowness(pages: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(pages, "slow")
    before = time.monotonic()
    assert (await page(emsp)).status_code == 200
    assert time.monotonic() - before >= 0.3


async def test_shapes_of_data(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    one = emsp.endpoints["locations"] + "LOC1"
    assert await emsp.data("GET", one) == STATION
    await tell(cpo, "list-for-object")
    assert await emsp.data("GET", one) == [STATION]
    await tell(cpo, "object-for-list")
    assert await emsp.data("GET", emsp.endpoints["locations"]) == STATION
    await tell(cpo, "list-for-object")
    assert isinstance(await emsp.start(STATION), list)
    await tell(cpo)
    assert (await pulled_location(emsp))["id"] == "LOC1"


async def test_errors_without_an_envelope(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    nowhere, dateless = emsp.endpoints["locations"] + "NOWHERE", emsp.endpoints["sessions"]
    assert (await emsp.ask("GET", nowhere)).json()["status_code"] == 2003
    await tell(cpo, "no-envelope")
    answers = [await emsp.ask("GET", nowhere), await emsp.ask("GET", dateless)]
    answers.append(await emsp.ask("GET", dateless, token="wrong"))
    assert [answer.status_code for answer in answers] == [404, 422, 403]
    assert [set(answer.json()) for answer in answers] == [{"detail"}] * 3
    assert (await pulled_location(emsp))["id"] == "LOC1"


HEADERS = {
    None: "Token " + base64.b64encode(TOKEN_B.encode()).decode(),
    "raw-token": f"Token {TOKEN_B}",
    "base64-newline": "Token " + base64.b64encode(TOKEN_B.encode() + b"\n").decode(),
}


@pytest.mark.parametrize(("lie", "header"), HEADERS.items())
async def test_how_the_cpo_shows_its_token(emsp: FakeEmsp, feed: dict[str, Any], lie: str | None, header: str) -> None:
    async with running_cpo(emsp, **feed, lies=(lie,) if lie else ()) as cpo:
        await cpo.registered()
        await emsp.start(STATION)
        await active(emsp)
    assert {kept.headers["authorization"] for kept in emsp.received} == {header}
    assert {"/versions", "/results/1"} <= {kept.path for kept in emsp.received}


@pytest.mark.parametrize(("lies", "times"), [((), 1), (("token-b-early",), 2)])
async def test_token_b_is_used_before_the_answer(emsp: FakeEmsp, lies: tuple[str, ...], times: int) -> None:
    async with running_cpo(emsp, lies=lies) as cpo:
        await cpo.registered()
        assert [kept.path for kept in emsp.received] == ["/versions", "/2.2.1"] * times


async def test_a_token_is_lost(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    assert (await pulled_location(emsp))["id"] == "LOC1"
    await tell(cpo, "token-lost")
    for url in (emsp.endpoints["locations"], f"{cpo.url}/ocpi/versions", emsp.endpoints["credentials"]):
        assert (await emsp.ask("GET", url)).status_code == 401
    again = await cpo.lever("invite", token="a-new-invitation")
    await emsp.register(again["versions_url"], again["token"])
    assert (await pulled_location(emsp))["id"] == "LOC1"


async def test_a_token_is_lost_right_after_registration(emsp: FakeEmsp, feed: dict[str, Any]) -> None:
    async with running_cpo(emsp, **feed, lies=("token-lost",)) as cpo:
        await emsp.register(f"{cpo.url}/ocpi/versions", INVITATION)
        assert (await emsp.ask("GET", emsp.endpoints["locations"])).status_code == 401


@pytest.mark.parametrize(
    ("lies", "location", "session"),
    [
        ([], "/2.2.1/locations/NL/", "/2.2.1/sessions/NL/"),
        (["no-slash-join"], "/2.2.1/locations//NL/", "/2.2.1/sessionsNL/"),
    ],
)
async def test_how_addresses_are_joined(
    cpo: RunningCpo, emsp: FakeEmsp, lies: list[str], location: str, session: str
) -> None:
    await tell(cpo, *lies)
    await emsp.start(STATION)
    await until(lambda: emsp.bodies("PATCH", location) and emsp.bodies("PUT", session))
    (result,) = (kept.path for kept in emsp.received if kept.path.startswith("/results"))
    assert result == "/results/1"
    assert DECODER.decode(encode(emsp.bodies("PUT", session)[0]))["location_id"] == "LOC1"
