"""The only place where parts are joined: brings in every table, plugs the ports, mounts the edges."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from starlette.types import Scope

import emsp.accounts.tables
import emsp.brands.tables
import emsp.charging.tables
import emsp.fleets.tables
import emsp.loyalty.tables
import emsp.ocpi.tables
import emsp.papers.tables
import emsp.partners.tables
import emsp.payments.tables
import emsp.pricing.tables
import emsp.stations.history.tables
import emsp.stations.tables
import emsp.stations.twins.tables  # noqa: F401
from emsp import events, timetable
from emsp.brands import choose as brands
from emsp.charging import ports as charging_ports
from emsp.db import engine
from emsp.graphql import server as graphql_server
from emsp.login import routes as login_routes
from emsp.ocpi import server as ocpi_server
from emsp.ocpi.send.commands import OcpiNetwork
from emsp.payments import ports as payments_ports
from emsp.settings import settings
from emsp.stations.index import live
from emsp.stripe import webhooks
from emsp.stripe.processor import StripeProcessor
from emsp.web import downloads, health, keys
from emsp.web.requests import Requests
from emsp.web.straight import Straight

BRANDS_KNOWN_S = 1.0


def plug() -> None:
    """Give the features what they need from outside, and the jobs and events their followers."""
    charging_ports.plug(OcpiNetwork())
    payments_ports.plug(StripeProcessor())
    timetable.set_up()


def build() -> Starlette:
    """The service as an ASGI application."""
    plug()
    graphql = graphql_server.door()
    return Starlette(
        routes=[
            *health.routes(),
            *downloads.routes(),
            *keys.routes(),
            *graphql_server.routes(graphql),
            Mount("/stripe", routes=webhooks.routes()),
            Mount("/login", routes=login_routes.routes()),
        ],
        middleware=[
            Middleware(Requests),
            Middleware(Straight, is_theirs=ocpi_server.is_ours, edge=ocpi_server.serve),
            Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"]),
            Middleware(Straight, is_theirs=_asks_graphql, edge=graphql),
        ],
        lifespan=_lifespan,
    )


def _asks_graphql(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == "/graphql")


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    if settings().station_index:
        await live.start()
    gc.collect()
    brands.memory.seconds = BRANDS_KNOWN_S
    gc.freeze()  # what is loaded stays: later collections need not look at it
    gc.set_threshold(10_000, 100, 50)  # thousands of sockets are no garbage: little at a time, the rest less often
    yield
    brands.memory.forget()
    await live.stop()
    await events.wakes.close()
    await engine.dispose()
