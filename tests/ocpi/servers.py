"""Partners' servers for the length of a test: the sandbox CPO, and ones whose answers a test writes itself."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emsp.sandbox.cpo.app import build_app
from emsp.sandbox.cpo.options import CpoOptions

Script = Callable[[Request], Response]


@asynccontextmanager
async def serving(build: Callable[[int], ASGIApp]) -> AsyncIterator[str]:
    """The URL at which the application that `build` makes for a port is served."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(build(port), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await running


@asynccontextmanager
async def sandbox_cpo(**options: Any) -> AsyncIterator[Starlette]:
    """A sandbox CPO; its token A is `token-a`."""
    built: list[Starlette] = []

    def build(port: int) -> Starlette:
        built.append(build_app(CpoOptions(port=port, token="token-a", **{"stations": 5, **options})))
        return built[0]

    async with serving(build):
        yield built[0]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """The URL of a partner that answers every request with what `script` makes of it."""

    async def endpoint(request: Request) -> Response:
        await request.body()
        return script(request)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    async with serving(lambda port: Starlette(routes=[Route("/{path:path}", endpoint, methods=methods)])) as url:
        yield url


def envelope(data: Any = None, status: int = 1000, *, http_status: int = 200, **headers: str) -> Response:
    """An OCPI answer; underscores in header names stand for hyphens."""
    body = {"status_code": status, "status_message": "said so", "timestamp": "2026-06-01T10:00:00Z"}
    content = msgspec.json.encode(body if data is None else {"data": data, **body})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(content, http_status, named, "application/json")
