"""Money given back: Refunds, each found by its reference before another one is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import stripe

from emsp.payments.ports import Repayment
from emsp.stripe.client import all_of, asked, at_or_after, client, id_of, key, moment, reference_of


class Refunds:
    """The part of `payments.ports.Processor` that is about money on its way back."""

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment:
        """Keys are kept for a day: a refund that was made before that is found by its reference."""
        async for made in all_of(client().v1.refunds.list_async, payment_intent=payment_id):
            if reference_of(made) == reference:
                return _repayment(made)
        params: Any = {"payment_intent": payment_id, "amount": amount_minor, "metadata": {"reference": reference}}
        return _repayment(await asked(client().v1.refunds.create_async(params, key(reference))))

    async def repayment(self, processor_id: str) -> Repayment:
        return _repayment(await asked(client().v1.refunds.retrieve_async(processor_id)))

    async def repayments_since(self, since: datetime) -> AsyncIterator[Repayment]:
        async for made in all_of(client().v1.refunds.list_async, created=at_or_after(since)):
            yield _repayment(made)


def _repayment(refund: stripe.Refund) -> Repayment:
    return Repayment(
        processor_id=refund.id,
        status=(refund.status or "pending").upper(),
        amount_minor=refund.amount,
        failure=getattr(refund, "failure_reason", None),
        payment_id=id_of(refund.payment_intent),
        currency=refund.currency.upper(),
        reference=reference_of(refund),
        created_at=moment(refund.created),
    )
