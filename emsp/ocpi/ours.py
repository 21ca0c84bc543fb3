"""What we show to partners of ourselves: versions, endpoints, credentials, and the tokens of our drivers."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from emsp.clock import utc_text
from emsp.ocpi.connections import our_party
from emsp.settings import settings

VERSIONS = ("2.2.1",)
"""What we speak, the best first."""
MODULES = (
    ("credentials", "SENDER"),
    ("locations", "RECEIVER"),
    ("tariffs", "RECEIVER"),
    ("sessions", "RECEIVER"),
    ("cdrs", "RECEIVER"),
    ("tokens", "SENDER"),
    ("commands", "SENDER"),
)
UID_DIGITS = 20
"""Charge points take ids of at most 20 characters from their back office (OCPP 1.x: IdToken)."""


def base_url() -> str:
    """Where OCPI is served, without a trailing slash."""
    return settings().public_url.rstrip("/") + "/ocpi"


def versions_url() -> str:
    """What partners are given to find the rest."""
    return f"{base_url()}/versions"


def versions() -> list[dict[str, str]]:
    """Versions: the answer to GET versions."""
    return [{"version": version, "url": f"{base_url()}/{version}"} for version in VERSIONS]


def details(version: str) -> dict[str, Any]:
    """Versions: our endpoints, with a trailing slash, since some partners append to them without one."""
    base = f"{base_url()}/{version}"
    endpoints = [{"identifier": name, "role": role, "url": f"{base}/{name}/"} for name, role in MODULES]
    return {"version": version, "endpoints": endpoints}


def credentials(token: str) -> dict[str, Any]:
    """Credentials: ours, with the plain token that the partner is to use."""
    role = {
        "role": "EMSP",
        **our_party()._asdict(),
        "business_details": {"name": settings().ocpi_business_name},
    }
    return {"token": token, "url": versions_url(), "roles": [role]}


def token(driver_id: UUID, language: str, updated_at: datetime, *, uid: str | None = None) -> dict[str, Any]:
    """Tokens: a driver's app as a token that no charge point may accept by itself; `uid` is that of one start."""
    return {
        **our_party()._asdict(),
        "uid": uid or driver_uid(driver_id),
        "type": "APP_USER",
        "contract_id": contract_id(driver_id),
        "issuer": settings().ocpi_business_name,
        "valid": True,
        "whitelist": "NEVER",
        "language": language[:2].lower(),
        "last_updated": utc_text(updated_at),
    }


def driver_uid(driver_id: UUID) -> str:
    """The uid of a driver's own token: the first digits of their id."""
    return driver_id.hex[:UID_DIGITS].upper()


def driver_range(uid: str) -> tuple[UUID, UUID] | None:
    """The ids between which a driver with that token must be; None for a uid that no driver can have."""
    digits = uid.strip().lower()
    if len(digits) != UID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def contract_id(driver_id: UUID) -> str:
    """The driver's contract in the form of an eMA id (eMI3: country, provider, instance of nine characters)."""
    instance = base64.b32encode(hashlib.blake2b(driver_id.bytes, digest_size=5).digest()).decode()
    return f"{''.join(our_party())}C{instance}"
