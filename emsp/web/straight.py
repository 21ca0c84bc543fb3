"""Edges that are reached without the router, which asks every route in turn: those that are asked all the time."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Straight:
    """ASGI middleware: requests that `is_theirs` are answered by `edge`, all others go on."""

    def __init__(self, app: ASGIApp, is_theirs: Callable[[Scope], bool], edge: ASGIApp) -> None:
        self._app, self._is_theirs, self._edge = app, is_theirs, edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._edge if self._is_theirs(scope) else self._app)(scope, receive, send)
