"""A registered partner that calls us, and our OCPI endpoints served on a real port for partners that call back."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from emsp import app as emsp_app
from emsp import http
from emsp.db.engine import transaction
from emsp.ocpi.server import routes
from emsp.ocpi.tables import Connection
from emsp.settings import settings
from tests.ocpi.people import Cpo, registered


@pytest.fixture
async def our_url(database: str) -> AsyncIterator[str]:
    """Where our OCPI endpoints are served for the length of a test."""
    emsp_app.plug()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.environ["EMSP_PUBLIC_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings.cache_clear()
        app = Starlette(routes=routes())
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([listener]))
        yield os.environ["EMSP_PUBLIC_URL"]
        await http.close()
        server.should_exit = True
        await serving
    del os.environ["EMSP_PUBLIC_URL"]
    settings.cache_clear()


@pytest.fixture
async def us(database: str) -> AsyncIterator[httpx.AsyncClient]:
    """Our OCPI endpoints, called in this process."""
    emsp_app.plug()
    app = Starlette(routes=routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emsp.test") as client:
        yield client


@pytest.fixture
async def cpo(us: httpx.AsyncClient) -> Cpo:
    """A registered CPO with the party NL ABC."""
    async with transaction() as db:
        connection: Connection = await registered(db, "ABC Charging", "abc-token", party_id="ABC")
    return Cpo(us, "abc-token", connection)


@pytest.fixture
async def rival(us: httpx.AsyncClient) -> Cpo:
    """Another registered CPO, with the party NL XYZ."""
    async with transaction() as db:
        connection: Connection = await registered(db, "XYZ Charging", "xyz-token", party_id="XYZ")
    return Cpo(us, "xyz-token", connection)
