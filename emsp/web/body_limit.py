"""No request may be larger than what the largest honest one needs."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 8_000_000


class BodyLimit:
    """ASGI middleware: 413 for a body that says it is, or turns out to be, larger than `MAX_BODY_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        if stated.isdigit() and int(stated) > MAX_BODY_BYTES:
            await self._refuse(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
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
