"""What the sandbox CPO publishes can be pulled ..."""

from pathlib import Path
from typing import Any

from emsp.sandbox.cpo.wire import encode

from .fake_emsp import DECODER, FakeEmsp
from .running import STATION, RunningCpo, running_cpo


async def crawl(emsp: FakeEmsp, url: str) -> tuple[list[Any], list[int]]:
    """Follows Link to the end: all objects, and how many came a page."""
    objects: list[Any] = []
    sizes = []
    while url:
        answer = await emsp.ask("GET", url)
        page = DECODER.decode(answer.content)["data"]
        objects += page
        sizes.append(len(page))
        link = answer.headers.get("link", "")
        url = link[1 : link.index(">")] if link else ""
    return objects, sizes


async def test_page_by_page(emsp: FakeEmsp) -> None:
    async with running_cpo(emsp, stations=25, page_limit=10) as running:
        await running.registered()
        locations, sizes = await crawl(emsp, emsp.endpoints["locations"])
        answer = await emsp.ask("GET", emsp.endpoints["locations"] + "?offset=20&limit=99")
    assert sizes == [10, 10, 5]
    assert len({location["id"] for location in locations}) == 25
    assert (answer.headers["x-total-count"], answer.headers["x-limit"]) == ("25", "10")
    assert "link" not in answer.headers


async def test_only_what_changed(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    since = emsp.endpoints["locations"] + "?date_from=2026-01-01T00:00:01Z"
    assert await emsp.data("GET", since) == []
    await cpo.lever("remote-change", location_id="LOC1", name="New name")
    (changed,) = await emsp.data("GET", since)
    assert (changed["name"], changed["id"]) == ("New name", "LOC1")
    assert emsp.bodies("PATCH", "/2.2.1/locations") == []


async def test_one_by_one_down_to_the_connector(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    base = emsp.endpoints["locations"]
    assert await emsp.data("GET", base + "loc1") == STATION
    assert await emsp.data("GET", base + "LOC1/LOC1-1") == STATION["evses"][0]
    assert await emsp.data("GET", base + "LOC1/LOC1-1/1") == STATION["evses"][0]["connectors"][0]
    missing = await emsp.ask("GET", base + "LOC1/LOC1-2")
    assert (missing.status_code, missing.json()["status_code"]) == (404, 2003)


async def test_with_a_reason_when_the_question_is_wrong(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    async def refusal(url: str) -> tuple[int, int, str]:
        answer = await emsp.ask("GET", url)
        body = answer.json()
        return answer.status_code, body["status_code"], body["status_message"]

    assert await refusal(emsp.endpoints["sessions"]) == (200, 2001, "date_from: required for sessions")
    assert (await refusal(emsp.endpoints["cdrs"] + "?limit=0"))[:2] == (200, 2001)
    assert (await refusal(emsp.endpoints["tariffs"] + "?date_from=yesterday"))[:2] == (200, 2001)
    assert (await refusal(f"{cpo.url}/ocpi/2.2.1/chargingprofiles"))[:2] == (404, 2000)


async def test_as_published_in_a_feed(emsp: FakeEmsp, tmp_path: Path) -> None:
    odd = {**STATION, "unknown_field": [1, 2.50, None], "id": "ODD"}
    path = tmp_path / "odd.jsonl"
    path.write_bytes(encode(odd))
    async with running_cpo(emsp, locations=path) as running:
        await running.registered()
        assert await emsp.data("GET", emsp.endpoints["locations"]) == [odd]


async def test_tokens_are_given_back_as_received(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    url = emsp.endpoints["tokens"] + "NL/EMS/APP0001?type=APP_USER"
    assert (await emsp.ask("GET", url)).json()["status_code"] == 2004
    await emsp.data("PUT", url, {"uid": "APP0001", "valid": True})
    await emsp.data("PATCH", url, {"valid": False, "last_updated": "2026-01-01T00:00:00Z"})
    assert (await emsp.data("GET", url))["valid"] is False
