"""The token endpoint ..."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from emsp.accounts.tokens import driver_of
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.login.routes import routes
from tests.accounts.people import ADA, another, ask_for_code, change, count

SIGN_IN = "urn:emsp:grant-type:sign-in-code"
Reply = tuple[int, dict[str, Any]]


@pytest.fixture
async def client(brand: Brand) -> AsyncIterator[httpx.AsyncClient]:
    """An app at Volt."""
    transport = httpx.ASGITransport(app=Starlette(routes=[Mount("/login", routes=routes())]))
    async with httpx.AsyncClient(transport=transport, base_url="http://volt.example") as client:
        yield client


async def post(client: httpx.AsyncClient, path: str = "token", at: str = "volt", **form: str) -> Reply:
    answer = await client.post(f"/login/{path}", data={"client_id": "app"} | form, headers={"X-Brand": at})
    return answer.status_code, answer.json()


async def sign_in(client: httpx.AsyncClient, code: str, **form: str) -> Reply:
    return await post(client, **({"grant_type": SIGN_IN, "email": ADA, "code": code} | form))


async def renew(client: httpx.AsyncClient, refresh_token: str, **form: str) -> Reply:
    return await post(client, **({"grant_type": "refresh_token", "refresh_token": refresh_token} | form))


async def is_signed_in(brand: Brand, access_token: str) -> bool:
    async with transaction() as db:
        return await driver_of(db, brand.id, access_token) is not None


async def test_gives_bearer_tokens_for_a_code(client: httpx.AsyncClient, brand: Brand) -> None:
    code = await ask_for_code(brand)
    form = {"grant_type": SIGN_IN, "client_id": "app", "email": ADA, "code": code}
    answer = await client.post("/login/token", data=form)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert await is_signed_in(brand, body["access_token"])


async def test_keeps_the_count_of_tries_that_it_refuses(client: httpx.AsyncClient, brand: Brand) -> None:
    code = await ask_for_code(brand)
    for _ in range(5):
        status, body = await sign_in(client, another(code))
        assert (status, body["error"]) == (400, "invalid_grant")

    assert (await sign_in(client, code))[0] == 400
    assert await count("sign_in_code WHERE attempts = 5") == 1
    assert await count("driver") == 0


async def test_takes_one_code_once_in_parallel(client: httpx.AsyncClient, brand: Brand) -> None:
    code = await ask_for_code(brand)

    replies = await asyncio.gather(*(sign_in(client, code) for _ in range(6)))

    assert sorted(status for status, _ in replies) == [200] + [400] * 5


async def test_rotates_refresh_tokens(client: httpx.AsyncClient, brand: Brand) -> None:
    _, first = await sign_in(client, await ask_for_code(brand))
    status, second = await renew(client, first["refresh_token"])

    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert await is_signed_in(brand, second["access_token"])


async def test_ends_the_sign_in_when_a_used_refresh_token_comes_again(client: httpx.AsyncClient, brand: Brand) -> None:
    _, first = await sign_in(client, await ask_for_code(brand))
    _, second = await renew(client, first["refresh_token"])
    await change("UPDATE sign_in_token SET refreshed_at = refreshed_at - interval '31 seconds'")

    assert await renew(client, first["refresh_token"]) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "The refresh token is unknown, used, expired or revoked.",
        },
    )
    assert not await is_signed_in(brand, second["access_token"])
    assert (await renew(client, second["refresh_token"]))[0] == 400


async def test_knows_nothing_of_another_brands_codes_and_tokens(
    client: httpx.AsyncClient, brand: Brand, other_brand: Brand
) -> None:
    code = await ask_for_code(brand)
    assert (await sign_in(client, code, at="stroom"))[1]["error"] == "invalid_grant"
    _, tokens = await sign_in(client, code)

    assert (await renew(client, tokens["refresh_token"], at="stroom"))[1]["error"] == "invalid_grant"
    assert await post(client, "revoke", "stroom", token=tokens["refresh_token"]) == (200, {})
    assert await is_signed_in(brand, tokens["access_token"])
    assert not await is_signed_in(other_brand, tokens["access_token"])


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_signs_out_by_either_token(client: httpx.AsyncClient, brand: Brand, kind: str) -> None:
    _, tokens = await sign_in(client, await ask_for_code(brand))

    assert await post(client, "revoke", token=tokens[kind], token_type_hint="whatever") == (200, {})

    assert not await is_signed_in(brand, tokens["access_token"])
    assert (await renew(client, tokens["refresh_token"]))[0] == 400


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({}, "invalid_request", "The parameter grant_type is missing."),
        ({"grant_type": "password"}, "unsupported_grant_type", None),
        ({"grant_type": SIGN_IN, "code": "123456"}, "invalid_request", "The parameter email is missing."),
        ({"grant_type": SIGN_IN, "email": ADA, "code": ""}, "invalid_request", "The parameter code is missing."),
        ({"grant_type": SIGN_IN, "email": 'a"b', "code": "1"}, "invalid_request",
         "email must be an e-mail address, such as name@example.com"),
        ({"grant_type": "refresh_token"}, "invalid_request", "The parameter refresh_token is missing."),
        ({"grant_type": SIGN_IN, "client_id": "other"}, "invalid_client", "The client does not exist on this server."),
        ({"grant_type": SIGN_IN, "client_id": "", "email": ADA, "code": "1"}, "invalid_client",
         "The client cannot authenticate with methods: ['none']"),
    ],
)  # fmt: skip
async def test_says_what_is_wrong_with_a_request(
    client: httpx.AsyncClient, form: dict[str, str], error: str, description: str | None
) -> None:
    expected = {"error": error} | ({"error_description": description} if description else {})

    assert await post(client, **form) == (400, expected)


async def test_says_what_is_wrong_with_a_revocation(client: httpx.AsyncClient) -> None:
    assert await post(client, "revoke") == (
        400, {"error": "invalid_request", "error_description": "The parameter token is missing."}
    )  # fmt: skip
    assert (await post(client, "revoke", token="x", client_id="other"))[1]["error"] == "invalid_client"


async def test_knows_the_brand_or_says_so(client: httpx.AsyncClient) -> None:
    assert await post(client, at="nobody", grant_type=SIGN_IN) == (
        400, {"error": "invalid_request", "error_description": "There is no such brand."}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "content_type", "description"),
    [
        (b"{}", "application/json", "The body must be application/x-www-form-urlencoded."),
        (b"a=" + b"x" * 9000, "application/x-www-form-urlencoded", "The body is longer than 8192 bytes."),
        (b"a=%ff", "application/x-www-form-urlencoded", "The body cannot be read as form parameters in UTF-8."),
        (b"a=1&" * 30, "application/x-www-form-urlencoded", "The body cannot be read as form parameters in UTF-8."),
        (b"grant_type=refresh_token&grant_type=x", "application/x-www-form-urlencoded",
         "A parameter is there more than once."),
    ],
)  # fmt: skip
async def test_reads_small_forms_only(
    client: httpx.AsyncClient, content: bytes, content_type: str, description: str
) -> None:
    answer = await client.post("/login/token", content=content, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": description}


async def test_answers_posts_only(client: httpx.AsyncClient) -> None:
    assert (await client.get("/login/token")).status_code == 405
