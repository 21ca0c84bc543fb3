"""What every request goes through: ids on the way in and out, and a limit to its size."""

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from emsp.web.requests import MAX_BODY_BYTES, Requests


async def told(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body()), "request_id": request.state.request_id})


def client() -> httpx.AsyncClient:
    app: ASGIApp = Starlette(routes=[Route("/", told, methods=["POST"])], middleware=[Middleware(Requests)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://here")


async def test_an_id_that_came_goes_back_and_one_that_did_not_is_made() -> None:
    async with client() as http:
        answer = await http.post("/", content=b"four", headers={"X-Request-ID": "mine"})
        assert answer.json() == {"bytes": 4, "request_id": "mine"}
        assert answer.headers["x-request-id"] == "mine"
        assert len(answer.headers["x-correlation-id"]) == 36


async def test_an_id_with_blanks_or_too_long_is_replaced() -> None:
    async with client() as http:
        for given in ("two words", "x" * 129):
            answer = await http.post("/", headers={"X-Request-ID": given})
            assert answer.headers["x-request-id"] == answer.json()["request_id"] != given


async def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    async with client() as http:
        answer = await http.post("/", content=b"", headers={"Content-Length": str(MAX_BODY_BYTES + 1)})
        assert (answer.status_code, answer.json()["error"]["field"]) == (413, "body")
        assert answer.headers["x-request-id"]


async def test_a_body_that_does_not_say_how_large_it_is_ends_at_the_limit() -> None:
    async def chunks(count: int) -> object:
        for _ in range(count):
            yield b"x" * 1_000_000

    async with client() as http:
        assert (await http.post("/", content=chunks(8))).json()["bytes"] == MAX_BODY_BYTES  # type: ignore[arg-type]
        assert (await http.post("/", content=chunks(9))).status_code == 500  # type: ignore[arg-type]
