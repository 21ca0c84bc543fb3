"""A status PATCH as one writes it first: Starlette, pydantic, one SQLModel async session a request.

Started as a process: PORT and DATABASE (an SQLAlchemy URL) in the environment.
"""

from __future__ import annotations

import os
from datetime import datetime
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
        evse = (await session.exec(query)).one_or_none()
        if evse is None:
            return JSONResponse({"status_code": 2003}, status_code=404)
        if evse.status_as_of <= change.last_updated:
            evse.status, evse.status_as_of = change.status, change.last_updated
            evse.source_updated_at = change.last_updated
            session.add(evse)
            await session.commit()
    return JSONResponse({"status_code": 1000})


async def ready(_: Request) -> JSONResponse:
    """GET /ready"""
    return JSONResponse({})


PATH = "/ocpi/2.2.1/locations/{country_code}/{party_id}/{location_id}/{evse_uid}"
app = Starlette(routes=[Route(PATH, patch, methods=["PATCH"]), Route("/ready", ready)])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="critical")
