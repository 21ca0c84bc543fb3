"""Who gets in, and what every answer looks like."""

import base64

import httpx
import pytest

from tests.ocpi.people import BASE, Cpo, authorization, documents

KNOWN_PATHS = ["/locations/NL/ABC/L1", "/tariffs/NL/ABC/T1", "/sessions/NL/ABC/S1"]


@pytest.mark.parametrize(
    "header",
    [
        "Token " + base64.b64encode(b"abc-token").decode(),
        "Token " + base64.b64encode(b"abc-token\n").decode(),
        "Token abc-token",
        "token  abc-token ",
    ],
)
async def test_a_token_is_known_plain_or_encoded(cpo: Cpo, us: httpx.AsyncClient, header: str) -> None:
    answer = await us.get("/ocpi/versions", headers={"Authorization": header})
    assert answer.json()["data"] == [
        {"version": version, "url": f"http://127.0.0.1:8000/ocpi/{version}"} for version in ("2.3.0", "2.2.1", "2.1.1")
    ]


@pytest.mark.parametrize("header", ["", "Token", "Token nonsense", "Bearer abc-token"])
async def test_everybody_else_is_a_stranger(cpo: Cpo, us: httpx.AsyncClient, header: str) -> None:
    answer = await us.get("/ocpi/versions", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["status_code"] == 2000
    assert "data" not in answer.json()


async def test_ids_come_back_and_the_ends_of_the_route_are_swapped(cpo: Cpo) -> None:
    routing = {
        "OCPI-from-country-code": "NL",
        "OCPI-from-party-id": "ABC",
        "OCPI-to-country-code": "NL",
        "OCPI-to-party-id": "EMP",
    }
    ids = {"X-Request-ID": "one", "X-Correlation-ID": "two"}
    answer = await cpo.send("GET", "/tokens", **routing, **ids)

    assert {name: answer.headers[name] for name in ids} == ids
    assert answer.headers["OCPI-from-party-id"] == "EMP"
    assert answer.headers["OCPI-to-party-id"] == "ABC"


async def test_an_answer_has_ids_even_when_the_request_had_none(cpo: Cpo) -> None:
    answer = await cpo.send("GET", "/locations/NL/ABC/L1")
    assert answer.headers["X-Request-ID"]
    assert answer.headers["X-Correlation-ID"]


@pytest.mark.parametrize("path", KNOWN_PATHS)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, 2001)),
        (b"\xff\xfe", (400, 2001)),
        (b"", (400, 2001)),
        (b"[" * 100_000, (400, 2001)),
        (b'{"id":' + b"[" * 40 + b"]" * 40 + b"}", (400, 2001)),
        (b'{"name":"a\\u0000b"}', (400, 2001)),
        (b"null", (200, 2001)),
        (b"[1,2]", (200, 2001)),
        (b"{}", (200, 2001)),
        (b'{"id":{"a":1},"last_updated":7}', (200, 2001)),
        (b"[" + b" " * (4 * 1024 * 1024) + b"]", (413, 2001)),
    ],
)
async def test_a_bad_body_is_refused_in_an_envelope(
    cpo: Cpo, path: str, body: bytes, expected: tuple[int, int]
) -> None:
    assert await cpo.says("PUT", path, body) == expected
    assert not any(state == "APPLIED" for state, _ in (await documents()).values())


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nothing", (404, 2000)),
        ("POST", "/locations/NL/ABC/L1", (405, 2000)),
        ("DELETE", "/locations/NL/ABC/L1", (405, 2000)),
        ("PUT", "/cdrs/NL/ABC/C1", (405, 2000)),
        ("POST", "", (405, 2000)),
        ("GET", "/locations", (404, 2001)),
        ("GET", "/locations/NL/ABC/L1/E1/1/more", (404, 2001)),
        ("GET", "/locations/NL/XYZ/L1", (404, 2001)),
        ("GET", "/locations/NL/ABC/%00", (404, 2000)),
        ("POST", "/tokens/%00/authorize", (404, 2000)),
    ],
)
async def test_paths_and_methods_that_are_not_served(
    cpo: Cpo, method: str, path: str, expected: tuple[int, int]
) -> None:
    assert await cpo.says(method, path, b"{}") == expected


async def test_a_version_that_is_not_spoken_is_not_found(cpo: Cpo, us: httpx.AsyncClient) -> None:
    answer = await us.get("/ocpi/2.0/locations", headers=authorization("abc-token"))
    assert (answer.status_code, answer.json()["status_code"]) == (404, 2000)


async def test_endpoints_are_given_with_a_trailing_slash(cpo: Cpo, us: httpx.AsyncClient) -> None:
    data = (await us.get(BASE, headers=authorization("abc-token"))).json()["data"]

    assert {"identifier": "cdrs", "role": "RECEIVER", "url": "http://127.0.0.1:8000/ocpi/2.2.1/cdrs/"} in data[
        "endpoints"
    ]
    assert all(endpoint["url"].endswith("/") for endpoint in data["endpoints"])
