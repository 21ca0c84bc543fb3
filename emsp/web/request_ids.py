"""Every request has an id, given or made, in its answer and on each log line; so has what it belongs to."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emsp import logs

GIVEN = re.compile(r"[\x21-\x7e]{1,128}")
log = logs.log(__name__)


class RequestIds:
    """ASGI middleware: X-Request-ID and X-Correlation-ID in, on the logs, and out again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        ids = {name: _given(headers.get(name)) for name in ("x-request-id", "x-correlation-id")}
        structlog.contextvars.clear_contextvars()
        logs.about(request_id=ids["x-request-id"], correlation_id=ids["x-correlation-id"])
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in ids.items():
                    out.setdefault(name, value)
            await send(message)

        scope.setdefault("state", {})["request_id"] = ids["x-request-id"]
        await self._app(scope, receive, answer)
        if scope["type"] == "http":
            elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
            log.info("request", method=scope["method"], path=scope["path"], status=status, elapsed_ms=elapsed_ms)


def _given(text: str | None) -> str:
    return text if text and GIVEN.fullmatch(text) else str(uuid4())
