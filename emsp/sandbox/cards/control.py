"""The sandbox's own routes, beside Stripe's: look into the books, be the card's owner, ask for trouble.

They need no key: the processor listens on loopback and holds no money.
"""

from __future__ import annotations

from functools import partial
from html import escape

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from emsp.sandbox.cards import levers, payment_intents, payments, setup_intents, webhooks
from emsp.sandbox.cards.books import books
from emsp.sandbox.cards.controls import body_as, call_of, control
from emsp.sandbox.cards.errors import CardsError, NotFound
from emsp.sandbox.cards.faults import Fault
from emsp.sandbox.cards.intents import must_be
from emsp.sandbox.cards.processor import Processor
from emsp.sandbox.cards.state import Object

PAGE = """<!doctype html><meta charset="utf-8"><title>Your bank asks</title>
<body style="font-family: sans-serif; max-width: 30em; margin: 4em auto">
<h1>Your bank asks</h1><p>Do you approve <code>{intent}</code>{about}?</p>
<form method="post"><button name="succeed" value="true">Approve</button>
<button name="succeed" value="false">Refuse</button></form>"""


class Authenticate(msgspec.Struct, forbid_unknown_fields=True):
    """What the card's owner answers the bank."""

    intent: str
    succeed: bool = True


class Lapse(msgspec.Struct, forbid_unknown_fields=True):
    """The hold that runs out."""

    payment_intent: str


class Resend(msgspec.Struct, forbid_unknown_fields=True):
    """The event that is delivered again."""

    event: str
    times: int = 1


def routes(processor: Processor) -> list[BaseRoute]:
    """Everything under `/sandbox`."""
    page, decide = partial(_authentication_page, processor), partial(_decide, processor)
    return [
        control(processor, "GET", "/sandbox/books", _books),
        control(processor, "POST", "/sandbox/authenticate", _authenticate),
        Route("/sandbox/authenticate/{id}", page, methods=["GET"]),
        Route("/sandbox/authenticate/{id}", decide, methods=["POST"]),
        control(processor, "GET", "/sandbox/faults", _waiting_faults),
        control(processor, "POST", "/sandbox/faults", _ask_for_fault),
        control(processor, "DELETE", "/sandbox/faults", _forget_faults),
        control(processor, "POST", "/sandbox/holds/lapse", _lapse),
        control(processor, "POST", "/sandbox/webhooks/resend", _resend),
        *levers.routes(processor),
    ]


async def _books(processor: Processor, request: Request) -> Object:
    return books(processor.state)


async def _authenticate(processor: Processor, request: Request) -> Object:
    wanted: Authenticate = await body_as(request, Authenticate)
    return _answer_the_bank(processor, request, wanted.intent, wanted.succeed)


def _answer_the_bank(processor: Processor, request: Request, intent_id: str, succeed: bool) -> Object:
    call = call_of(processor, request)
    with processor.state.transaction():
        intent = _intent(processor, intent_id)
        must_be(intent, ("requires_action",), "authenticated")
        answer = payments.authenticated if intent["object"] == "payment_intent" else setup_intents.authenticated
        decided = answer(call, intent, succeed)
    processor.deliverer.wake()
    return {"id": decided["id"], "object": decided["object"], "status": decided["status"]}


def _intent(processor: Processor, intent_id: str) -> Object:
    intent = processor.state.get(intent_id)
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
        raise NotFound("intent", intent_id, "intent")
    return intent


async def _authentication_page(processor: Processor, request: Request) -> Response:
    intent = processor.state.get(request.path_params["id"])
    if intent is None or "next_action" not in intent:
        return HTMLResponse("<h1>No such intent</h1>", 404)
    about = f" over {intent['amount']} minor units of {intent['currency'].upper()}" if "amount" in intent else ""
    return HTMLResponse(PAGE.format(intent=escape(intent["id"]), about=escape(about)))


async def _decide(processor: Processor, request: Request) -> Response:
    succeed = b"succeed=true" in await request.body()
    try:
        intent = _intent(processor, request.path_params["id"])
        action = intent["next_action"] or {}
        decided = _answer_the_bank(processor, request, intent["id"], succeed)
    except CardsError as error:
        return HTMLResponse(f"<p>{escape(str(error))}</p>", error.status)
    return_url = action.get("redirect_to_url", {}).get("return_url")
    if return_url is None:
        return HTMLResponse(f"<p>{escape(decided['id'])} is now {escape(decided['status'])}.</p>")
    status = "failed" if decided["status"] == "requires_payment_method" else "succeeded"
    query = f"{intent['object']}={intent['id']}&redirect_status={status}"
    return RedirectResponse(f"{return_url}{'&' if '?' in return_url else '?'}{query}", 303)


async def _waiting_faults(processor: Processor, request: Request) -> Object:
    return {"waiting": [msgspec.structs.asdict(fault) for fault in processor.faults.waiting]}


async def _ask_for_fault(processor: Processor, request: Request) -> Object:
    processor.faults.waiting.append(await body_as(request, Fault))
    return await _waiting_faults(processor, request)


async def _forget_faults(processor: Processor, request: Request) -> Object:
    processor.faults.waiting.clear()
    return await _waiting_faults(processor, request)


async def _lapse(processor: Processor, request: Request) -> Object:
    wanted: Lapse = await body_as(request, Lapse)
    call = call_of(processor, request)
    with processor.state.transaction():
        intent = call.find("payment_intent", wanted.payment_intent, "payment_intent")
        must_be(intent, ("requires_capture",), "lapsed")
        ended = payment_intents.canceled(call, intent, "automatic", "charge.expired")
    processor.deliverer.wake()
    return {"id": ended["id"], "object": ended["object"], "status": ended["status"]}


async def _resend(processor: Processor, request: Request) -> Object:
    wanted: Resend = await body_as(request, Resend)
    call_of(processor, request).find("event", wanted.event, "event")
    webhooks.enqueue(processor.state, wanted.event, wanted.times)
    processor.deliverer.wake()
    return {"event": wanted.event, "enqueued": wanted.times}
