"""Calls to partners: token, ids, routing headers, and what an answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit
from uuid import uuid4

import msgspec

from emsp import http, logs
from emsp.errors import PartnerFailed, PartnerUnreachable
from emsp.ocpi import wire
from emsp.ocpi.connections import PartyId, Peer, our_party

SUCCESS = range(1000, 2000)
MOVED, MOVED_AS_IT_IS = (301, 302), (307, 308)


class PeerRefused(PartnerFailed):
    """A partner answered, and the answer is no. `status` is its OCPI status code, 0 when it gave none."""

    def __init__(self, message: str, status: int, http_status: int) -> None:
        super().__init__(message)
        self.status, self.http_status = status, http_status


class Answer(msgspec.Struct, frozen=True):
    """A successful answer: its data as JSON, None when there was none, and the HTTP headers."""

    data: bytes | None
    headers: Mapping[str, str]


class _Envelope(msgspec.Struct):
    status_code: int | None = None
    status_message: str | None = None
    data: msgspec.Raw = msgspec.Raw()


_ENVELOPE = msgspec.json.Decoder(_Envelope, strict=False)


async def call(
    peer: Peer,
    method: str,
    url: str,
    body: Any = None,
    *,
    to: PartyId | None = None,
    sender: PartyId | None = None,
    correlation_id: str | None = None,
    timeout_s: float = http.TIMEOUT_S,
) -> Answer:
    """A call of a functional module at a registered partner, from a party of ours to one of theirs.

    Without `to` it goes to the hub, or to the first party of a direct partner; without `sender` it comes from the
    party of the installation. Raises PeerRefused, PartnerFailed when it could not be called, PartnerUnreachable when
    no usable answer came.
    """
    if not peer.knows(url):
        raise PartnerFailed(f"{url} is not on a host that {peer.name} gave when it was connected")
    routed = peer.routed and not _is_configuration(peer, url)
    headers = _routing(sender or our_party(), to or peer.party) if routed else {}
    if correlation_id:
        headers["X-Correlation-ID"] = correlation_id
    authorization = wire.token_header(peer.token, peer.encoding)
    return await exchange(method, url, authorization, body, headers=headers, timeout_s=timeout_s)


def _is_configuration(peer: Peer, url: str) -> bool:
    """Whether the URL is of a module whose messages are not routed."""
    endpoint = peer.find("hubclientinfo", "SENDER")
    return endpoint is not None and url.startswith(endpoint.rstrip("/"))


def _routing(sender: PartyId, receiver: PartyId) -> dict[str, str]:
    """Transport and format: Message Routing Headers."""
    return {
        "OCPI-from-country-code": sender.country_code,
        "OCPI-from-party-id": sender.party_id,
        "OCPI-to-country-code": receiver.country_code,
        "OCPI-to-party-id": receiver.party_id,
    }


async def exchange(
    method: str,
    url: str,
    authorization: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = http.TIMEOUT_S,
) -> Answer:
    """A call with any token; of the configuration modules, which are not routed.

    A redirect is followed once if it stays on the host that was called: many servers answer an endpoint that they
    named without its trailing slash with one.
    """
    correlation_id = logs.facts().get("correlation_id") or str(uuid4())
    ids = {"X-Request-ID": str(uuid4()), "X-Correlation-ID": correlation_id}
    sent = {"Authorization": authorization, "Accept": "application/json", **ids, **(headers or {})}
    content = None if body is None else wire.encode(body)
    if content is not None:
        sent["Content-Type"] = "application/json"
    reply = await http.request(method, url, headers=sent, content=content, timeout_s=timeout_s)
    if moved := _moved(method, url, reply):
        reply = await http.request(method, moved, headers=sent, content=content, timeout_s=timeout_s)
    return _understood(reply)


def _moved(method: str, url: str, reply: http.Reply) -> str | None:
    """Where a redirect leads that keeps the method: its path at the very address that was called, else None.

    Scheme and port stay as they were called, since a server behind a proxy names its own, and the token must not
    go elsewhere.
    """
    if reply.status not in (*MOVED_AS_IT_IS, *(MOVED if method == "GET" else ())):
        return None
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, reply.headers.get("location", "")))
        moved = urlunsplit(here._replace(path=there.path, query=there.query))
        return moved if there.hostname == here.hostname and moved != url else None
    except ValueError:
        return None


def _understood(reply: http.Reply) -> Answer:
    try:
        envelope = _ENVELOPE.decode(reply.body) if reply.body else _Envelope()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if reply.ok:
            raise PartnerUnreachable(f"{reply.url} did not answer with an OCPI response object: {error}") from error
        envelope = _Envelope()
    said = f"{reply.url} answered HTTP {reply.status}"
    if envelope.status_code or envelope.status_message:
        said += f", OCPI {envelope.status_code} {envelope.status_message or ''}".rstrip()
    if reply.status >= 500 and envelope.status_code is None:
        raise PartnerUnreachable(said)
    if not reply.ok or (envelope.status_code or SUCCESS.start) not in SUCCESS:
        raise PeerRefused(said, envelope.status_code or 0, reply.status)
    data = bytes(envelope.data)
    return Answer(None if data in (b"", b"null") else data, reply.headers)
