"""A request and its answer, as the lies about transport see them."""

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..wire import decode

PAGED = ("locations", "tariffs", "sessions", "cdrs", "hubclientinfo")
SETTING_UP = ("", "credentials")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the platform."""

    method: str
    path: str
    query: dict[str, str]
    token: str
    """The Authorization header as it came."""
    number: int
    """How many pages were asked for before, and the seed: what is drawn by."""

    @property
    def module(self) -> str:
        """The OCPI module; empty for versions and their details."""
        parts = [part for part in self.path.split("/") if part]
        return parts[2] if len(parts) > 2 else ""

    @property
    def is_page(self) -> bool:
        """Whether it asks for a page of a module's objects."""
        return self.method == "GET" and self.module in PAGED and len(list(filter(None, self.path.split("/")))) == 3

    @property
    def offset(self) -> int:
        """Where the page begins."""
        text = self.query.get("offset", "")
        return int(text) if text.isdecimal() else 0

    def link(self, base: str, **changes: Any) -> str:
        """A Link header that names this page with some parameters changed."""
        return f'<{base}{self.path}?{urlencode({**self.query, **changes})}>; rel="next"'


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the platform, or of what stands before it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def envelope(self) -> dict[str, Any]:
        """The parsed envelope; empty when the body is none."""
        try:
            parsed = decode(self.body)
        except msgspec.DecodeError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def is_error(self) -> bool:
        """Whether HTTP or OCPI says so."""
        return self.status >= 400 or self.envelope.get("status_code", 1000) >= 2000

    def with_headers(self, **headers: str | None) -> "Answer":
        """The same with headers changed (`x_total_count` is X-Total-Count); None takes one away."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {**self.headers, **named}
        return replace(self, headers={name: value for name, value in merged.items() if value is not None})

    async def send(self, send: Send) -> None:
        """Puts it on the wire, with its length as it is now."""
        headers = {**self.headers, "content-length": str(len(self.body))}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body})


def request_of(scope: Scope, number: int) -> Request:
    """The request that a connection brought."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Request(scope["method"], scope["path"], query, headers.get(b"authorization", ""), number)


async def answer_of(app: ASGIApp, scope: Scope, receive: Receive, query: dict[str, str]) -> Answer:
    """What the application answers, with this query in place of the one that came."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app({**scope, "query_string": urlencode(query).encode()}, receive, keep)
    start, *rest = messages
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], b"".join(part.get("body", b"") for part in rest), headers)
