"""What every request goes through first: it has an id, given or made, in its answer and on each log line, as has what
it belongs to (itself, where nothing else is said); and none is larger than what the largest honest one needs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from uuid import uuid4

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emsp import logs

MAX_BODY_BYTES = 8_000_000
IDS = {b"x-request-id": "request_id", b"x-correlation-id": "correlation_id"}
GIVEN = re.compile(rb"[\x21-\x7e]{1,128}")
Lines = list[tuple[bytes, bytes]]
log = logs.log(__name__)


class Requests:
    """ASGI middleware: X-Request-ID and X-Correlation-ID in, on the logs, and out again; 413 for a body that says it
    is larger than `MAX_BODY_BYTES`, and the end of a request whose body turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"])
        ids = _ids(stated)
        facts = {IDS[name]: value.decode() for name, value in ids}
        structlog.contextvars.clear_contextvars()
        logs.about(**facts)
        scope.setdefault("state", {}).update(facts)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            length = stated.get(b"content-length", b"")
            too_long = length.isdigit() and int(length) > MAX_BODY_BYTES
            app = _refuse if too_long else self._app
            limited = receive if length and b"transfer-encoding" not in stated else _counted(receive)
            await _answered(app, scope, limited, send, ids)


async def _answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send, ids: Lines) -> None:
    """Let `app` answer, with the ids, and log how that went."""
    started, status = time.perf_counter(), 0

    async def answer(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status, headers = message["status"], message.get("headers", ())
            message["headers"] = [*headers, *_missing(ids, headers)]
        await send(message)

    await app(scope, receive, answer)
    elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
    log.info("request", method=scope["method"], path=scope["path"], status=status, elapsed_ms=elapsed_ms)


def _ids(stated: Mapping[bytes, bytes]) -> Lines:
    """Those that were given, and one that is made for the rest: who belongs to nothing else begins something."""
    given = {name: text for name in IDS if (text := stated.get(name)) and GIVEN.fullmatch(text)}
    made = str(uuid4()).encode() if len(given) < len(IDS) else b""
    return [(name, given.get(name, made)) for name in IDS]


def _missing(ids: Lines, headers: Lines) -> Lines:
    """Names are in lower case, as ASGI has them."""
    there = {name for name, _ in headers}
    return [line for line in ids if line[0] not in there]


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    message = f"the body is larger than {MAX_BODY_BYTES} bytes"
    await JSONResponse({"error": {"field": "body", "message": message}}, status_code=413)(scope, receive, send)


def _counted(receive: Receive) -> Receive:
    """`receive` that ends the request once more than the limit came in chunks without a stated length."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > MAX_BODY_BYTES else message

    return counted
