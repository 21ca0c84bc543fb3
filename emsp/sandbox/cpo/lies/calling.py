"""Lies in the CPO's own calls: how it shows its token and how it joins addresses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ..wire import token_header as base64_header
from .catalogue import Lie, catalogued
from .facts import recased
from .telling import tells

if TYPE_CHECKING:
    from ..platform import Platform


def _transport(name: str, sentence: str, source: str) -> None:
    catalogued(Lie(name, sentence, source, "transport"))


_transport("raw-token", "The CPO's own calls show the token as it is, not in base64.", "ocpi/ocpi#212")
_transport(
    "base64-newline",
    "The base64 of the token includes the newline of `echo`.",
    "OCPI 2.2.1, Transport and format: the sample token of the Authorization header",
)
_transport(
    "token-b-early",
    "The token in credentials that were POSTed is used twice over before the POST is answered.",
    "OCPI 2.2.1, Credentials: the receiver fetches versions and details during registration",
)
_transport(
    "no-slash-join",
    "Receiver addresses are joined with their paths without a slash (sessions) or with two (the rest).",
    "OCPI 2.2.1, Versions: endpoint URLs, with and without a trailing slash",
)


def token_header(platform: Platform, token: str, honest: str | None = None) -> str:
    """The Authorization header of the CPO's own calls; `honest` is what it is without lies (base64 unless given)."""
    if tells(platform, "raw-token"):
        return f"Token {token}"
    if tells(platform, "base64-newline"):
        return "Token " + base64.b64encode(token.encode() + b"\n").decode()
    return honest or base64_header(token)


def joined(platform: Platform, module: str, base: str, *parts: str) -> str:
    """A receiver's address with path parts (quoted already)."""
    bare = base.rstrip("/")
    if not parts:
        return bare
    path = "/".join(recased(part) if tells(platform, "other-case") else part for part in parts)
    if not tells(platform, "no-slash-join"):
        return f"{bare}/{path}"
    return base + path if module == "sessions" else f"{bare}//{path}"
