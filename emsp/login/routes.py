"""POST /token (RFC 6749) and POST /revoke (RFC 7009), for apps: form parameters in, JSON out.

    grant_type=urn:emsp:grant-type:sign-in-code&client_id=app&email=ada@example.com&code=123456
    grant_type=refresh_token&client_id=app&refresh_token=…
    token=…&client_id=app                                   (to /revoke)

The brand is named by the `X-Brand` header or the host name.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emsp.brands.choose import brand_for
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound
from emsp.login.issuer import FormRequest, Issuer

MAX_BODY_BYTES = 8192
MAX_PARAMETERS = 20
FORM = "application/x-www-form-urlencoded"


def routes() -> list[Route]:
    """The routes below /login."""
    return [
        Route("/token", token, methods=["POST"], name="token"),
        Route("/revoke", revoke, methods=["POST"], name="revoke"),
    ]


async def token(request: Request) -> JSONResponse:
    """Exchange a sign-in code or a refresh token for tokens."""
    return await _answer("token", request)


async def revoke(request: Request) -> JSONResponse:
    """Sign out."""
    return await _answer("revocation", request)


async def _answer(endpoint: str, request: Request) -> JSONResponse:
    try:
        form = FormRequest(await _parameters(request), dict(request.headers))
        async with transaction() as db:
            brand = await brand_for(db, host=request.headers.get("host"), header=request.headers.get("x-brand"))
            return await db.run_sync(lambda _: Issuer(db, brand).answer(endpoint, form))
    except Invalid as error:
        return _invalid_request(str(error))
    except NotFound:
        return _invalid_request("There is no such brand.")


async def _parameters(request: Request) -> list[tuple[str, str]]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Invalid(f"The body must be {FORM}.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Invalid(f"The body is longer than {MAX_BODY_BYTES} bytes.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise Invalid("The body cannot be read as form parameters in UTF-8.") from error


def _invalid_request(description: str) -> JSONResponse:
    body = {"error": "invalid_request", "error_description": description}
    return JSONResponse(body, 400, {"Cache-Control": "no-store"})
