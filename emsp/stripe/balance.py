"""Movements of our balance at Stripe: balance transactions, by their reporting category."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from emsp.payments.ports import Movement
from emsp.stripe.client import all_of, at_or_after, client, id_of, reference_of


class Balance:
    """The part of `payments.ports.Processor` that is about our balance."""

    async def movements_since(self, since: datetime) -> AsyncIterator[Movement]:
        listing = client().v1.balance_transactions.list_async
        async for made in all_of(listing, created=at_or_after(since), expand=["data.source"]):
            yield movement_in(made)


def movement_in(transaction: Any) -> Movement:
    """A balance transaction in our words; what it is about only where it came along."""
    about = transaction.source
    return Movement(
        id=transaction.id,
        kind=transaction.reporting_category.upper(),
        source=id_of(about),
        currency=transaction.currency.upper(),
        amount_minor=transaction.amount,
        fee_minor=transaction.fee,
        net_minor=transaction.net,
        created_at=datetime.fromtimestamp(transaction.created, UTC),
        reference=reference_of(about),
        payment_id=id_of(getattr(about, "payment_intent", None)),
    )
