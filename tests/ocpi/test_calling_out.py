"""What our calls to partners let through, and what they survive."""

import os
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emsp import http
from emsp.errors import PartnerFailed, PartnerUnreachable
from emsp.ocpi import client
from emsp.ocpi.client import PeerRefused
from emsp.settings import settings
from tests.ocpi.servers import envelope, scripted


@pytest.fixture
def strict() -> Iterator[None]:
    """An installation in production: partners are on the public internet."""
    os.environ["EMSP_ALLOW_PRIVATE_PARTNERS"] = "0"
    settings.cache_clear()
    yield
    os.environ["EMSP_ALLOW_PRIVATE_PARTNERS"] = "1"
    settings.cache_clear()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://partner.example/ocpi", "not an https address"),
        ("ftp://partner.example/ocpi", "not an https address"),
        ("https:///ocpi", "not an https address"),
        ("https://127.0.0.1:5432/", "not on the public internet"),
        ("https://localhost/", "not on the public internet"),
        ("https://10.0.0.8/", "not on the public internet"),
        ("https://169.254.169.254/latest/meta-data", "not on the public internet"),
        ("https://[::1]/", "not on the public internet"),
        ("https://[::ffff:127.0.0.1]/", "not on the public internet"),
        ("https://0.0.0.0/", "not on the public internet"),
        ("https://2130706433/", "not on the public internet"),
    ],
)
async def test_partners_cannot_send_us_into_private_networks(strict: None, url: str, reason: str) -> None:
    with pytest.raises(PartnerFailed, match=reason):
        await http.request("GET", url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert http.is_public(address) is public


async def test_a_redirect_is_not_followed() -> None:
    calls: list[str] = []

    def script(request: Request) -> Response:
        calls.append(request.url.path)
        return Response(status_code=302, headers={"Location": "/elsewhere"})

    async with scripted(script) as url:
        reply = await http.request("GET", f"{url}/here")
    assert (reply.status, calls) == (302, ["/here"])


@pytest.mark.parametrize(
    ("method", "status", "location", "paths"),
    [
        ("GET", 307, "/ocpi/tariffs/?limit=5", ["/ocpi/tariffs", "/ocpi/tariffs/"]),
        ("POST", 307, "/ocpi/tariffs/", ["/ocpi/tariffs", "/ocpi/tariffs/"]),
        ("PUT", 308, "https://127.0.0.1/ocpi/tariffs/", ["/ocpi/tariffs", "/ocpi/tariffs/"]),
        ("GET", 301, "/ocpi/tariffs/", ["/ocpi/tariffs", "/ocpi/tariffs/"]),
        ("POST", 301, "/ocpi/tariffs/", ["/ocpi/tariffs"]),
        ("GET", 307, "http://localhost/ocpi/tariffs/", ["/ocpi/tariffs"]),
        ("GET", 307, "//[/", ["/ocpi/tariffs"]),
        ("GET", 307, "", ["/ocpi/tariffs"]),
    ],
)
async def test_a_partners_redirect_is_followed_on_its_own_host_with_method_and_body(
    method: str, status: int, location: str, paths: list[str]
) -> None:
    calls: list[tuple[str, str, str, str]] = []

    def script(request: Request) -> Response:
        headers = request.headers
        calls.append((request.url.path, request.method, headers["authorization"], headers.get("content-length", "0")))
        if request.url.path.endswith("/"):
            return envelope({"query": request.url.query})
        return Response(status_code=status, headers={"Location": location})

    body = None if method == "GET" else {"id": 1}
    async with scripted(script) as url:
        with suppress(PeerRefused):
            await client.exchange(method, f"{url}/ocpi/tariffs", "Token abc", body)
    length = "0" if body is None else str(len(b'{"id":1}'))
    assert calls == [(path, method, "Token abc", length) for path in paths]


async def test_a_redirect_is_followed_once() -> None:
    calls: list[str] = []

    def script(request: Request) -> Response:
        calls.append(request.url.path)
        return Response(status_code=307, headers={"Location": request.url.path + "/"})

    async with scripted(script) as url:
        with pytest.raises(PeerRefused, match="HTTP 307"):
            await client.exchange("GET", f"{url}/here", "Token abc")
    assert calls == ["/here", "/here/"]


@pytest.mark.parametrize(("method", "tries"), [("GET", 3), ("PUT", 3), ("POST", 1), ("PATCH", 1)])
async def test_only_what_may_be_repeated_is_repeated(method: str, tries: int) -> None:
    calls: list[str] = []

    def script(request: Request) -> Response:
        calls.append(request.method)
        return Response(status_code=503, headers={"Retry-After": "0"})

    async with scripted(script) as url:
        reply = await http.request(method, url, content=b"{}")
    assert (reply.status, len(calls)) == (503, tries)


async def test_a_partner_that_asks_for_time_is_given_it() -> None:
    answers = [Response(status_code=429, headers={"Retry-After": "1"}), Response(b"here")]
    async with scripted(lambda _: answers.pop(0)) as url:
        started = perf_counter()
        reply = await http.request("GET", url)
    assert reply.body == b"here"
    assert perf_counter() - started >= 1


async def test_an_answer_without_end_is_cut_off() -> None:
    async with scripted(lambda _: Response(b"x" * 100_000)) as url:
        with pytest.raises(PartnerUnreachable, match="more than 1000 bytes"):
            await http.request("POST", url, max_bytes=1000)


async def test_nobody_there_is_a_call_that_was_not_made() -> None:
    with pytest.raises(PartnerFailed) as failed:
        await http.request("POST", "http://127.0.0.1:9/")
    assert not isinstance(failed.value, PartnerUnreachable)
