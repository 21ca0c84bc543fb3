"""What we show to partners of ourselves: versions, endpoints, credentials, and the tokens of our drivers and cards."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.clock import utc_text
from emsp.db.engine import Db
from emsp.ocpi.connections import PartyId, our_party
from emsp.ocpi.words import bridge
from emsp.settings import settings

VERSIONS = ("2.3.0", "2.2.1", "2.1.1")
"""What we speak, the best first."""
MODULES = (
    ("credentials", "SENDER", "2.1.1"),
    ("locations", "RECEIVER", "2.1.1"),
    ("tariffs", "RECEIVER", "2.1.1"),
    ("sessions", "RECEIVER", "2.1.1"),
    ("cdrs", "RECEIVER", "2.1.1"),
    ("tokens", "SENDER", "2.1.1"),
    ("commands", "SENDER", "2.1.1"),
    ("chargingprofiles", "SENDER", "2.2.1"),
    ("hubclientinfo", "RECEIVER", "2.2.1"),
    ("invoicereconciliation", "RECEIVER", "2.3.0"),
    ("bookings", "RECEIVER", "2.3.0"),
)
"""Each with our role in it, and the version that it came with."""
BEHIND_A_SETTING = "bookings"
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


def modules(version: str) -> list[tuple[str, str]]:
    """The modules that we offer in a version, with our role in each."""
    offered = [(name, role) for name, role, since in MODULES if since <= version]
    return [(name, role) for name, role in offered if name != BEHIND_A_SETTING or settings().ocpi_bookings]


def details(version: str) -> dict[str, Any]:
    """Versions: our endpoints, with a trailing slash, since some partners append to them without one."""
    base = f"{base_url()}/{version}"
    endpoints = [{"identifier": name, "role": role, "url": f"{base}/{name}/"} for name, role in modules(version)]
    return bridge.lower("version_details", version, {"version": version, "endpoints": endpoints})


async def credentials(db: Db, token: str, version: str) -> dict[str, Any]:
    """Credentials: ours, with the plain token that the partner is to use, and a role for every party of ours."""
    roles = [_role(party, brand) for party, brand in (await our_parties(db)).items()]
    return bridge.lower("credentials", version, {"token": token, "url": versions_url(), "roles": roles})


async def our_parties(db: Db) -> dict[PartyId, Brand | None]:
    """The parties that we are: that of the installation first, then those of brands with one of their own."""
    brands = (await db.execute(select(Brand).order_by(col(Brand.created_at)))).scalars().all()
    own = {party_of_brand(brand): brand for brand in reversed(brands) if brand.roaming_party_id}
    own.pop(our_party(), None)
    return {our_party(): None, **dict(reversed(own.items()))}


def party_of_brand(brand: Brand) -> PartyId:
    """The party under which a brand's drivers charge."""
    if brand.roaming_country_code and brand.roaming_party_id:
        return PartyId.of(brand.roaming_country_code, brand.roaming_party_id)
    return our_party()


def _role(party: PartyId, brand: Brand | None) -> dict[str, Any]:
    details: dict[str, Any] = {
        "name": brand.name if brand else settings().ocpi_business_name,
        "website": settings().public_url,
    }
    return {"role": "EMSP", **party._asdict(), "business_details": details}


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A driver as partners know one: the party and the name of the brand, and whether tokens of theirs are good."""

    driver_id: UUID
    party: PartyId
    issuer: str
    language: str
    valid: bool
    updated_at: datetime


def holder_of(driver: Driver, brand: Brand) -> Holder:
    """What partners may know of a driver."""
    return Holder(
        driver_id=driver.id,
        party=party_of_brand(brand),
        issuer=issuer_of(brand),
        language=driver.language,
        valid=driver.blocked_at is None,
        updated_at=driver.updated_at,
    )


def issuer_of(brand: Brand) -> str:
    """The name beside the tokens of a brand's drivers."""
    return brand.name if brand.roaming_party_id else settings().ocpi_business_name


async def holder(db: Db, driver_id: UUID) -> Holder:
    """A driver as partners know one."""
    query = select(Driver, Brand).join(Brand, col(Brand.id) == Driver.brand_id).where(col(Driver.id) == driver_id)
    driver, brand = (await db.execute(query)).one()
    return holder_of(driver, brand)


def token(holder: Holder, *, uid: str | None = None, issued_at: datetime | None = None) -> dict[str, Any]:
    """Tokens: a driver's app as a token that no charge point may accept by itself; `uid` is that of one start.

    It is that of 2.3.0; `bridge.lower` makes it that of the partner.
    """
    contract = contract_id(holder.party, holder.driver_id)
    return {
        **holder.party._asdict(),
        "uid": uid or driver_uid(holder.driver_id),
        "type": "APP_USER",
        "contract_id": contract,
        "visual_number": contract,
        "issuer": holder.issuer,
        "valid": holder.valid,
        "whitelist": "NEVER",
        "language": holder.language[:2].lower(),
        "last_updated": utc_text(issued_at or holder.updated_at),
    }


def charge_token(token: ChargeToken, driver: Driver | None, brand: Brand) -> dict[str, Any]:
    """Tokens: a card (RFID) or the contract in a car (EMAID); good while a driver has it who may charge.

    `last_updated` is that of whichever changed last, the card or its driver.
    """
    stated = {
        **party_of_brand(brand)._asdict(),
        "uid": token.uid,
        "type": token.kind,
        "contract_id": token.contract_id,
        "visual_number": token.visual_number,
        "issuer": issuer_of(brand),
        "valid": token.blocked_at is None and driver is not None and driver.blocked_at is None,
        "whitelist": token.whitelist,
        "language": driver.language[:2].lower() if driver else None,
        "last_updated": utc_text(max(token.updated_at, driver.updated_at) if driver else token.updated_at),
    }
    return {name: value for name, value in stated.items() if value is not None}


def driver_uid(driver_id: UUID) -> str:
    """The uid of a driver's own token: the first digits of their id."""
    return driver_id.hex[:UID_DIGITS].upper()


def driver_range(uid: str) -> tuple[UUID, UUID] | None:
    """The ids between which a driver with that token must be; None for a uid that no driver can have."""
    digits = uid.strip().lower()
    if len(digits) != UID_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def contract_id(party: PartyId, driver_id: UUID) -> str:
    """The driver's contract in the form of an eMA id (eMI3: country, provider, instance of nine characters)."""
    instance = base64.b32encode(hashlib.blake2b(driver_id.bytes, digest_size=5).digest()).decode()
    return f"{''.join(party)}C{instance}"
