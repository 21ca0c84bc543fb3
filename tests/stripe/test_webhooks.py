"""What is sent to the webhook's address: kept when it is the processor's, else refused in words."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from emsp import app as emsp_app
from emsp.payments import inbox
from emsp.sandbox.cards.webhooks import sign
from emsp.settings import settings
from emsp.stripe.webhooks import routes


@pytest.fixture
async def door(database: str) -> AsyncIterator[httpx.AsyncClient]:
    emsp_app.plug()
    app = Starlette(routes=[Mount("/stripe", routes=routes())])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emsp.test") as client:
        yield client


async def _send(door: httpx.AsyncClient, body: bytes, signature: bytes | None = None) -> httpx.Response:
    signed = signature or sign(body, settings().stripe_webhook_secret, int(time.time())).encode()
    return await door.post("/stripe/webhooks", content=body, headers={b"Stripe-Signature": signed})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"id": 1, "type": "x"}',
        b'{"id": "e\\u0000", "type": "x"}',
        b'{"id": "e", "type": ""}',
        b'{"id": "' + b"e" * 256 + b'", "type": "x"}',
        b'{"id": "e", "type": "x", "data": ' + b"[" * 100_000,
    ],
)
async def test_that_a_signed_body_that_is_no_event_is_refused(door: httpx.AsyncClient, body: bytes) -> None:
    answer = await _send(door, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "body"


@pytest.mark.parametrize("signature", [b"x", b"t=1,v1=\xe9", "t=\N{ARABIC-INDIC DIGIT THREE},v1=x".encode(), b",,="])
async def test_that_a_signature_that_is_none_is_refused(door: httpx.AsyncClient, signature: bytes) -> None:
    answer = await _send(door, b'{"id": "e", "type": "x"}', signature)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "Stripe-Signature"


async def test_that_an_event_about_something_without_an_id_is_done_with(door: httpx.AsyncClient) -> None:
    body = b'{"id": "evt_1", "type": "balance.available", "data": {"object": {"object": "balance"}}}'
    assert (await _send(door, body)).status_code == 200
    await inbox.understand("evt_1")
