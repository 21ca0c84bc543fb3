"""Levers: what banks and payers do, days later and of their own accord, done now.

    POST /sandbox/debits/settle     {"payment_intent": "pi_…", "succeed": true, "failure_code": "insufficient_funds"}
    POST /sandbox/disputes/open     {"payment_intent": "pi_…", "reason": "fraudulent", "amount": 500, "inquiry": false}
    POST /sandbox/disputes/close    {"dispute": "du_…", "won": true}
    POST /sandbox/refunds/fail      {"refund": "re_…", "reason": "lost_or_stolen_card"}
    POST /sandbox/payouts           {"currency": "eur", "amount": 1000}
    POST /sandbox/payouts/fail      {"payout": "po_…"}
    POST /sandbox/mandates/revoke   {"mandate": "mandate_…"}

Only the ids are needed. A debit then does what its account is known for, a dispute is about all that is left of the
payment, and a payout takes all there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import BaseRoute

from emsp.sandbox.cards import debits, disputes, mandates, payouts, refunds
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.controls import body_as, call_of, control
from emsp.sandbox.cards.errors import Refused
from emsp.sandbox.cards.processor import Processor
from emsp.sandbox.cards.state import Object, public


class Settle(msgspec.Struct, forbid_unknown_fields=True):
    """A debit is answered by the payer's bank."""

    payment_intent: str
    succeed: bool | None = None
    failure_code: str | None = None

    def pull(self, call: Call) -> Object:
        intent = call.find("payment_intent", self.payment_intent, "payment_intent")
        succeed = False if self.failure_code else self.succeed
        return debits.settle(call, intent, succeed, self.failure_code)


class Open(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody disputes a payment."""

    payment_intent: str
    reason: str = "fraudulent"
    amount: int | None = None
    inquiry: bool = False

    def pull(self, call: Call) -> Object:
        intent = call.find("payment_intent", self.payment_intent, "payment_intent")
        if intent["latest_charge"] is None:
            raise Refused("Nothing was taken that could be disputed.", param="payment_intent")
        charge = call.find("charge", intent["latest_charge"])
        return disputes.open_(call, charge, reason=self.reason, amount=self.amount, inquiry=self.inquiry)


class Close(msgspec.Struct, forbid_unknown_fields=True):
    """The bank decides a dispute."""

    dispute: str
    won: bool = True

    def pull(self, call: Call) -> Object:
        return disputes.decide(call, call.find("dispute", self.dispute, "dispute"), won=self.won)


class FailRefund(msgspec.Struct, forbid_unknown_fields=True):
    """A refund comes back."""

    refund: str
    reason: str = "lost_or_stolen_card"

    def pull(self, call: Call) -> Object:
        return refunds.fail(call, self.refund, self.reason)


class Pay(msgspec.Struct, forbid_unknown_fields=True):
    """The balance is paid out."""

    currency: str = "eur"
    amount: int | None = None

    def pull(self, call: Call) -> Object:
        return payouts.pay(call, self.currency.lower(), self.amount)


class FailPayout(msgspec.Struct, forbid_unknown_fields=True):
    """A payout comes back."""

    payout: str

    def pull(self, call: Call) -> Object:
        return payouts.fail(call, self.payout)


class Revoke(msgspec.Struct, forbid_unknown_fields=True):
    """A payer takes a mandate back."""

    mandate: str

    def pull(self, call: Call) -> Object:
        return mandates.revoke(call, self.mandate)


LEVERS: dict[str, type[Any]] = {
    "debits/settle": Settle,
    "disputes/open": Open,
    "disputes/close": Close,
    "refunds/fail": FailRefund,
    "payouts": Pay,
    "payouts/fail": FailPayout,
    "mandates/revoke": Revoke,
}


def routes(processor: Processor) -> list[BaseRoute]:
    """A route for each lever; each answers with the object as it stands then."""
    return [control(processor, "POST", f"/sandbox/{path}", _pulling(kind)) for path, kind in LEVERS.items()]


def _pulling(kind: type[Any]) -> Callable[..., Any]:
    async def act(processor: Processor, request: Request) -> Object:
        lever = await body_as(request, kind)
        call = call_of(processor, request)
        with processor.state.transaction():
            thing: Object = lever.pull(call)
        processor.deliverer.wake()
        return public(thing)

    return act
