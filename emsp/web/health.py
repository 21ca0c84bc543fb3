"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emsp.db.engine import transaction
from emsp.stations.index import live


async def healthz(_: Request) -> JSONResponse:
    """GET /healthz: 200 as long as the process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(_: Request) -> JSONResponse:
    """GET /readyz: 200 when the database answers and is migrated, else 503 with the reason.

    Stations are found before they are all in memory, by PostgreSQL: `index` tells how far that is.
    """
    try:
        async with transaction() as db:
            await db.execute(text("SELECT 1"))
        current = await asyncio.to_thread(_is_migrated)
    except SQLAlchemyError:
        return JSONResponse({"status": "unavailable", "reason": "the database does not answer"}, status_code=503)
    if not current:
        return JSONResponse({"status": "unavailable", "reason": "the database is not migrated"}, status_code=503)
    return JSONResponse({"status": "ready", "index": live.state()})


def _is_migrated() -> bool:
    from emsp.db import migrate  # costs a tenth of a start, which workers and commands need not pay

    return migrate.is_current()


def routes() -> list[Route]:
    """What is mounted at the root."""
    return [Route("/healthz", healthz), Route("/readyz", readyz)]
