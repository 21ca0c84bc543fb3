"""Access and refresh tokens: opaque, kept as digests, rotated, revoked as a family.

A family is one sign-in on one device. Each refresh uses up the old refresh token and adds a row with a new pair.
The pair that follows is derived from the refresh token, its row and the installation's key, so a repeat whose first
reply was lost gets the same pair again, for 30 seconds, and no reply has to be kept. A used refresh token that comes
later is in two hands: the whole family is revoked.

A refusal is returned, not raised, because what was learnt on the way (a try was made, a token was stolen) has to be
committed with it. Callers commit, then turn it into their own error.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, bindparam
from sqlmodel import col, or_, select, update

from emsp import events, logs
from emsp.accounts.codes import claim_code, one_at_a_time
from emsp.accounts.drivers import Home, ensure_driver, read_address
from emsp.accounts.tables import Driver, SignInToken
from emsp.clock import now
from emsp.db.engine import Db
from emsp.errors import Refused
from emsp.vault import digest, new_token, sign

ACCESS_GOOD_FOR = timedelta(minutes=15)
REFRESH_GOOD_FOR = timedelta(days=90)
LOST_REPLY_GRACE = timedelta(seconds=30)
TOPIC = "sign-ins"
"""Woken when a sign-in was ended; ids of this topic are those of families."""
log = logs.log(__name__)


@dataclass(frozen=True)
class Tokens:
    """What an app is given at sign-in and at every refresh. `expires_in_s` is the access token's."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    driver: Driver


async def sign_in(db: Db, brand: Home, email: str, code: str) -> Tokens | Refused:
    """Exchange a code sent by e-mail for tokens; the driver is made at the first sign-in.

    Returns Refused INVALID_CODE, with the try counted: commit it. Raises Invalid naming `email`.
    """
    address = read_address(email)
    language = await claim_code(db, brand.id, address, "".join(code.split()))
    if language is None:
        return Refused(
            "INVALID_CODE", "The code is wrong, used or expired; after 5 wrong tries ask for a new one.", "code"
        )
    driver = await ensure_driver(db, brand.id, address, language=language)
    return await _issue(db, driver, uuid4(), access_token=new_token(), refresh_token=new_token())


async def refresh(db: Db, brand_id: UUID, refresh_token: str) -> Tokens | Refused:
    """Exchange a refresh token for the next pair, once; a repeat within 30 seconds gets the same pair.

    Returns Refused INVALID_TOKEN. When the token was used before, its family is revoked with that: commit it.
    """
    found = await _by_token(db, brand_id, col(SignInToken.refresh_digest) == digest(refresh_token))
    if found is None:
        return _no_token()
    row_id, family_id, driver = found
    await one_at_a_time(db, f"sign-in family {family_id}")
    access_token, successor = _next_pair(row_id, refresh_token)
    if await _claim(db, row_id):
        return await _issue(db, driver, family_id, access_token=access_token, refresh_token=successor)
    if lost := await _lost_reply(db, row_id, access_token):
        return Tokens(access_token, successor, _seconds_left(lost), driver)
    await _revoke_if_reused(db, row_id, family_id)
    return _no_token()


async def driver_of(db: Db, brand_id: UUID, access_token: str) -> Driver | None:
    """Whose access token this is, at this brand; None for one that is unknown, expired, revoked or another brand's."""
    asked = {"access_digest": digest(access_token), "now": now(), "brand_id": brand_id}
    driver: Driver | None = await db.scalar(_DRIVER_OF, asked)
    return driver


_DRIVER_OF = (
    select(Driver)
    .join(SignInToken, col(SignInToken.driver_id) == Driver.id)
    .where(
        col(SignInToken.access_digest) == bindparam("access_digest"),
        col(SignInToken.access_expires_at) > bindparam("now"),
        col(SignInToken.revoked_at).is_(None),
        col(Driver.brand_id) == bindparam("brand_id"),
    )
)
"""Made once, as every request of a driver asks it."""


