"""A plain PATCH of a status from wire to wire, past the door: who calls is looked up by the statement that takes it."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

from emsp.ocpi import wire
from emsp.ocpi.door import ids_of, routed_back
from emsp.ocpi.serve import statuses
from emsp.ocpi.serve.plain import MAX_BODY_BYTES, plain
from emsp.web.received import again


async def answered(scope: Scope, receive: Receive, send: Send) -> Receive | None:
    """None once the request is answered; else its `receive`, from the beginning."""
    messages, body = await _beginning(receive)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    change = plain(scope.get("raw_path") or scope["path"].encode(), headers, body)
    if change is None or not await statuses.patch(change):
        return again(messages, receive)
    await _send(send, {**ids_of(scope, headers), **routed_back(headers)}, wire.envelope())
    return None


async def _beginning(receive: Receive) -> tuple[list[Message], bytes]:
    """What is received until the body is whole, or too long to be plain."""
    messages = [await receive()]
    body = messages[0].get("body", b"")
    while messages[-1].get("more_body") and len(body) <= MAX_BODY_BYTES:
        messages.append(await receive())
        body += messages[-1].get("body", b"")
    return messages, body


async def _send(send: Send, headers: dict[str, str], body: bytes) -> None:
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    lines += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": body})
