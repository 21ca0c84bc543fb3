"""Requests that were looked into, and go on as if they had not been."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Message, Receive


def again(messages: Sequence[Message], receive: Receive) -> Receive:
    """`receive` that begins with messages which were received already."""
    waiting = list(messages[::-1])

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received
