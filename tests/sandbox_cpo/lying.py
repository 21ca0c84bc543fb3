"""What the tests of lies share: telling them, charging once, and an eMSP that refuses what it does not know."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .fake_emsp import FakeEmsp
from .running import STATION, RunningCpo, active


class StrictEmsp(FakeEmsp):
    """Answers a PATCH of a session that was never PUT with 404."""

    async def _receive(self, request: Request) -> Response:
        answer = await super()._receive(request)
        path = "/" + request.path_params["path"]
        known = {kept.path for kept in self.received if kept.method == "PUT"}
        strange = request.method == "PATCH" and "/sessions/" in path and path not in known
        return Response(b'{"status_code": 2003, "timestamp": "2026-01-01T00:00:00Z"}', 404) if strange else answer


async def tell(cpo: RunningCpo, *names: str, **place: str) -> Any:
    """Tells these lies and no others."""
    return await cpo.lever("lies", lies=list(names), **place)


async def charge(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    """Charges from the start until the sandbox is done with it."""
    await emsp.start(STATION)
    await cpo.lever("unplug", session_id=await active(emsp))
    await settled(cpo)


async def settled(cpo: RunningCpo) -> None:
    books = await cpo.books()
    while any(session["phase"] not in ("abandoned", "closed") for session in books["sessions"]):
        books = await cpo.books()


async def pulled_cdrs(emsp: FakeEmsp) -> Any:
    return await emsp.data("GET", emsp.endpoints["cdrs"])


async def pulled_sessions(emsp: FakeEmsp) -> Any:
    return await emsp.data("GET", emsp.endpoints["sessions"] + "?date_from=2020-01-01T00:00:00Z")


async def pulled_location(emsp: FakeEmsp) -> Any:
    (location,) = await emsp.data("GET", emsp.endpoints["locations"])
    return location
