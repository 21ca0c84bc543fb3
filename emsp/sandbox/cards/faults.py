"""Failures on demand: what a payment processor does on its bad days, at a path, a number of times."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from emsp.sandbox.cards.errors import BadParameter, CardDeclined, ServerFailed, TooManyRequests

KINDS = {
    "500": "fails before anything is executed; nothing is kept under the idempotency key",
    "429": "refuses as if the rate limit were reached; nothing is executed",
    "card_declined": "declines without executing, e.g. an increment of a hold",
    "slow": "waits `seconds`, then answers as usual; the idempotency key is in flight meanwhile",
    "500_after_execution": "executes, answers 500, and keeps that 500 under the idempotency key",
    "timeout_after_execution": "executes and keeps the true answer under the key, but stays silent for `seconds`",
}


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """A failure waiting for its request; `path` may hold `*` for any part."""

    path: str
    kind: str
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    method: str = "POST"
    seconds: float = 90.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadParameter(f"Unknown fault '{self.kind}': one of {', '.join(KINDS)}", param="kind")

    async def before_execution(self) -> None:
        """Raise or wait, as the kind asks, before the request is executed."""
        if self.kind == "500":
            raise ServerFailed("The sandbox was asked to fail before executing this request.")
        if self.kind == "429":
            raise TooManyRequests("The sandbox was asked to refuse this request as one too many.")
        if self.kind == "card_declined":
            raise CardDeclined("Your card was declined.", decline_code="generic_decline")
        if self.kind == "slow":
            await asyncio.sleep(self.seconds)

    async def before_answer(self, until_gone: Callable[[], Awaitable[None]]) -> None:
        """Keep the caller waiting for `seconds`, or until it goes away."""
        if self.kind == "timeout_after_execution":
            with suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await until_gone()


class Faults:
    """The failures that were asked for, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, used up once."""
        for fault in self.waiting:
            if fault.method == method and fnmatchcase(path, fault.path):
                fault.times -= 1
                self.waiting = [kept for kept in self.waiting if kept.times > 0]
                return fault
        return None
