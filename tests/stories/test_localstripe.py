"""The product's own processor against localstripe, an independent stand-in for Stripe, as far as that one goes.

It knows customers, cards, holds, declines, the bank's question, refunds and signed webhooks. It does not know
idempotency keys, `off_session`, another card at a confirmation, raising a hold, nor payments listed by customer: those
are played against our sandbox, and against Stripe's own test mode where there is a key.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.routing import Mount

from emsp import timetable
from emsp.db.engine import transaction
from emsp.errors import Declined
from emsp.payments.ports import Intent, Wish
from emsp.payments.tables import ProcessorEvent
from emsp.settings import settings
from emsp.stripe import webhooks
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.sandbox_cards.conftest import listening
from tests.stories.world import free_port

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = ROOT / "tests" / "peers" / "localstripe_cards.py"
READY_S, TOLD_S = 20, 15
pytestmark = pytest.mark.skipif(
    not next((ROOT / ".venv-peers").glob("lib/*/site-packages/localstripe"), None),
    reason="localstripe is not installed: run scripts/install-peers",
)


@dataclass
class Local:
    """localstripe as it runs, and the product's processor pointed at it."""

    url: str
    processor: StripeProcessor

    async def payer(self, number: str = "4242424242424242") -> tuple[str, str]:
        """A customer with a saved card: (customer, card)."""
        name = uuid4().hex
        customer = await self.processor.create_customer(driver_id=name, email=f"{name}@example.com")
        card: Any = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        made = await client().v1.payment_methods.create_async({"type": "card", "card": card})
        await client().v1.payment_methods.attach_async(made.id, {"customer": customer})
        return customer, made.id

    async def created(self, amount_minor: int, number: str = "4242424242424242") -> Intent:
        """A hold that was made and not confirmed."""
        customer, card = await self.payer(number)
        wish = Wish(
            customer=customer,
            card=card,
            amount_minor=amount_minor,
            currency="EUR",
            reference=f"hold-{uuid4()}",
            first_asked_at=datetime.now(UTC),
        )
        return await self.processor.create_hold(wish)

    async def confirmed(self, intent: Intent) -> Intent:
        return await self.processor.confirm(intent.processor_id, reference=str(intent.reference), off_session=False)


@pytest.fixture(scope="module")
def listening_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where localstripe listens, a process of its own."""
    port = free_port()
    with (tmp_path_factory.mktemp("localstripe") / "log").open("w") as log:
        process = subprocess.Popen([str(PYTHON), str(SCRIPT), str(port)], stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def local(listening_at: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    monkeypatch.setenv("EMSP_STRIPE_API_BASE", listening_at)
    settings.cache_clear()
    client.cache_clear()
    yield Local(listening_at, StripeProcessor())
    settings.cache_clear()
    client.cache_clear()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/js.stripe.com/v3/")
            return
        time.sleep(0.1)
    raise AssertionError(f"localstripe does not answer after {READY_S} s")


async def test_that_a_customer_is_made_once(local: Local) -> None:
    ada = await local.processor.create_customer(driver_id="ada", email="ada@example.com")
    assert await local.processor.create_customer(driver_id="ada", email="ada@example.com") == ada
    assert await local.processor.create_customer(driver_id="bob", email="ada@example.com") != ada


async def test_that_a_hold_is_captured_in_part_and_given_back_in_part(local: Local) -> None:
    made = await local.created(5000)
    assert (made.status, made.amount_minor, made.currency) == ("REQUIRES_CONFIRMATION", 5000, "EUR")
    assert (await local.confirmed(made)).status == "REQUIRES_CAPTURE"
    captured = await local.processor.capture(made.processor_id, amount_minor=3000, reference="capture")
    assert captured.status == "SUCCEEDED"

    back = await local.processor.refund(made.processor_id, amount_minor=1000, reference="refund-1")
    assert (back.status, back.amount_minor, back.reference) == ("SUCCEEDED", 1000, "refund-1")
    assert await local.processor.refund(made.processor_id, amount_minor=1000, reference="refund-1") == back
    assert await local.processor.repayment(back.processor_id) == back
    found = await local.processor.intent(made.processor_id)
    assert (found.status, found.reference) == ("SUCCEEDED", made.reference)


async def test_that_a_hold_is_released_once(local: Local) -> None:
    made = await local.created(5000)
    await local.confirmed(made)
    for _ in range(2):
        assert (await local.processor.cancel(made.processor_id, reference="cancel")).status == "CANCELED"


async def test_that_a_decline_is_told_and_leaves_the_payment_open(local: Local) -> None:
    made = await local.created(5000, "4000000000000341")
    with pytest.raises(Declined) as declined:
        await local.confirmed(made)
    assert (declined.value.code, declined.value.message) == ("card_declined", "Your card was declined.")
    left = await local.processor.intent(made.processor_id)
    assert (left.status, left.failure_code) == ("REQUIRES_PAYMENT_METHOD", "card_declined")


@pytest.mark.parametrize(("approved", "status"), [("true", "REQUIRES_CAPTURE"), ("false", "REQUIRES_PAYMENT_METHOD")])
async def test_that_the_bank_asks_the_driver(local: Local, approved: str, status: str) -> None:
    made = await local.created(5000, "4000002500003155")
    waiting = await local.confirmed(made)
    assert waiting.status == "REQUIRES_ACTION"
    answer = {"client_secret": waiting.client_secret, "success": approved, "key": "pk_test_sandbox"}
    async with httpx.AsyncClient(base_url=local.url) as app:
        (await app.post(f"/v1/payment_intents/{made.processor_id}/_authenticate", data=answer)).raise_for_status()
    assert (await local.processor.intent(made.processor_id)).status == status


async def test_that_a_card_is_forgotten(local: Local) -> None:
    customer, card = await local.payer()
    for _ in range(2):
        await local.processor.remove_card(card)
    listed = await client().v1.payment_methods.list_async({"customer": customer, "type": "card"})
    assert listed.data == []


async def test_that_its_signed_webhooks_are_kept_and_others_are_not(local: Local, database: str) -> None:
    timetable.set_up()
    async with (
        listening(Starlette(routes=[Mount("/stripe", routes=webhooks.routes())])) as ours,
        httpx.AsyncClient(base_url=local.url) as http,
    ):
        address = {"url": f"{ours}/stripe/webhooks", "events": ["payment_intent.succeeded"]}
        hook = address | {"secret": settings().stripe_webhook_secret}
        (await http.post("/_config/webhooks/ours", json=hook)).raise_for_status()
        forged = hook | {"secret": "whsec_another"}
        (await http.post("/_config/webhooks/forged", json=forged)).raise_for_status()
        made = await local.created(5000)
        await local.confirmed(made)
        await local.processor.capture(made.processor_id, amount_minor=3000, reference="capture")
        kept = await _kept(made.processor_id)
    assert [event.kind for event in kept] == ["payment_intent.succeeded"]


async def _kept(intent: str) -> list[ProcessorEvent]:
    """The events about `intent` in the inbox once there is one, and a moment later; earlier payments' may come, too."""
    deadline = time.monotonic() + TOLD_S
    found = []
    while not found and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        found = await _about(intent)
    await asyncio.sleep(0.5)
    return await _about(intent)


async def _about(intent: str) -> list[ProcessorEvent]:
    async with transaction() as db:
        events = list((await db.execute(select(ProcessorEvent))).scalars())
    return [event for event in events if f'"{intent}"' in event.body]
