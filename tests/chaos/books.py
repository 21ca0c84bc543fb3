"""Three sets of books of one run, read and nothing else: our ledger, the card processor's, the operator's.

With them comes what the drivers were told, as their phones show it at the end: whose charge is whose, and which ones
they were told to have failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import psycopg

Json = dict[str, Any]
LEDGER = """
    SELECT t.id, t.event, t.reference, e.account, e.currency, e.amount_minor
      FROM ledger_transaction t LEFT JOIN ledger_entry e ON e.transaction_id = t.id ORDER BY t.id, e.id"""
SECRET_KEY = "sk_test_sandbox"


class Entry(NamedTuple):
    """A line of the ledger; a transaction over nothing is one line without an account."""

    transaction: int
    event: str
    reference: str
    account: str | None
    currency: str | None
    amount_minor: int


class Told(NamedTuple):
    """A charge as its driver knows it. `payer` is the account in the ledger of whoever pays for it."""

    session: str
    payer: str
    driver: str
    state: str
    number: int


@dataclass(frozen=True)
class Books:
    """Everything that the checker looks at. `customers` says whose customer of the card processor is whose."""

    ledger: Sequence[Entry]
    intents: Sequence[Json]
    customers: dict[str, str]
    webhooks: dict[str, int]
    sessions: Sequence[Json]
    records: Sequence[Json]
    told: Sequence[Told]


def read_books(database_url: str, cards_url: str, operator_url: str, told: Sequence[Told]) -> Books:
    """The books as they stand."""
    cards = _get(f"{cards_url}/sandbox/books")
    operator = _get(f"{operator_url}/sandbox/books")
    return Books(
        ledger=_ledger(database_url),
        intents=cards["payment_intents"],
        customers=_customers(cards_url),
        webhooks=cards["webhooks"],
        sessions=operator["sessions"],
        records=operator["cdrs"],
        told=told,
    )


def _ledger(database_url: str) -> list[Entry]:
    with psycopg.connect(database_url) as connection:
        return [Entry(*row[:5], int(row[5] or 0)) for row in connection.execute(LEDGER)]


def _customers(url: str) -> dict[str, str]:
    """The drivers by the processor's ids of them."""
    found: dict[str, str] = {}
    after: dict[str, str] = {}
    while True:
        page = _get(f"{url}/v1/customers", auth=(SECRET_KEY, ""), params={"limit": "100", **after})
        found |= {customer["id"]: customer["metadata"].get("driver_id", "") for customer in page["data"]}
        if not page["has_more"]:
            return found
        after = {"starting_after": page["data"][-1]["id"]}


def _get(url: str, **how: Any) -> Json:
    answer: Json = httpx.get(url, timeout=60, trust_env=False, **how).raise_for_status().json()
    return answer
