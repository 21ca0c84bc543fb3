"""Lies about transport, told by a middleware that stands before the whole application."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from ..wire import encode, presented_tokens
from .answers import Answer, Request, answer_of, request_of
from .catalogue import Lie, catalogued
from .reshaping import RESHAPED
from .telling import told

if TYPE_CHECKING:
    from ..platform import Platform

EVERY = 3
NOW_AND_THEN = 4
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
Refuse = Callable[[Request, int], Answer | None]
REFUSING: dict[str, Refuse] = {}


def _refusing(name: str, sentence: str, source: str) -> Callable[[Refuse], Refuse]:
    """Declares a lie that answers in the application's place, given the request and the seed."""

    def declare(refuse: Refuse) -> Refuse:
        catalogued(Lie(name, sentence, source, "transport"))
        REFUSING[name] = refuse
        return refuse

    return declare


@_refusing("rate-limited", "Every third page is a 429 with Retry-After.", "RFC 6585, 429 Too Many Requests")
def _rate_limited(request: Request, seed: int) -> Answer | None:
    if not request.is_page or request.number % EVERY:
        return None
    return Answer(429, encode({"status_code": 3000, "status_message": "Too many requests"}), {"retry-after": "1"})


@_refusing("server-errors", "Now and then a page is a 500.", "OCPI 2.2.1, Status codes: 3000 Generic server error")
def _server_errors(request: Request, seed: int) -> Answer | None:
    if not request.is_page or not _unlucky(request, seed):
        return None
    return Answer(500, encode({"status_code": 3000, "status_message": "Generic server error"}))


@_refusing("html-error", "Now and then a proxy's web page (502) comes in place of a page.", "RFC 9110, 502 Bad Gateway")
def _html_error(request: Request, seed: int) -> Answer | None:
    if not request.is_page or not _unlucky(request, seed):
        return None
    return Answer(502, BAD_GATEWAY, {"content-type": "text/html"})


def _unlucky(request: Request, seed: int) -> bool:
    return random.Random(f"{seed}/{request.number}").randrange(NOW_AND_THEN) == 0


SLOW = catalogued(Lie("slow", "Each answer takes seconds.", "RFC 9110, 504 Gateway Timeout", "transport"))
HALF = catalogued(
    Lie("half-page", "A page is cut off in its middle the first time.", "RFC 9112, Incomplete messages", "transport")
)
LOST = catalogued(
    Lie(
        "token-lost",
        "The CPO forgets the token that it gave: 401 until the partner is registered anew.",
        "OCPI 2.2.1, Credentials: a platform that lost its state is registered again",
        "transport",
    )
)
ROTATING = catalogued(
    Lie(
        "rotating-totals",
        "X-Total-Count shrinks by one after the first page, and the pages after it move up by one.",
        "OCPI 2.2.1, Transport and format: Pagination",
        "transport",
    )
)


class Transport:
    """ASGI middleware that tells the lies about transport which are told at the moment."""

    def __init__(self, app: ASGIApp, platform: Platform) -> None:
        self._app = app
        self._platform = platform
        self._pages = 0
        self._halved: set[str] = set()
        self._lost: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = told(self._platform)
        if LOST.name not in names:
            self._lost = None
        if scope["type"] != "http" or not scope["path"].startswith("/ocpi") or not names:
            await self._app(scope, receive, send)
            return
        request = request_of(scope, self._pages + self._platform.options.seed)
        if request.is_page:
            self._pages += 1
        if SLOW.name in names:
            await asyncio.sleep(self._platform.options.slow_s)
        answer = self._refusal(request, names) or await self._told(request, names, scope, receive)
        await answer.send(send)

    def _refusal(self, request: Request, names: frozenset[str]) -> Answer | None:
        if LOST.name in names and self._forgot(request):
            return Answer(401, encode({"status_code": 2001, "status_message": "The credentials token is not known"}))
        refusals = (refuse(request, self._platform.options.seed) for name, refuse in REFUSING.items() if name in names)
        return next((refusal for refusal in refusals if refusal), None)

    def _forgot(self, request: Request) -> bool:
        """Whether the request shows the token that was lost: the first one that was given since the lie is told."""
        connection = self._platform.books.connection
        if self._lost is None and connection is not None:
            self._lost = connection.token_for_us
        return self._lost in presented_tokens(request.token)

    async def _told(self, request: Request, names: frozenset[str], scope: Scope, receive: Receive) -> Answer:
        moved = ROTATING.name in names and request.is_page and request.offset > 0
        query = {**request.query, "offset": str(request.offset + 1)} if moved else request.query
        answer = await answer_of(self._app, scope, receive, query)
        if moved and (total := answer.headers.get("x-total-count")):
            answer = _moved_up(request, answer, int(total), self._platform.url)
        for name, reshape in RESHAPED.items():
            if name in names:
                answer = reshape(request, answer, self._platform.url)
        return self._halve(request, answer) if HALF.name in names else answer

    def _halve(self, request: Request, answer: Answer) -> Answer:
        key = f"{request.path.rstrip('/')}?{sorted(request.query.items())}"
        if not request.is_page or key in self._halved:
            return answer
        self._halved.add(key)
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)


def _moved_up(request: Request, answer: Answer, total: int, base: str) -> Answer:
    """The page as it is numbered after the list lost an object that the partner has seen already."""
    data = answer.envelope.get("data") or []
    link = request.link(base, offset=request.offset + len(data)) if "link" in answer.headers else None
    return answer.with_headers(x_total_count=str(total - 1), link=link)
