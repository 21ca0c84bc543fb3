"""What payments needs from outside: a card processor."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card saved at the processor. `expires` is MM/YYYY."""

    processor_id: str
    brand_name: str | None
    last4: str | None
    expires: str | None


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to save a card. `card` is set once it succeeded."""

    processor_id: str
    client_secret: str
    status: str  # REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION, PROCESSING, SUCCEEDED, CANCELED
    card: Card | None = None
    message: str | None = None


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment at the processor. Amounts in minor units of `currency`."""

    processor_id: str
    status: (
        str  # REQUIRES_CONFIRMATION, REQUIRES_ACTION, REQUIRES_CAPTURE, SUCCEEDED, CANCELED, REQUIRES_PAYMENT_METHOD
    )
    amount_minor: int
    captured_minor: int
    currency: str
    client_secret: str | None = None
    releases_at: datetime | None = None


class Repayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back to a card. `failure` tells why it did not arrive."""

    processor_id: str
    status: str  # PENDING, REQUIRES_ACTION, SUCCEEDED, FAILED, CANCELED
    amount_minor: int
    failure: str | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that is wanted: from whom, by which card, how much, and what it is for."""

    customer: str
    card: str
    amount_minor: int
    currency: str
    reference: str


class Processor(Protocol):
    """A card processor. Every call carries an idempotency key made of `reference` and what is done.

    Raises `errors.Declined`, `errors.AuthenticationRequired` or `errors.ProcessorFailed` (worth another try).
    """

    async def create_customer(self, *, driver_id: str, email: str) -> str: ...

    async def create_setup(self, *, customer: str, reference: str, card_token: str | None) -> Setup: ...

    async def setup(self, processor_id: str) -> Setup: ...

    async def create_hold(self, wish: Wish) -> Intent: ...

    async def create_charge(self, wish: Wish) -> Intent: ...

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool) -> Intent: ...

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent: ...

    async def cancel(self, processor_id: str, *, reference: str) -> Intent: ...

    async def intent(self, processor_id: str) -> Intent: ...

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment: ...

    async def repayment(self, processor_id: str) -> Repayment: ...


_processor: list[Processor] = []


def plug(processor: Processor) -> None:
    """Set the processor that this process uses."""
    _processor[:] = [processor]


def processor() -> Processor:
    """The processor that this process uses."""
    return _processor[0]
