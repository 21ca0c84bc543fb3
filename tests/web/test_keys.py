"""The public keys, as anybody can fetch them."""

import httpx
from starlette.applications import Starlette

from emsp import vault
from emsp.web import keys


async def test_that_the_keys_are_where_others_look_for_them() -> None:
    transport = httpx.ASGITransport(app=Starlette(routes=keys.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="https://volt.example") as http:
        answer = await http.get("/.well-known/jwks.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.json() == vault.public_keys()
    assert all("d" not in key for key in answer.json()["keys"])
