"""What a partner's versions endpoint tells: version, endpoints, and how it wants its token (chapter Versions)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from emsp.errors import Invalid, PartnerFailed
from emsp.ocpi import client, ours, wire
from emsp.ocpi.client import Answer, PeerRefused
from emsp.ocpi.words import messages
from emsp.ocpi.words.reading import convert

NEEDED = (("credentials", "SENDER"), ("locations", "SENDER"))
"""Endpoints without which there is nothing to show to a driver."""
WANTED = (("tariffs", "SENDER"), ("commands", "RECEIVER"))
"""Endpoints without which a driver gets less: no prices, no starts."""
ROLES = ("SENDER", "RECEIVER")


class NoCommonVersion(PartnerFailed):
    """The partner speaks no version that we speak."""


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's side as its versions endpoint describes it."""

    versions_url: str
    version: str
    encoding: str
    endpoints: list[dict[str, Any]]

    def credentials_url(self) -> str:
        return next(str(e["url"]) for e in self.endpoints if e["identifier"].lower() == "credentials")


async def discover(
    versions_url: str, token: str, *, version: str | None = None, encoding: str | None = None
) -> Platform:
    """Versions and endpoints of a partner: of `version`, or the best that both speak.

    The token goes base64-encoded as 2.2 asks, and as it is as 2.1.1 asks; a partner that refuses the one is tried with
    the other. Raises PartnerFailed.
    """
    answer, found_encoding = await _asked(versions_url, token, (encoding,) if encoding else (wire.BASE64, wire.RAW))
    offered = {v.version: v.url for v in understood(answer, list[messages.Version])}
    wanted = (version,) if version else ours.VERSIONS
    chosen = next((candidate for candidate in wanted if candidate in offered), None)
    if chosen is None:
        raise NoCommonVersion(f"{versions_url} offers {', '.join(offered) or 'nothing'}; we speak {', '.join(wanted)}")
    found, encoding = await _asked(offered[chosen], token, (encoding,) if encoding else _likely(chosen, found_encoding))
    endpoints = [msgspec.to_builtins(e) for e in understood(found, messages.VersionDetails).endpoints]
    return Platform(versions_url=versions_url, version=chosen, encoding=encoding, endpoints=endpoints)


def _likely(version: str, encoding: str) -> Sequence[str]:
    """How the token probably goes to the endpoints of a version, the likeliest first."""
    first = wire.RAW if version == "2.1.1" else encoding
    return first, wire.BASE64 if first == wire.RAW else wire.RAW


async def _asked(url: str, token: str, encodings: Sequence[str]) -> tuple[Answer, str]:
    """The answer to a GET, and the first of the encodings of the token with which it was given."""
    for encoding in encodings[:-1]:
        try:
            return await client.exchange("GET", url, wire.token_header(token, encoding)), encoding
        except PeerRefused as refused:
            if refused.http_status not in (401, 403):
                raise
    return await client.exchange("GET", url, wire.token_header(token, encodings[-1])), encodings[-1]


def missing(platform: Platform, needed: Iterable[tuple[str, str]] = NEEDED) -> list[str]:
    """The needed endpoints that a partner does not offer."""
    offered = {(e["identifier"].lower(), e["role"].upper() or role) for e in platform.endpoints for role in ROLES}
    names = {identifier for identifier, _ in offered}
    return [
        f"{identifier} {role}"
        for identifier, role in needed
        if (identifier, role) not in offered and not (identifier == "credentials" and identifier in names)
    ]


def understood(answer: Answer, message: Any) -> Any:
    """The data of an answer as a message. Raises PartnerFailed."""
    try:
        return convert(wire.decode(answer.data or b"null"), message)
    except Invalid as fault:
        raise PartnerFailed(f"the partner's answer is not understood: {fault}") from fault
