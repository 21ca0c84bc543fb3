"""Subscribers by the thousand: graphql-transport-ws over bare sockets, as cheap as a client can be.

Frames of a client are masked with zeros, which is a mask and leaves the text as it is.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import orjson

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
Heard = Callable[["Subscriber", bytes], None]
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Subscriber(asyncio.Protocol):
    """One app that watches one box; `heard` is called with each `next` message."""

    def __init__(self, subscription: dict[str, Any], heard: Heard) -> None:
        self.subscription, self.heard = subscription, heard
        self.buffer, self.upgraded = b"", False
        self.failed: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(UPGRADE)

    def data_received(self, data: bytes) -> None:
        """Whole frames are taken, the rest is kept."""
        self.buffer += data
        if not self.upgraded:
            head, end, self.buffer = self.buffer.partition(b"\r\n\r\n")
            if not end:
                self.buffer = head
                return
            self.upgraded = b" 101 " in head
            if not self.upgraded:
                self.failed = head.decode()[:200]
                return
            self._send({"type": "connection_init"})
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody hears any more."""
        self.failed = self.failed or "closed"

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length == 126:
            start = 4
            length = struct.unpack(">H", buffer[2:4])[0] if len(buffer) >= 4 else 1 << 40
        elif length == 127:
            start = 10
            length = struct.unpack(">Q", buffer[2:10])[0] if len(buffer) >= 10 else 1 << 40
        if len(buffer) < start + length:
            return None
        self.buffer = buffer[start + length :]
        return buffer[0] & 15, buffer[start : start + length]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self._write(PONG, payload)
        elif kind == CLOSE:
            self.failed = payload[2:].decode(errors="replace") or "closed"
            self.transport.close()
        elif kind == TEXT:
            if b'"next"' in payload[:60] or b'"next"' in payload[-60:]:
                self.heard(self, payload)
            elif b'"connection_ack"' in payload:
                self._send({"id": "1", "type": "subscribe", "payload": self.subscription})
            elif b'"ping"' in payload:
                self._send({"type": "pong"})
            else:
                self.failed = payload.decode()[:300]

    def _send(self, message: dict[str, Any]) -> None:
        self._write(TEXT, orjson.dumps(message))

    def _write(self, kind: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([128 | length]) if length < 126 else bytes([128 | 126]) + struct.pack(">H", length)
        self.transport.write(bytes([128 | kind]) + size + b"\0\0\0\0" + payload)
