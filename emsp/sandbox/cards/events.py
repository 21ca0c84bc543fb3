"""Events: what has happened, as it is also sent to the webhook."""

from __future__ import annotations

from emsp.sandbox.cards import lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.state import Object


def retrieve(call: Call) -> Object:
    """`GET /v1/events/{id}`."""
    return call.find("event", call.target)


def list_(call: Call) -> Object:
    """`GET /v1/events`, by `type` (the `types[]` list is not served)."""
    call.params.only("type", *lists.PAGING)
    return lists.page(call, "event", {"type": call.params.text("type")})
