"""Events on their way to the receiver: signed, and sent again with growing pauses until it answers 2xx.

The signature scheme is the one of Stripe's webhook documentation: `t=<seconds>,v1=<HMAC-SHA256 of
"<seconds>.<body>">`. Deliveries are kept with the objects, so a restart goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import orjson

from emsp.sandbox.cards.options import CardsOptions
from emsp.sandbox.cards.state import State, public

TIMEOUT_S = 10.0
RETRY_PAUSE_MAX_S = 60.0
AT_ONCE = 16

log = logging.getLogger(__name__)


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header for a body sent at `timestamp` (seconds)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def enqueue(state: State, event_id: str, times: int = 1) -> None:
    """Let the event be delivered `times` more, at once."""
    rows = [(event_id, time.time())] * times
    state.db.executemany("INSERT INTO deliveries (event, due) VALUES (?, ?)", rows)


def counts(state: State) -> dict[str, int]:
    """How many deliveries are pending, delivered and given up."""
    rows = state.db.execute("SELECT state, count(*) FROM deliveries GROUP BY state")
    return {"pending": 0, "delivered": 0, "given_up": 0, **dict(tuple(row) for row in rows)}


def _report_failure(deliveries: asyncio.Task[None]) -> None:
    if not deliveries.cancelled():
        log.error("Webhooks are no longer delivered", exc_info=deliveries.exception())


class Deliverer:
    """Sends due deliveries in the background; order between events is not promised, as at Stripe."""

    def __init__(self, state: State, options: CardsOptions) -> None:
        self._state = state
        self._options = options
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something new to send."""
        self._news.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver in the background for as long as the context lasts; nothing to do without a receiver."""
        if self._options.webhook_url is None:
            yield
            return
        deliveries = asyncio.create_task(self._run())
        deliveries.add_done_callback(_report_failure)
        yield
        deliveries.cancel()
        await asyncio.wait({deliveries})

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            while True:
                self._news.clear()
                due = self._due()
                if due:
                    await asyncio.gather(*(self._deliver(client, row) for row in due))
                else:
                    await self._wait()

    def _due(self) -> list[sqlite3.Row]:
        query = "SELECT * FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY seq LIMIT ?"
        return self._state.db.execute(query, (time.time(), AT_ONCE)).fetchall()

    async def _wait(self) -> None:
        row = self._state.db.execute("SELECT min(due) FROM deliveries WHERE state = 'pending'").fetchone()
        pause_s = None if row[0] is None else max(0.0, row[0] - time.time())
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._news.wait()

    async def _deliver(self, client: httpx.AsyncClient, row: sqlite3.Row) -> None:
        answer, delivered = await self._post(client, row["event"])
        attempts = row["attempts"] + 1
        if delivered:
            outcome = "delivered"
        else:
            outcome = "given_up" if attempts >= self._options.webhook_attempts_max else "pending"
        self._state.db.execute(
            "UPDATE deliveries SET attempts = ?, due = ?, state = ?, last_answer = ? WHERE seq = ?",
            (attempts, time.time() + self._pause_s(attempts), outcome, answer, row["seq"]),
        )

    async def _post(self, client: httpx.AsyncClient, event_id: str) -> tuple[str, bool]:
        event = self._state.get(event_id)
        url = self._options.webhook_url
        if event is None or url is None:
            return "nobody to deliver to", False
        payload = orjson.dumps(public(event))
        signature = sign(payload, self._options.webhook_secret, int(time.time()))
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            response = await client.post(url, content=payload, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return repr(error), False
        return str(response.status_code), response.is_success

    def _pause_s(self, attempts: int) -> float:
        return min(RETRY_PAUSE_MAX_S, self._options.webhook_first_retry_s * 2.0 ** (attempts - 1))