async def good_until(db: Db, access_tokens: Collection[str]) -> dict[str, datetime]:
    """When those of the access tokens end that are good now."""
    by_digest = {digest(token): token for token in access_tokens}
    found = await db.execute(
        select(SignInToken.access_digest, SignInToken.access_expires_at).where(
            col(SignInToken.access_digest).in_(by_digest),
            SignInToken.access_expires_at > now(),
            col(SignInToken.revoked_at).is_(None),
        )
    )
    return {by_digest[row.access_digest]: row.access_expires_at for row in found}


async def sign_out(db: Db, brand_id: UUID, token: str) -> None:
    """End the sign-in that this access or refresh token belongs to; nothing happens for any other text."""
    is_it = or_(col(SignInToken.access_digest) == digest(token), col(SignInToken.refresh_digest) == digest(token))
    if found := await _by_token(db, brand_id, is_it):
        await one_at_a_time(db, f"sign-in family {found[1]}")
        await revoke_family(db, found[1])


async def revoke_family(db: Db, family_id: UUID) -> None:
    """Make every token of one sign-in worthless, and wake whoever keeps a connection open for one."""
    await db.execute(
        update(SignInToken)
        .where(col(SignInToken.family_id) == family_id, col(SignInToken.revoked_at).is_(None))
        .values(revoked_at=now())
    )
    await events.wake(db, TOPIC, [family_id])


async def _by_token(db: Db, brand_id: UUID, is_it: ColumnElement[bool]) -> tuple[UUID, UUID, Driver] | None:
    found = await db.execute(
        select(SignInToken.id, SignInToken.family_id, Driver)
        .join(Driver, col(SignInToken.driver_id) == Driver.id)
        .where(is_it, Driver.brand_id == brand_id)
    )
    row = found.first()
    return (row[0], row[1], row[2]) if row else None


async def _claim(db: Db, row_id: UUID) -> bool:
    claimed = await db.execute(
        update(SignInToken)
        .where(
            col(SignInToken.id) == row_id,
            col(SignInToken.refreshed_at).is_(None),
            col(SignInToken.revoked_at).is_(None),
            col(SignInToken.refresh_expires_at) > now(),
        )
        .values(refreshed_at=now())
        .returning(col(SignInToken.id))
    )
    return len(claimed.all()) == 1


async def _lost_reply(db: Db, row_id: UUID, access_token: str) -> SignInToken | None:
    recently = select(SignInToken.id).where(
        SignInToken.id == row_id, col(SignInToken.refreshed_at) > now() - LOST_REPLY_GRACE
    )
    lost: SignInToken | None = await db.scalar(
        select(SignInToken).where(
            SignInToken.access_digest == digest(access_token),
            col(SignInToken.revoked_at).is_(None),
            recently.exists(),
        )
    )
    return lost


async def _revoke_if_reused(db: Db, row_id: UUID, family_id: UUID) -> None:
    reused = await db.scalar(
        select(SignInToken.id).where(
            SignInToken.id == row_id,
            col(SignInToken.refreshed_at).is_not(None),
            col(SignInToken.revoked_at).is_(None),
        )
    )
    if reused:
        log.warning("a used refresh token came again: its sign-in is ended", family_id=str(family_id))
        await revoke_family(db, family_id)


async def _issue(db: Db, driver: Driver, family_id: UUID, *, access_token: str, refresh_token: str) -> Tokens:
    db.add(
        SignInToken(
            driver_id=driver.id,
            family_id=family_id,
            access_digest=digest(access_token),
            refresh_digest=digest(refresh_token),
            access_expires_at=now() + ACCESS_GOOD_FOR,
            refresh_expires_at=now() + REFRESH_GOOD_FOR,
        )
    )
    await db.flush()
    return Tokens(access_token, refresh_token, int(ACCESS_GOOD_FOR.total_seconds()), driver)


def _next_pair(row_id: UUID, refresh_token: str) -> tuple[str, str]:
    access_token, successor = (sign(f"{kind} {row_id} {refresh_token}".encode()) for kind in ("access", "refresh"))
    return access_token, successor


def _seconds_left(token: SignInToken) -> int:
    return max(int((token.access_expires_at - now()).total_seconds()), 0)


def _no_token() -> Refused:
    return Refused("INVALID_TOKEN", "The refresh token is unknown, used, expired or revoked.", "refresh_token")
