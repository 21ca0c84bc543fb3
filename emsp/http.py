"""Calls to other systems: the one home of httpx.

Every call has a timeout and a limit on the size of the answer, follows no redirect, and goes only to public
addresses over https, unless the installation allows private partners. The address is checked where the
connection is opened, so that a name cannot resolve to one address for the check and another for the call.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpcore
import httpx
import stamina

from emsp.clock import now
from emsp.errors import PartnerAway, PartnerFailed, PartnerUnreachable
from emsp.settings import settings

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
MAX_BYTES = 64 * 1024 * 1024
ATTEMPTS = 3
LONGEST_WAIT_S = 20.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whatever its status. Header names are found in any case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class _Busy(PartnerFailed):
    """The other side asked us to come back later, or had a fault of its own."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.url} answered HTTP {reply.status}")
        self.reply = reply


async def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
    attempts: int = ATTEMPTS,
) -> Reply:
    """One HTTP exchange; idempotent methods are tried up to `attempts` times on faults, 429 and 5xx.

    Raises PartnerFailed when the call could not be made (a forbidden or unknown address, no connection) and
    PartnerUnreachable when it was made and no usable answer came.
    """
    _refuse_scheme(url)
    tries = attempts if method in IDEMPOTENT else 1
    try:
        async for attempt in stamina.retry_context(on=_pause, attempts=tries, timeout=None, wait_max=LONGEST_WAIT_S):
            with attempt:
                reply = await _exchange(method, url, headers or {}, content, timeout_s, max_bytes)
                if tries > 1 and (reply.status == 429 or reply.status >= 500):
                    raise _Busy(reply)
    except _Busy as busy:
        return busy.reply
    return reply


def _pause(error: Exception) -> bool | float:
    """Whether to try again, or the seconds that the other side asks us to wait."""
    if not isinstance(error, _Busy):
        return isinstance(error, PartnerFailed) and not isinstance(error, Forbidden)
    stated = error.reply.headers.get("retry-after", "")
    if stated.isdecimal():
        return min(float(stated), LONGEST_WAIT_S)
    with suppress(ValueError):
        wait_s = (parsedate_to_datetime(stated) - now()).total_seconds()
        return min(max(wait_s, 0.0), LONGEST_WAIT_S)
    return True


async def _exchange(
    method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout_s: float, max_bytes: int
) -> Reply:
    limits = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
    try:
        async with asyncio.timeout(timeout_s):
            async with _client().stream(method, url, headers=dict(headers), content=content, timeout=limits) as answer:
                body = await _limited(answer, max_bytes)
                return Reply(url, answer.status_code, answer.headers, body)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise PartnerAway(f"{url} cannot be called: {_words(error)}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise PartnerFailed(f"{url} cannot be called: {_words(error)}") from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise PartnerUnreachable(f"{url} did not answer: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _limited(answer: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise PartnerUnreachable(f"{answer.url} answered with more than {max_bytes} bytes")
    return bytes(body)


class Forbidden(PartnerFailed):
    """The address is one that partners may not send us to."""


def _refuse_scheme(url: str) -> None:
    parts = urlsplit(url)
    allowed = {"https", "http"} if settings().allow_private_partners else {"https"}
    if parts.scheme not in allowed or not parts.hostname:
        wanted = " or ".join(sorted(allowed))
        raise Forbidden(f"{url} cannot be called: not an {wanted} address (EMSP_ALLOW_PRIVATE_PARTNERS is for tests)")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, and so does an IPv4 address that is wrapped in it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (wrapped := _wrapped(ip)):
        return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


def _wrapped(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name, refuses addresses that are not public, and connects to the very address it checked."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await _checked_address(host, port)
        return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _checked_address(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"the name {host} is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not settings().allow_private_partners and not all(is_public(address) for address in addresses):
        raise Forbidden(f"{host} cannot be called: it is not on the public internet")
    return addresses[0]


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a connection pool that checks where it connects to."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=4.0,  # many servers close what is idle for five seconds, also as we begin to send
            network_backend=_CheckedNetwork(),
        )


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


def _client() -> httpx.AsyncClient:
    """The client of the running loop; environment proxies are not used, since they would resolve names for us."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = httpx.AsyncClient(transport=_Transport(), follow_redirects=False, trust_env=False)
    return _clients[loop]


async def close() -> None:
    """Close the connections of the running loop."""
    if client := _clients.pop(asyncio.get_running_loop(), None):
        await client.aclose()
