"""Stripe's webhooks: verified, kept as received, answered; what they mean is worked out by a job."""

from __future__ import annotations

from typing import Annotated

import msgspec
import stripe
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emsp import logs
from emsp.db.engine import transaction
from emsp.payments import inbox
from emsp.settings import settings

MAX_BODY_BYTES = 1_000_000
log = logs.log(__name__)


Name = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]


class _Envelope(msgspec.Struct):
    id: Name
    type: Name


async def receive(request: Request) -> Response:
    """POST /stripe/webhooks: 200 once it is kept, 400 naming what is wrong with it."""
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        return _refused("body", "is too large")
    signature = request.headers.get("stripe-signature", "")
    if not signature.isascii():
        return _refused("Stripe-Signature", "does not match the body")
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, signature, settings().stripe_webhook_secret, tolerance=300)
        event = msgspec.json.decode(body, type=_Envelope)
    except stripe.SignatureVerificationError:
        return _refused("Stripe-Signature", "does not match the body")
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        return _refused("body", str(error))
    async with transaction() as db:
        new = await inbox.keep(db, event_id=event.id, kind=event.type, body=text)
    log.info("webhook", event_id=event.id, kind=event.type, new=new)
    return JSONResponse({"received": True})


def _refused(field: str, message: str) -> Response:
    log.warning("webhook refused", field=field, reason=message)
    return JSONResponse({"error": {"field": field, "message": message}}, status_code=400)


def routes() -> list[Route]:
    """What is mounted at /stripe."""
    return [Route("/webhooks", receive, methods=["POST"])]
