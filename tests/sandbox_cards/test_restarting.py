"""A processor that is killed goes on where it was."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

PROGRAM = """
import asyncio, sys
from pathlib import Path
from emsp.sandbox.cards import CardsOptions, serve
state, webhook_url = sys.argv[1:]
asyncio.run(serve(CardsOptions(state=Path(state), webhook_url=webhook_url or None)))
"""
HOLD = {"amount": 5000, "currency": "eur", "payment_method": "pm_card_visa", "payment_method_types": ["card"]}
HOLD |= {"capture_method": "manual", "confirm": True}


@contextmanager
def processor(state: Path, stop: signal.Signals, webhook_url: str = "") -> Iterator[stripe.StripeClient]:
    command = [sys.executable, "-c", PROGRAM, str(state), webhook_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True
        yield stripe.StripeClient("sk_test_sandbox", base_addresses={"api": ready["api_base"]})
        process.send_signal(stop)


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_hold_and_its_key_outlive_the_process(tmp_path, stop):
    state = tmp_path / "cards" / "state.sqlite"
    with processor(state, stop) as client:
        held = client.v1.payment_intents.create(HOLD, {"idempotency_key": "hold-1"})
    with processor(state, signal.SIGTERM) as client:
        assert client.v1.payment_intents.create(HOLD, {"idempotency_key": "hold-1"}).id == held.id
        assert client.v1.payment_intents.capture(held.id).amount_received == 5000
        assert len(client.v1.payment_intents.list().data) == 1


async def test_undelivered_webhook_is_sent_after_the_restart(receiver, tmp_path):
    state = tmp_path / "state.sqlite"
    with processor(state, signal.SIGKILL, "http://127.0.0.1:9/nobody") as client:
        client.v1.customers.create({"name": "Ada"})
    with processor(state, signal.SIGTERM, receiver.url):
        await receiver.has(1)
    assert [event.data.object.name for event in receiver.events()] == ["Ada"]
