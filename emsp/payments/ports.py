"""What payments needs from outside: a card processor. Amounts are in minor units of their currency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

import msgspec


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card saved at the processor. `expires` is MM/YYYY."""

    processor_id: str
    brand_name: str | None
    last4: str | None
    expires: str | None


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account that may be debited. `mandate_reference` is what the payer's bank shows of the mandate."""

    processor_id: str
    last4: str | None
    holder: str | None
    mandate_reference: str | None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to save a card or a bank account. `card` or `bank` is set once it succeeded."""

    processor_id: str
    client_secret: str
    status: str  # REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION, PROCESSING, SUCCEEDED, CANCELED
    card: Card | None = None
    bank: Bank | None = None
    message: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment at the processor.

    Statuses: REQUIRES_CONFIRMATION, REQUIRES_ACTION, REQUIRES_CAPTURE, PROCESSING (a debit, for days), SUCCEEDED,
    CANCELED, and REQUIRES_PAYMENT_METHOD, which a declined payment goes back to: `failure` then tells why.
    """

    processor_id: str
    status: str
    amount_minor: int
    captured_minor: int
    currency: str
    client_secret: str | None = None
    releases_at: datetime | None = None
    payment_method: str | None = None
    failure: str | None = None
    failure_code: str | None = None  # the bank's reason where there is one, such as insufficient_funds
    reference: str | None = None  # what the payment is for, in our words
    created_at: datetime | None = None


class Repayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back to a card. `failure` tells why it did not arrive."""

    processor_id: str
    status: str  # PENDING, REQUIRES_ACTION, SUCCEEDED, FAILED, CANCELED
    amount_minor: int
    failure: str | None = None
    payment_id: str | None = None
    currency: str | None = None
    reference: str | None = None
    created_at: datetime | None = None


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of our balance at the processor: `net_minor` is `amount_minor` less `fee_minor`.

    `kind` is the processor's category in upper case: CHARGE, REFUND, REFUND_FAILURE, DISPUTE, DISPUTE_REVERSAL, PAYOUT,
    PAYOUT_REVERSAL, FEE … `source` is the processor's id of what it is about, `payment_id` that of the payment behind.
    """

    id: str
    kind: str
    source: str | None
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    created_at: datetime
    reference: str | None = None
    payment_id: str | None = None


class DisputeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that the card's owner disputes at the bank, as it stands.

    States: NEEDS_RESPONSE, UNDER_REVIEW, WON, LOST, PREVENTED; with WARNING_ before it while the bank only asks and no
    money has moved. `movements` are what it did to our balance so far; `fee_minor` is the sum of their fees.
    """

    processor_id: str
    payment_id: str | None
    state: str
    reason: str
    currency: str
    amount_minor: int
    fee_minor: int
    evidence_due_at: datetime | None
    has_evidence: bool
    submitted: bool = False
    movements: tuple[Movement, ...] = ()
    created_at: datetime | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that is wanted: from whom, by which card or bank account, how much, and what it is for.

    `first_asked_at` is when it was wished for first. The processor knows a repeated wish for a day; what was asked for
    before that, or at a time not told, is looked up by its reference before it is made.
    """

    customer: str
    card: str
    amount_minor: int
    currency: str
    reference: str
    first_asked_at: datetime | None = None


class Processor(Protocol):
    """A card processor. Every call that changes something carries an idempotency key made of `reference` and what is
    done, so that the same call again gives the same answer; another attempt needs another reference.

    Raises `errors.Declined`, `errors.AuthenticationRequired`, `errors.KeyReused` (the reference was used for something
    else) or `errors.ProcessorFailed` (worth another try).
    """

    async def create_customer(self, *, driver_id: str, email: str) -> str: ...

    async def create_setup(self, *, customer: str, reference: str, card_token: str | None) -> Setup: ...

    async def setup(self, processor_id: str) -> Setup: ...

    async def remove_card(self, processor_id: str) -> None:
        """Forget a card for good; nothing happens when it is not known any more."""
        ...

    async def create_hold(self, wish: Wish) -> Intent:
        """A payment that is to be captured by hand, not confirmed yet; it may be raised if the card allows it."""
        ...

    async def create_charge(self, wish: Wish) -> Intent:
        """A payment that is taken as soon as it is confirmed."""
        ...

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool, card: str | None = None) -> Intent:
        """Ask the bank; with `card` another saved card than the payment was made with.

        Without `off_session` the driver is there: a bank that asks leaves REQUIRES_ACTION and the client secret, by
        which the app goes on.
        """
        ...

    async def change_amount(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        """Ask for another amount from now on; only before the payment is under way."""
        ...

    async def increment(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        """Raise a hold to `amount_minor` in all. Raises Declined when the card cannot do that, or its bank says no."""
        ...

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent: ...

    async def cancel(self, processor_id: str, *, reference: str) -> Intent: ...

    async def intent(self, processor_id: str) -> Intent: ...

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment: ...

    async def repayment(self, processor_id: str) -> Repayment: ...

    async def create_bank_customer(self, *, payer: str, email: str, name: str) -> str:
        """Somebody who pays by SEPA Direct Debit; `payer` is an account of the ledger, such as fleet:ID."""
        ...

    async def create_bank_setup(self, *, customer: str, reference: str) -> Setup:
        """A mandate that is to be signed with the client secret."""
        ...

    async def create_debit(self, wish: Wish) -> Intent:
        """A SEPA Direct Debit under way: made and sent; PROCESSING for days, then SUCCEEDED or declined."""
        ...

    async def dispute(self, processor_id: str) -> DisputeFacts: ...

    async def hand_in_evidence(
        self, processor_id: str, *, texts: dict[str, str], submit: bool, reference: str
    ) -> DisputeFacts:
        """Answer a dispute with texts by the processor's names of evidence; with `submit` it goes to the bank."""
        ...

    def intents_since(self, since: datetime) -> AsyncIterator[Intent]:
        """Every payment that was made at `since` or later, the newest first; the other lists likewise."""
        ...

    def repayments_since(self, since: datetime) -> AsyncIterator[Repayment]: ...

    def movements_since(self, since: datetime) -> AsyncIterator[Movement]: ...

    def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]: ...


_processor: list[Processor] = []


def plug(processor: Processor) -> None:
    """Set the processor that this process uses."""
    _processor[:] = [processor]


def processor() -> Processor:
    """The processor that this process uses."""
    return _processor[0]
