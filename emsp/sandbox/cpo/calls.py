"""Calls to the eMSP: credentials and routing headers, and what an answer means."""

import asyncio
import logging
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from . import lies
from .feed import Party
from .platform import Platform
from .wire import decode, encode, token_header

log = logging.getLogger(__name__)
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class CallFailed(Exception):
    """A call to the eMSP that did not succeed."""


class Unreachable(CallFailed):
    """No answer, an HTTP 429 or 5xx, or an OCPI 3xxx: worth another try."""


class Refused(CallFailed):
    """The eMSP understood and said no: another try would say the same."""

    def __init__(self, message: str, http_status: int) -> None:
        super().__init__(message)
        self.http_status = http_status


async def exchange(
    platform: Platform, method: str, url: str, headers: dict[str, str], body: Any = None
) -> dict[str, Any]:
    """One HTTP exchange; the envelope of a successful answer. Raises Unreachable or Refused."""
    ids = {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}
    kind = {} if body is None else {"Content-Type": "application/json"}
    content = None if body is None else encode(body)
    try:
        answer = await platform.http.request(method, url, headers={**headers, **ids, **kind}, content=content)
    except httpx.HTTPError as error:
        raise Unreachable(f"{method} {url}: {type(error).__name__} {error}") from error
    return _opened(answer, f"{method} {url}")


def _opened(answer: httpx.Response, what: str) -> dict[str, Any]:
    try:
        parsed = decode(answer.content) if answer.content else {}
    except msgspec.DecodeError:
        parsed = {}
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    code = int(body.get("status_code") or 1000)
    said = f"{what}: HTTP {answer.status_code}, OCPI {code} {body.get('status_message', '')}".rstrip()
    if answer.status_code >= 500 or answer.status_code == 429 or code >= 3000:
        raise Unreachable(said)
    if not answer.is_success or code >= 2000:
        raise Refused(said, answer.status_code)
    return body


async def call(platform: Platform, method: str, url: str, body: Any, sender: Party, receiver: Party) -> dict[str, Any]:
    """A call of a functional module, with credentials and routing headers."""
    connection = platform.books.connection
    if connection is None:
        raise Unreachable(f"{method} {url}: no eMSP is registered")
    headers = authorized(platform, connection.token_for_them, connection.version)
    if connection.version != "2.1.1":
        headers |= {
            "OCPI-from-country-code": sender[0],
            "OCPI-from-party-id": sender[1],
            "OCPI-to-country-code": receiver[0],
            "OCPI-to-party-id": receiver[1],
        }
    return await exchange(platform, method, url, headers, body)


def authorized(platform: Platform, token: str, version: str) -> dict[str, str]:
    """The header that authorizes a call, as a version of OCPI writes it."""
    return {"Authorization": lies.token_header(platform, token, honest=token_header(token, version))}


async def insist(
    platform: Platform, method: str, url: str, body: Any, sender: Party, receiver: Party, tries: int
) -> dict[str, Any]:
    """A call tried several times while the eMSP cannot be reached. Raises Refused, or the last Unreachable."""
    for pause_s in islice(pauses(), tries - 1):
        try:
            return await call(platform, method, url, body, sender, receiver)
        except Unreachable as error:
            log.info("%s; trying again in %s s", error, pause_s)
        await asyncio.sleep(pause_s)
    return await call(platform, method, url, body, sender, receiver)


def pauses() -> Iterator[float]:
    """Seconds to wait between tries: twice as long each time, up to a limit, without end."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def endpoint_url(platform: Platform, endpoint: str, *parts: str) -> str:
    """An endpoint of the eMSP, `module/ROLE`, with path parts. Raises Unreachable when it has none."""
    connection = platform.books.connection
    base = connection.endpoints.get(endpoint) if connection else None
    if base is None:
        raise Unreachable(f"the eMSP offers no {endpoint}")
    return lies.joined(platform, endpoint.split("/")[0], base, *(quote(part, safe="*:@") for part in parts))
