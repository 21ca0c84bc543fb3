"""Secrets at rest: tokens that others show us are kept as digests, tokens that we show are kept encrypted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from emsp.errors import EmspError
from emsp.settings import settings


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


def _fernet() -> MultiFernet:
    """The first key seals; the ones before it still open."""
    former = [key.strip() for key in (settings().former_secret_keys or "").split(",") if key.strip()]
    keys = [_key(), *(_digested(key) for key in former)]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


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
