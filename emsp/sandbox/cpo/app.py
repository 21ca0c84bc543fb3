"""The sandbox CPO as an application and as a server."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import control, evses, levers, lies, pages, tokens
from .commands.charging_profiles import charging_profiles
from .commands.preferences import preferences
from .commands.receiving import commands
from .commands.reserving import hold, watch
from .door import Access, Handler, no_such_thing, opened_to
from .life import answer_stop, live
from .options import CpoOptions
from .platform import Platform, open_platform
from .registration import answering
from .wire import encode

WAITING = ("accepted", "answered", "charging", "ended")


def build_app(options: CpoOptions, http: httpx.AsyncClient | None = None) -> Starlette:
    """The application; `http` replaces the client with which the eMSP is called. Raises ValueError for bad files."""
    platform = open_platform(options, http)
    app = Starlette(
        routes=[*_ocpi_routes(options), *control.routes(), *levers.routes()],
        middleware=[Middleware(lies.Transport, platform=platform), Middleware(_EverySlash)],
        exception_handlers={HTTPException: no_such_thing},
        lifespan=_lifespan,
    )
    app.state.platform = platform
    return app


class _EverySlash:
    """Serves a path with a slash at its end, or two within, as the path itself: redirects would lose bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": "/" + "/".join(filter(None, scope["path"].split("/")))}
        await self._app(scope, receive, send)


def _ocpi_routes(options: CpoOptions) -> list[Route]:
    routes = [
        _route("/ocpi/versions", answering.versions, "anyone known"),
        _route("/ocpi/{version}", answering.details, "anyone known"),
        _route("/ocpi/{version}/credentials", answering.credentials, "anyone known", "GET POST PUT DELETE"),
        _route("/ocpi/{version}/locations", pages.locations),
        _route("/ocpi/{version}/locations/{path:path}", pages.one_location),
        _route("/ocpi/{version}/tariffs", pages.tariffs),
        _route("/ocpi/{version}/sessions", pages.sessions),
        _route("/ocpi/{version}/sessions/{session_id}/charging_preferences", preferences, methods="PUT"),
        _route("/ocpi/{version}/cdrs", pages.cdrs),
        _route("/ocpi/{version}/tokens/{country_code}/{party_id}/{token_uid}", tokens.tokens, methods="GET PUT PATCH"),
        _route("/ocpi/{version}/commands/{command}", commands, methods="POST"),
        _route("/ocpi/{version}/chargingprofiles/{session_id}", charging_profiles, methods="GET PUT DELETE"),
    ]
    return [*routes, _route("/ocpi/{version}/hubclientinfo", pages.client_infos)] if options.role == "hub" else routes


def _route(path: str, handler: Handler, access: Access = "registered", methods: str = "GET") -> Route:
    return Route(path, opened_to(access, handler), methods=methods.split())


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Takes up the sessions that were running, and lets go of everything at the end."""
    platform: Platform = app.state.platform
    for session in platform.books.sessions.values():
        if session.phase in WAITING:
            platform.start(live(platform, session))
        for response_url in list(session.stop_urls):
            platform.start(answer_stop(platform, session, response_url))
    for reservation in platform.books.reservations.values():
        if reservation.phase in ("asked", "held"):
            platform.start((hold if reservation.phase == "asked" else watch)(platform, reservation))
    if platform.options.status_churn:
        platform.start(evses.churn(platform))
    yield
    await platform.stop()


class _AnnouncingServer(uvicorn.Server):
    """Says on stdout, in one line of JSON, that it is ready and where."""

    announcement: bytes = b""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends the serving at SIGINT and SIGTERM, and leaves it at that: the caller returns and may tidy up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _leave(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.buffer.write(self.announcement + b"\n")
        sys.stdout.buffer.flush()


async def serve(options: CpoOptions) -> None:
    """Serves until SIGTERM, SIGINT or cancellation. Raises OSError when the port is taken, ValueError for bad files."""
    listener = socket.create_server((options.host, options.port))
    options = replace(options, port=listener.getsockname()[1])
    app = build_app(options)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3)
    server = _AnnouncingServer(config)
    server.announcement = encode(_announcement(app.state.platform))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        listener.close()


def _announcement(platform: Platform) -> dict[str, object]:
    return {
        "ready": True,
        "versions_url": f"{platform.url}/ocpi/versions",
        "versions": list(platform.options.versions),
        "role": platform.options.role,
        "token": platform.books.invitation,
        "registered": platform.books.connection is not None,
        "locations": len(platform.locations.bodies),
        "tariffs": len(platform.tariffs.bodies),
    }
