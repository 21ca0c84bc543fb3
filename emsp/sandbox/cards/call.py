"""One request as the handlers see it: its parameters, the object it names, and where to leave what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emsp.sandbox.cards import webhooks
from emsp.sandbox.cards.errors import NotFound
from emsp.sandbox.cards.forms import Params
from emsp.sandbox.cards.options import CardsOptions
from emsp.sandbox.cards.state import Object, State, new_id, public

API_VERSION = "2026-10-28.endive"


@dataclass
class Call:
    """A request that passed the gate; `target` is the id in its path."""

    state: State
    options: CardsOptions
    params: Params
    path: str
    target: str = ""
    base_url: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None
    is_publishable: bool = False

    @property
    def now(self) -> int:
        """Seconds since 1970, as every `created` is written."""
        return int(self.options.clock())

    def new(self, kind: str, prefix: str, **fields: Any) -> Object:
        """A new object with the fields that all of them share."""
        shared = {"id": new_id(prefix), "object": kind, "created": self.now, "livemode": False}
        return {**shared, **fields}

    def find(self, kind: str, object_id: str, param: str = "id") -> Object:
        """The object of a kind, or 404 `resource_missing`."""
        thing = self.state.get(object_id)
        if thing is None or thing["object"] != kind:
            raise NotFound(kind, object_id, param)
        return thing

    def save(self, thing: Object, *happened: str) -> Object:
        """Keep an object and record an event of each named type about it."""
        self.state.save(thing)
        for event_type in happened:
            self._record(event_type, thing)
        return thing

    def _record(self, event_type: str, thing: Object) -> None:
        event = self.new(
            "event",
            "evt",
            api_version=API_VERSION,
            type=event_type,
            data={"object": public(thing)},
            pending_webhooks=0 if self.options.webhook_url is None else 1,
            request={"id": self.request_id, "idempotency_key": self.idempotency_key},
        )
        self.state.save(event)
        if self.options.webhook_url is not None:
            webhooks.enqueue(self.state, event["id"])
