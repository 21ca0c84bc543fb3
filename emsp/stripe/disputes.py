"""Disputes: what the card's owner says at the bank, and what we answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import stripe

from emsp.payments.ports import DisputeFacts
from emsp.stripe.balance import movement_in
from emsp.stripe.client import all_of, asked, at_or_after, client, id_of, key, moment


class Disputes:
    """The part of `payments.ports.Processor` that is about disputes."""

    async def dispute(self, processor_id: str) -> DisputeFacts:
        return _facts(await asked(client().v1.disputes.retrieve_async(processor_id)))

    async def hand_in_evidence(
        self, processor_id: str, *, texts: dict[str, str], submit: bool, reference: str
    ) -> DisputeFacts:
        params: Any = {"evidence": texts, "submit": submit}
        call = client().v1.disputes.update_async(processor_id, params, key(f"evidence-{reference}"))
        return _facts(await asked(call))

    async def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        async for opened in all_of(client().v1.disputes.list_async, created=at_or_after(since)):
            yield _facts(opened)


def _facts(dispute: stripe.Dispute) -> DisputeFacts:
    details = dispute.evidence_details
    movements = tuple(movement_in(transaction) for transaction in dispute.balance_transactions)
    return DisputeFacts(
        processor_id=dispute.id,
        payment_id=id_of(dispute.payment_intent),
        state=dispute.status.upper(),
        reason=dispute.reason.upper(),
        currency=dispute.currency.upper(),
        amount_minor=dispute.amount,
        fee_minor=sum(movement.fee_minor for movement in movements),
        evidence_due_at=moment(details.due_by),
        has_evidence=details.has_evidence,
        submitted=details.submission_count > 0,
        movements=movements,
        created_at=moment(dispute.created),
    )
