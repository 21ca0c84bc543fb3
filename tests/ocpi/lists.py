"""Partners whose lists are answered two objects a page, in whatever way a test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from starlette.requests import Request
from starlette.responses import Response

from emsp.db.engine import transaction
from emsp.ocpi.pull import sync
from emsp.ocpi.pull.crawl import PullCounts
from emsp.ocpi.tables import Connection
from tests.ocpi.people import registered
from tests.ocpi.servers import envelope, scripted

Listing = Callable[[Request, list[Any], int], Response]
MODULES = ("tariffs", "locations", "sessions", "cdrs", "hubclientinfo")


class Lists:
    """A partner whose lists are answered two objects a page, in whatever way `listing` does it."""

    def __init__(self, listing: Listing, **lists: list[Any]) -> None:
        self.listing, self.lists = listing, lists
        self.requests: list[httpx.QueryParams] = []
        self.paths: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(httpx.QueryParams(request.url.query))
        self.paths.append(request.url.path.strip("/"))
        objects = self.lists.get(request.url.path.strip("/"), [])
        return self.listing(request, objects, int(request.query_params.get("offset", 0)))


@asynccontextmanager
async def partner(lists: Lists, party_id: str = "ABC") -> AsyncIterator[Connection]:
    """A registered partner with such lists."""
    async with scripted(lists) as url:
        endpoints = [{"identifier": module, "role": "SENDER", "url": f"{url}/{module}"} for module in MODULES]
        async with transaction() as db:
            connection = await registered(db, party_id, f"{party_id}-token", party_id=party_id, endpoints=endpoints)
        yield connection


async def pulled(lists: Lists, times: int = 1, **options: Any) -> tuple[UUID, dict[str, PullCounts]]:
    """The connection and the counts of the last of some pulls."""
    async with partner(lists) as connection:
        for _ in range(times):
            counts = await sync.pull(connection.id, **options)
    return connection.id, counts


def page(request: Request, objects: list[Any], offset: int) -> tuple[list[Any], str | None]:
    """Two objects, and the URL of the next page if there is one."""
    following = str(request.url.include_query_params(offset=offset + 2)) if offset + 2 < len(objects) else None
    return objects[offset : offset + 2], following


def proper(request: Request, objects: list[Any], offset: int) -> Response:
    items, following = page(request, objects, offset)
    link = {"Link": f'<{following}>; rel="next"'} if following else {}
    return envelope(items, X_Total_Count=str(len(objects)), **link)
