"""A status PATCH as one writes it first: Starlette, pydantic, one SQLModel async session a request.

It does what any such service has to: the body is validated; the token, kept as a digest, is looked up together with
whether its partner speaks for the party that the path names; the EVSE is found by the partner's ids; what is older
than what is stored is ignored; status and time are set and committed, durable before the answer. Three statements and
a commit. What ours does beside that it leaves out: no kept document, no history of statuses, no change log, nobody
is woken.

Started as a process: PORT and DATABASE (an SQLAlchemy URL) in the environment.
"""

from __future__ import annotations

import os
from base64 import b64decode
from datetime import datetime
from hashlib import sha256
from typing import Any

import uvicorn
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emsp.ocpi.tables import Connection
from emsp.ocpi.tables import Route as Party
from emsp.stations.tables import Evse, Station

engine = create_async_engine(os.environ["DATABASE"], pool_size=10, max_overflow=20)


class Change(BaseModel):
    """What is sent."""

    status: str
    last_updated: datetime


async def patch(request: Request) -> JSONResponse:
    """PATCH /ocpi/2.2.1/locations/{country_code}/{party_id}/{location_id}/{evse_uid}"""
    change = Change.model_validate_json(await request.body())
    path: dict[str, Any] = request.path_params
    async with AsyncSession(engine) as session:
        if not await speaks_for(session, request.headers.get("authorization", ""), path):
            return JSONResponse({"status_code": 2001}, status_code=401)
        evse = await find(session, path)
        if evse is None:
            return JSONResponse({"status_code": 2003}, status_code=404)
        if evse.status_as_of <= change.last_updated:
            evse.status, evse.status_as_of = change.status, change.last_updated
            evse.source_updated_at = change.last_updated
            session.add(evse)
            await session.commit()
    return JSONResponse({"status_code": 1000})


async def speaks_for(session: AsyncSession, authorization: str, path: dict[str, Any]) -> bool:
    """Whether the token is that of a partner which speaks for the party."""
    token = b64decode(authorization.removeprefix("Token ")).decode()
    query = (
        select(Connection)
        .join(Party, col(Party.connection_id) == col(Connection.id))
        .where(
            col(Connection.token_in_digests).contains([sha256(token.encode()).hexdigest()]),
            Connection.state == "REGISTERED",
            Party.country_code == path["country_code"],
            Party.party_id == path["party_id"],
            col(Party.allowed),
        )
    )
    return (await session.exec(query)).first() is not None


async def find(session: AsyncSession, path: dict[str, Any]) -> Evse | None:
    """The EVSE that the path names."""
    query = (
        select(Evse)
        .join(Station, col(Station.id) == col(Evse.station_id))
        .where(
            Station.country_code == path["country_code"],
            Station.party_id == path["party_id"],
            Station.external_key == path["location_id"].lower(),
            Evse.uid_key == path["evse_uid"].lower(),
        )
    )
    return (await session.exec(query)).one_or_none()


async def ready(_: Request) -> JSONResponse:
    """GET /ready"""
    return JSONResponse({})


PATH = "/ocpi/2.2.1/locations/{country_code}/{party_id}/{location_id}/{evse_uid}"
app = Starlette(routes=[Route(PATH, patch, methods=["PATCH"]), Route("/ready", ready)])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="critical")
