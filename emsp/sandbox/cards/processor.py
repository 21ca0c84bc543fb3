"""One processor: its memory, the faults it was asked for, and the gate that every request passes.

A request is authenticated, matched with its idempotency key, executed in one transaction together with
its events and its stored answer, and only then answered.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from emsp.sandbox.cards import idempotency, intents
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import CardsError, NotAuthenticated, NotPermitted, ServerFailed
from emsp.sandbox.cards.expand import expanded
from emsp.sandbox.cards.faults import Fault, Faults
from emsp.sandbox.cards.idempotency import Answer, KeysInFlight
from emsp.sandbox.cards.options import CardsOptions
from emsp.sandbox.cards.state import Object, State, public
from emsp.sandbox.cards.webhooks import Deliverer

Handler = Callable[[Call], Object]
log = logging.getLogger(__name__)


def refusal(error: CardsError) -> Answer:
    """The answer that an error stands for."""
    return Answer(error.status, orjson.dumps(error.body()))


@dataclass
class Processor:
    """Everything that lives as long as the process."""

    options: CardsOptions
    state: State
    faults: Faults = field(default_factory=Faults)
    keys: KeysInFlight = field(default_factory=KeysInFlight)

    def __post_init__(self) -> None:
        self.deliverer = Deliverer(self.state, self.options)

    async def answer(
        self, handler: Handler, call: Call, method: str, until_gone: Callable[[], Awaitable[None]]
    ) -> Answer:
        """Play a fault if one waits for this request, and otherwise the request itself."""
        fault = self.faults.take(method, call.path)
        try:
            with self.keys.hold(call.idempotency_key):
                if fault is not None:
                    await fault.before_execution()
                answer = self.execute(handler, call, fault)
        except CardsError as error:
            return refusal(error)
        if fault is not None:
            await fault.before_answer(until_gone)
        return answer

    def execute(self, handler: Handler, call: Call, fault: Fault | None = None) -> Answer:
        """The stored answer of the key, or the handler's, kept under the key in the same transaction."""
        key, now = call.idempotency_key, self.options.clock()
        fingerprint = idempotency.fingerprint(call.path, call.params.fields)
        with self.state.transaction():
            stored = idempotency.look_up(self.state, key, fingerprint, now) if key else None
            if stored is not None:
                return stored
            answer, is_replayable = self._run(handler, call)
            if fault is not None and fault.kind == "500_after_execution":
                answer = refusal(ServerFailed("The sandbox was asked to fail after executing this request."))
            if key and is_replayable:
                idempotency.store(self.state, key, fingerprint, answer, call.request_id or "", now)
        self.deliverer.wake()
        return answer

    def _run(self, handler: Handler, call: Call) -> tuple[Answer, bool]:
        self.state.mark()
        try:
            body = public(handler(call))
            body = intents.publishable(body) if call.is_publishable else body
            return Answer(200, orjson.dumps(expanded(self.state, body, call.params.texts("expand")))), True
        except CardsError as error:
            if not error.keeps_changes:
                self.state.back_to_mark()
            return refusal(error), error.is_replayable
        except Exception:
            log.exception("%s failed", call.path)
            self.state.back_to_mark()
            return refusal(ServerFailed("The sandbox has a defect: its log has the details.")), True

    def is_publishable(self, api_key: str | None, allowed: bool) -> bool:
        """Whether the caller is an app; 401 without a valid key, 403 where only a server may call."""
        if api_key is None:
            raise NotAuthenticated(
                "You did not provide an API key. Send it as `Authorization: Bearer <key>` or as the user of "
                "HTTP Basic authentication."
            )
        if api_key == self.options.secret_key:
            return False
        if api_key != self.options.publishable_key:
            raise NotAuthenticated(f"Invalid API Key provided: {api_key[:8]}****")
        if not allowed:
            raise NotPermitted("This API call needs a secret key; a publishable key was sent.")
        return True
