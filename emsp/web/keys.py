"""The public keys by which anybody can check what we have signed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emsp import vault

PATH = "/.well-known/jwks.json"
KEPT_FOR_S = 3600


async def keys(_: Request) -> JSONResponse:
    """GET /.well-known/jwks.json: a JWK set (RFC 7517); former keys stay in it as long as they are configured."""
    headers = {"cache-control": f"public, max-age={KEPT_FOR_S}"}
    return JSONResponse(vault.public_keys(), headers=headers, media_type="application/jwk-set+json")


def routes() -> list[Route]:
    """What is mounted at the root."""
    return [Route(PATH, keys)]
