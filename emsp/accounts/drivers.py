"""Drivers: one row a person and brand, known by their e-mail address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock, events
from emsp.accounts.happened import DriverChanged
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound

LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Home(Protocol):
    """What an account needs to know of the brand it is at."""

    id: UUID
    name: str
    languages: list[str]


def read_address(email: str) -> str:
    """`email` as it is kept and compared: trimmed, lower case, the domain in its ASCII form (IDNA).

    Raises Invalid naming `email` for what no mail server would take (RFC 5321, section 4.1.2, without quoted parts).
    """
    local, at, domain = email.strip().rpartition("@")
    if not at or not LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise Invalid("must be an e-mail address, such as name@example.com", "email")
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError as error:
        raise Invalid("the part after the @ is not a domain name", "email") from error
    if not DOMAIN.fullmatch(ascii_domain) or len(local) + len(ascii_domain) > 253:
        raise Invalid("the part after the @ is not a domain name", "email")
    return f"{local.lower()}@{ascii_domain}"


async def ensure_driver(db: Db, brand_id: UUID, email: str, *, language: str = "en") -> Driver:
    """The driver with this address at this brand; made when there is none, once even when asked for in parallel."""
    address = read_address(email)
    fresh = insert(Driver).values(brand_id=brand_id, email=address, language=language)
    made = fresh.on_conflict_do_nothing(index_elements=["brand_id", "email"]).returning(col(Driver.id))
    if driver_id := (await db.execute(made)).scalar_one_or_none():
        await events.emit(db, DriverChanged(driver_id=driver_id))
    rows = await db.scalars(select(Driver).where(Driver.brand_id == brand_id, Driver.email == address))
    driver: Driver = rows.one()
    return driver


async def driver_by_id(db: Db, brand_id: UUID, driver_id: UUID) -> Driver:
    """The driver with this id at this brand. Raises NotFound, also for another brand's."""
    driver: Driver | None = await db.scalar(select(Driver).where(Driver.id == driver_id, Driver.brand_id == brand_id))
    if driver is None:
        raise NotFound("there is no such driver")
    return driver


async def block(db: Db, driver_id: UUID) -> Driver:
    """Let a driver start nothing more; what runs goes on. Raises NotFound."""
    driver = await _locked(db, driver_id)
    return driver if driver.blocked_at else await _changed(db, driver, blocked_at=clock.now())


async def unblock(db: Db, driver_id: UUID) -> Driver:
    """Let a driver charge again. Raises NotFound."""
    driver = await _locked(db, driver_id)
    return await _changed(db, driver, blocked_at=None) if driver.blocked_at else driver


async def _locked(db: Db, driver_id: UUID) -> Driver:
    driver: Driver | None = await db.scalar(select(Driver).where(Driver.id == driver_id).with_for_update())
    if driver is None:
        raise NotFound("there is no such driver")
    return driver


async def _changed(db: Db, driver: Driver, *, blocked_at: datetime | None) -> Driver:
    driver.blocked_at, driver.updated_at = blocked_at, clock.now()
    await db.flush()
    await events.emit(db, DriverChanged(driver_id=driver.id))
    return driver


async def drivers_named(db: Db, named: str) -> list[Driver]:
    """The drivers with this address, one at each brand, or the one with this id."""
    try:
        wanted = col(Driver.id) == UUID(named)
    except ValueError:
        wanted = col(Driver.email) == read_address(named)
    return list(await db.scalars(select(Driver).where(wanted).order_by(col(Driver.created_at))))


async def drivers_by_ids(db: Db, ids: Iterable[UUID]) -> dict[UUID, Driver]:
    """Drivers by id; ids that nobody has are absent. For callers that have already checked whose they are."""
    rows = await db.scalars(select(Driver).where(col(Driver.id).in_(list(ids))))
    return {driver.id: driver for driver in rows}
