"""Secrets at rest, and what we sign.

Tokens that others show us are kept as digests, tokens that we show are kept encrypted. What others are to believe
without asking us is signed as a compact JWS (RFC 7515, Ed25519 of RFC 9864); the keys to check it are public.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from emsp.errors import EmspError, Invalid
from emsp.settings import settings

ALGORITHM = "Ed25519"
SIGNING = b"emsp: key for documents that others are to believe"


def new_token() -> str:
    """A fresh, unguessable token of 43 URL-safe characters (256 bits)."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """The form in which a token that others show us is kept and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(text: str) -> str:
    """`text` encrypted with the installation's key."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that `seal` was given; an error names the setting when the key is another one."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise EmspError("a kept secret cannot be opened: EMSP_SECRET_KEY is not the key it was sealed with") from error


def reseal(sealed: str) -> str:
    """The same secret, sealed with the key of today."""
    return seal(unseal(sealed))


def sign(message: bytes) -> str:
    """A signature of `message` (HMAC-SHA-256, hex) that only this installation can make."""
    return hmac.new(_key(), message, hashlib.sha256).hexdigest()


def sign_document(document: bytes, kind: str) -> str:
    """`document` as a compact JWS; its header says what `kind` of document it is, and by which key it is signed."""
    key = _signing_key(_key())
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": kind}
    return jws.serialize_compact(header, document, key, algorithms=[ALGORITHM])


def read_document(signed: str, kind: str, keys: dict[str, Any] | None = None) -> tuple[str, bytes]:
    """The id of the key and the document that it signed, checked by `keys` (a JWK set), or else by our own.

    Raises Invalid for what is no such document, is signed by another key, or was changed since.
    """
    try:
        known = KeySet.import_key_set(keys or public_keys())  # type: ignore[arg-type]
        found = jws.deserialize_compact(signed.strip(), known, algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid(f"is not signed by a key that is known here ({error})", "token") from error
    header = found.headers()
    if header.get("typ") != kind:
        raise Invalid(f"is a {header.get('typ')}, not a {kind}", "token")
    return str(header["kid"]), bytes(found.payload)


def public_keys() -> dict[str, Any]:
    """The keys that our signatures are checked by, that of today first, as a JWK set (RFC 7517)."""
    keys = [_signing_key(key) for key in _keys()]
    use = {"use": "sig", "alg": ALGORITHM}
    return {"keys": [key.as_dict(private=False, kid=key.thumbprint(), **use) for key in keys]}


def _fernet() -> MultiFernet:
    """The first key seals; the ones before it still open."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in _keys()])


def _keys() -> list[bytes]:
    """The key of today and the ones before it."""
    former = [key.strip() for key in (settings().former_secret_keys or "").split(",") if key.strip()]
    return [_key(), *(_digested(key) for key in former)]


@cache
def _signing_key(key: bytes) -> OKPKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=SIGNING).derive(key)
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed))


@cache
def _key() -> bytes:
    return _digested(settings().secret_key or _kept_key())


def _digested(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _kept_key() -> str:
    if settings().database_url:
        raise SystemExit("EMSP_SECRET_KEY must be set when EMSP_DATABASE_URL is: it seals the partners' tokens")
    path = settings().data_dir / "secret-key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
