"""The same subscription by strawberry's own handler, which resolves and encodes every message for every subscriber.

Started as a process: PORT and DATABASE in the environment. What changed comes by NOTIFY with all that a message
needs, and whose box holds it is known beforehand: nothing is asked of the database after the start.
"""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

STATIONS = """
    SELECT s.id, s.name, s.longitude, s.latitude, count(*) FILTER (WHERE e.status = 'AVAILABLE'),
           count(*) FILTER (WHERE e.status IN ('CHARGING', 'BLOCKED')), count(*), max(e.status_as_of)
      FROM station s JOIN evse e ON e.station_id = s.id GROUP BY s.id
"""


@strawberry.type
class Station:
    id: strawberry.ID
    name: str | None


@strawberry.type
class Availability:
    available: int
    occupied: int
    total: int
    as_of: datetime


@strawberry.type
class StationAvailabilityEvent:
    station: Station
    availability: Availability


@strawberry.input
class BoxInput:
    west: float
    south: float
    east: float
    north: float


places: dict[int, tuple[float, float]] = {}
events: dict[int, StationAvailabilityEvent] = {}
watching: dict[int, set[asyncio.Queue[StationAvailabilityEvent]]] = defaultdict(set)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def station_availability_changed(self, box: BoxInput) -> AsyncGenerator[StationAvailabilityEvent, None]:
        queue: asyncio.Queue[StationAvailabilityEvent] = asyncio.Queue()
        inside = [id_ for id_, (x, y) in places.items() if box.west <= x <= box.east and box.south <= y <= box.north]
        for id_ in inside:
            watching[id_].add(queue)
        try:
            for id_ in inside:
                yield events[id_]
            while True:
                yield await queue.get()
        finally:
            for id_ in inside:
                watching[id_].discard(queue)


@strawberry.type
class Query:
    ok: bool = True


async def follow() -> None:
    """Hand on what NOTIFY tells."""
    connection = await psycopg.AsyncConnection.connect(os.environ["DATABASE"], autocommit=True)
    await connection.execute("LISTEN bench")
    async for notice in connection.notifies():
        id_, name, available, occupied, total, as_of = json.loads(notice.payload)
        event = events[id_] = _event(id_, name, available, occupied, total, datetime.fromisoformat(as_of))
        for queue in watching[id_]:
            queue.put_nowait(event)


def _event(
    id_: int, name: str | None, available: int, occupied: int, total: int, as_of: datetime
) -> StationAvailabilityEvent:
    counts = Availability(available=available, occupied=occupied, total=total, as_of=as_of)
    return StationAvailabilityEvent(station=Station(id=strawberry.ID(str(id_)), name=name), availability=counts)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE"]) as connection:
        async for id_, name, longitude, latitude, *counts in await connection.execute(STATIONS):
            places[id_], events[id_] = (longitude, latitude), _event(id_, name, *counts)
    task = asyncio.create_task(follow())
    yield
    task.cancel()


async def ready(_: Request) -> JSONResponse:
    return JSONResponse({})


door: GraphQL[None, None] = GraphQL(
    strawberry.Schema(query=Query, subscription=Subscription), subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL]
)
app = Starlette(routes=[Route("/readyz", ready), WebSocketRoute("/graphql", door)], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_level="critical",
        ws_per_message_deflate=False,
    )
