"""RFID cards and Plug & Charge contracts: what starts a charge at the charge point itself, and whose it is.

Staff bring them in; a driver adds a card by the number printed on it and the last characters of its chip's id.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlmodel import col, or_, select

from emsp import clock, events
from emsp.accounts.contracts import folded, read_contract_id, with_check_digit
from emsp.accounts.happened import ChargeTokenChanged
from emsp.accounts.tables import ChargeToken, Driver
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused

RFID, EMAID = "RFID", "EMAID"
WHITELISTS = ("NEVER", "ALLOWED", "ALLOWED_OFFLINE", "ALWAYS")
CHIP = re.compile(r"[0-9A-F]{8,20}")
VISUAL = re.compile(r"[A-Z0-9]{4,64}")
ENDING = 4
"""So many of the last characters of a chip's id show that somebody holds the card."""
NAME_MAX = 80
TOKENS_MAX = 20
TRIES, TRIES_WITHIN = 5, timedelta(minutes=15)


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A card or contract as it is brought in. `uid` is that of a card's chip; a contract has none of its own."""

    contract_id: str
    kind: str = RFID
    uid: str = ""
    visual_number: str | None = None
    whitelist: str = "NEVER"
    driver_id: UUID | None = None
    fleet_id: UUID | None = None


async def add_token(db: Db, brand_id: UUID, new: NewToken) -> ChargeToken:
    """Bring in a card or contract. Raises Invalid naming the field, also for what another one has already."""
    token = ChargeToken(
        brand_id=brand_id,
        kind=_one_of(new.kind.upper(), (RFID, EMAID), "kind"),
        contract_id=read_contract_id(new.contract_id),
        uid="",
        visual_number=_visual(new.visual_number),
        whitelist=_one_of(new.whitelist.upper(), WHITELISTS, "whitelist"),
        fleet_id=new.fleet_id,
    )
    token.uid = _chip(new.uid) if token.kind == RFID else token.contract_id
    await _refuse_known(db, token)
    db.add(token)
    await db.flush()
    if new.driver_id:
        await assign(db, token, new.driver_id)
    return token


def _one_of(value: str, allowed: tuple[str, ...], field: str) -> str:
    if value not in allowed:
        raise Invalid(f"must be one of {', '.join(allowed)}", field)
    return value


def _chip(text: str) -> str:
    uid = folded(text)
    if not CHIP.fullmatch(uid):
        raise Invalid("must be 8 to 20 hexadecimal digits, such as 04A2B3C4", "uid")
    return uid


def _visual(text: str | None) -> str | None:
    number = folded(text or "")
    if number and not VISUAL.fullmatch(number):
        raise Invalid("must be 4 to 64 letters and digits", "visual_number")
    return number or None


async def _refuse_known(db: Db, token: ChargeToken) -> None:
    same = [col(ChargeToken.uid) == token.uid, col(ChargeToken.contract_id) == token.contract_id]
    if token.visual_number:
        at_brand = col(ChargeToken.brand_id) == token.brand_id
        same.append(at_brand & (col(ChargeToken.visual_number) == token.visual_number))
    known: ChargeToken | None = await db.scalar(select(ChargeToken).where(or_(*same)).limit(1))
    if known is None:
        return
    for field in ("uid", "contract_id", "visual_number"):
        if getattr(known, field) == getattr(token, field):
            raise Invalid(f"{getattr(token, field)} is there already", field)


async def assign(db: Db, token: ChargeToken, driver_id: UUID | None) -> ChargeToken:
    """Make it a driver's of the same brand, or nobody's. Raises Invalid naming `driver`."""
    driver = await db.get(Driver, driver_id) if driver_id else None
    if driver_id and (driver is None or driver.brand_id != token.brand_id):
        raise Invalid("there is no such driver at the brand of this card", "driver")
    token.driver_id, token.added_at = driver_id, clock.now() if driver_id else None
    return await _changed(db, token)


