"""A payment is disputed at the bank: it is booked, answered by support, and won or lost."""

import asyncio
import json
import time
from typing import Any

import httpx
import psycopg

from emsp.demo.app_client import AppClient
from tests.stories.world import World, minor

TIMEOUT_S = 30
ACCOUNTS = ("disputed", "receivable_written_off")


async def charged(world: World) -> tuple[AppClient, dict[str, Any], dict[str, Any]]:
    """A driver, their settled session, and its payment in the card processor's books."""
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=3000)
    cents = minor(settled["receipt"]["total"])
    [paid] = [one for one in world.payments()[-1:] if one["captured_minor"] == cents]
    return app, settled, paid


def balances(url: str, currency: str) -> dict[str, int]:
    """What stands on the accounts that disputes move, in minor units."""
    query = "SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account = %s AND currency = %s"
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as books:
        found = {name: books.execute(query, (name, currency)).fetchone() for name in ACCOUNTS}
    return {name: int(row[0]) if row else 0 for name, row in found.items()}


def moved(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in ACCOUNTS}


async def kept(world: World, processor_id: str, *states: str) -> dict[str, Any]:
    """The dispute as support sees it, as soon as it is in one of `states`."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        rows: list[dict[str, Any]] = json.loads(world.processes.run("disputes", "list", "--json"))
        for row in rows:
            if row["at the processor"] == processor_id and row["state"] in states:
                return row
        assert time.monotonic() < deadline, rows
        await asyncio.sleep(0.3)


def lever(world: World, path: str, **order: Any) -> dict[str, Any]:
    """Let banks do something at the card processor."""
    done: dict[str, Any] = httpx.post(f"{world.cards}/sandbox/{path}", json=order).raise_for_status().json()
    return done


def opened(world: World, paid: dict[str, Any], reason: str) -> str:
    return str(lever(world, "disputes/open", payment_intent=paid["id"], reason=reason)["id"])


async def test_that_a_dispute_is_booked_answered_and_won(world: World, world_database: str) -> None:
    app, settled, paid = await charged(world)
    currency, cents = paid["currency"].upper(), paid["captured_minor"]
    before = balances(world_database, currency)
    dispute = opened(world, paid, "fraudulent")
    row = await kept(world, dispute, "NEEDS_RESPONSE")
    assert (row["reason"], row["payment"], row["answered"]) == ("FRAUDULENT", paid["id"], None)
    assert moved(before, balances(world_database, currency)) == {"disputed": cents, "receivable_written_off": 0}

    [shown] = json.loads(world.processes.run("disputes", "show", dispute, "--json"))
    assert settled["receipt"]["number"] in shown["evidence"]["uncategorized_text"]
    assert "PAYMENT  Paid: " in shown["evidence"]["access_activity_log"]
    world.processes.run("disputes", "answer", dispute, "--json")
    [answered] = json.loads(world.processes.run("disputes", "answer", dispute, "--submit", "--json"))
    assert answered["state"] == "UNDER_REVIEW"
    assert answered["answered"] is not None

    lever(world, "disputes/close", dispute=dispute, won=True)
    await kept(world, dispute, "WON")
    assert moved(before, balances(world_database, currency)) == {"disputed": 0, "receivable_written_off": 0}
    session = await world.session(app, settled["id"])
    assert session["state"] == "SETTLED"
    told = [line["text"] for line in session["timeline"] if "bank" in line["text"]]
    assert told == [
        "Your bank asks us about this payment; we tell it about this charge. There is nothing to do.",
        "Your bank has decided: the payment stands.",
    ]


async def test_that_a_lost_dispute_is_our_loss_and_blocks_nobody(world: World, world_database: str) -> None:
    app, settled, paid = await charged(world)
    currency, cents = paid["currency"].upper(), paid["captured_minor"]
    before = balances(world_database, currency)
    dispute = opened(world, paid, "product_not_received")
    lever(world, "disputes/close", dispute=dispute, won=False)
    await kept(world, dispute, "LOST")
    assert moved(before, balances(world_database, currency)) == {"disputed": 0, "receivable_written_off": cents}
    session = await world.session(app, settled["id"])
    assert (session["state"], session["receipt"]["paid"]) == ("SETTLED", settled["receipt"]["paid"])
    connector, quote = await world.priced_connector(app)
    again = await world.start(app, quote, connectorId=connector["id"])
    await world.finish(app, again["id"])
