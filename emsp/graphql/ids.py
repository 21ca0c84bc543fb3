"""Ids as apps see them: opaque, typed and never changing: URL-safe base64 of "Type:key"."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Iterable
from uuid import UUID

from strawberry import ID

from emsp.errors import NotFound

BIGGEST = 2**63 - 1
URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encode(kind: str, *key: object) -> ID:
    """The id of the `kind` (a type of the schema) that is found by `key`."""
    text = f"{kind}:{key[0]}" if len(key) == 1 else ":".join([kind, *map(str, key)])
    return ID(b2a_base64(text.encode(), newline=False).translate(URL_SAFE, b"=").decode())


def encode_all(kind: str, keys: Iterable[int]) -> list[bytes]:
    """As `encode` for many numbers, each as JSON."""
    text = kind.encode() + b":%d"
    return [b'"%b"' % b2a_base64(text % key, newline=False).rstrip(b"=") for key in keys]  # none has a + or /


def decode(unchecked_id: str) -> tuple[str, str]:
    """(type, key) of an id. Raises NotFound for what is none."""
    padded = unchecked_id + "=" * (-len(unchecked_id) % 4)
    try:
        kind, _, key = urlsafe_b64decode(padded.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise nothing() from error
    return kind, key


def key_of(unchecked_id: str, kind: str) -> str:
    """The key in an id that must be one of a `kind`. Raises NotFound."""
    found, key = decode(unchecked_id)
    if found != kind:
        raise nothing()
    return key


def number_of(unchecked_id: str, kind: str) -> int:
    """The number in an id of a `kind`. Raises NotFound."""
    return as_number(key_of(unchecked_id, kind))


def uuid_of(unchecked_id: str, kind: str) -> UUID:
    """The UUID in an id of a `kind`. Raises NotFound."""
    return as_uuid(key_of(unchecked_id, kind))


def as_number(key: str) -> int:
    """A key as a number. Raises NotFound."""
    if not (key.isascii() and key.isdigit() and len(key) < 20 and int(key) <= BIGGEST):
        raise nothing()
    return int(key)


def as_uuid(key: str) -> UUID:
    """A key as a UUID. Raises NotFound."""
    try:
        return UUID(key)
    except ValueError as error:
        raise nothing() from error


def nothing() -> NotFound:
    """What is said of an id that is unknown, and just so of one that belongs to somebody else."""
    return NotFound("There is nothing with this id.")