async def claim_token(db: Db, driver: Driver, *, visual_number: str, uid_ending: str, name: str | None) -> ChargeToken:
    """Add a card that is nobody's to a driver's own, by what is printed on it and the end of its chip's id.

    Raises Refused (TOKEN_NOT_FOUND, TOO_MANY_TOKENS, TOO_MANY_TRIES) and Invalid naming `name`. What is wrong of the
    two, or whether the card is somebody else's, is not told.
    """
    label, wanted = _name(name), folded(visual_number)
    _refuse_many_tries(driver.id)
    await db.get_one(Driver, driver.id, with_for_update=True)  # one after the other, so that the limit is one
    query = select(ChargeToken).where(ChargeToken.brand_id == driver.brand_id, ChargeToken.visual_number == wanted)
    token: ChargeToken | None = await db.scalar(query.with_for_update())
    if token and token.driver_id == driver.id:
        return token
    if token is None or not _is_free(token) or not _ends_with(token, folded(uid_ending)):
        _tries[driver.id].append(clock.now())
        raise Refused("TOKEN_NOT_FOUND", "There is no such card to be added; look at both numbers again.", "input")
    if len(await tokens_of(db, driver.id)) >= TOKENS_MAX:
        raise Refused("TOO_MANY_TOKENS", f"You have {TOKENS_MAX} cards; remove one first.")
    token.name = label
    return await assign(db, token, driver.id)


def _is_free(token: ChargeToken) -> bool:
    return token.driver_id is None and token.blocked_at is None


def _ends_with(token: ChargeToken, ending: str) -> bool:
    return len(ending) >= ENDING and token.uid.endswith(ending)


_tries: dict[UUID, list[datetime]] = defaultdict(list)
"""Wrong guesses of this process, by driver: a limit on guessing, not a record."""


def _refuse_many_tries(driver_id: UUID) -> None:
    since = clock.now() - TRIES_WITHIN
    recent = [tried for tried in _tries.pop(driver_id, []) if tried > since]
    if recent:
        _tries[driver_id] = recent
    if len(recent) >= TRIES:
        raise Refused("TOO_MANY_TRIES", "Too many numbers were tried; wait a quarter of an hour.", "input")


def _name(name: str | None) -> str | None:
    label = (name or "").strip()
    if len(label) > NAME_MAX or not label.isprintable():
        raise Invalid(f"must have up to {NAME_MAX} characters", "name")
    return label or None


async def block_token(db: Db, token: ChargeToken) -> ChargeToken:
    """Let it start nothing more; what runs goes on."""
    if token.blocked_at:
        return token
    token.blocked_at = clock.now()
    return await _changed(db, token)


async def unblock_token(db: Db, token: ChargeToken) -> ChargeToken:
    """Let it start charges again."""
    if token.blocked_at is None:
        return token
    token.blocked_at = None
    return await _changed(db, token)


async def remove_token(db: Db, token: ChargeToken) -> ChargeToken:
    """It is the driver's no longer; whoever holds the card may add it, unless it is blocked."""
    token.name = None
    return await assign(db, token, None)


async def _changed(db: Db, token: ChargeToken) -> ChargeToken:
    token.updated_at = clock.now()
    await db.flush()
    await events.emit(db, ChargeTokenChanged(charge_token_id=token.id))
    return token


async def own_token(db: Db, driver_id: UUID, token_id: UUID) -> ChargeToken:
    """A driver's own, locked. Raises Refused (TOKEN_NOT_FOUND), for another driver's as for none."""
    token = await db.get(ChargeToken, token_id, with_for_update=True)
    if token is None or token.driver_id != driver_id:
        raise no_such_token()
    return token


def no_such_token() -> Refused:
    """What is said of one that is not there, and just so of one that is somebody else's."""
    return Refused("TOKEN_NOT_FOUND", "You have no such card.", "input", "tokenId")


async def tokens_of(db: Db, driver_id: UUID) -> list[ChargeToken]:
    """A driver's cards and contracts, in the order in which they were added."""
    query = select(ChargeToken).where(ChargeToken.driver_id == driver_id)
    return list(await db.scalars(query.order_by(col(ChargeToken.added_at), col(ChargeToken.id))))


async def token_named(db: Db, text: str) -> ChargeToken:
    """A card or contract by its chip's id, its contract or our own id of it. Raises NotFound."""
    try:
        found = await db.get(ChargeToken, UUID(text))
    except ValueError:
        found = await known_token(db, text)
    if found is None:
        raise NotFound(f"there is no card or contract {text!r}")
    return found


async def known_token(db: Db, *texts: str | None) -> ChargeToken | None:
    """The card or contract that the first of these texts names; a contract also without its check digit."""
    for text in filter(None, map(folded, filter(None, texts))):
        is_it = or_(ChargeToken.uid == text, ChargeToken.contract_id == with_check_digit(text))
        found: ChargeToken | None = await db.scalar(select(ChargeToken).where(is_it).limit(1))
        if found:
            return found
    return None
