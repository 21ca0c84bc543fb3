"""Sign-in codes: six digits by e-mail, good for ten minutes, five tries and one use.

Nothing here looks whether the address belongs to a driver, so known and unknown addresses cannot be told apart.
Everything about one address happens one request at a time: neither the limit on codes nor the limit on tries can
be passed by asking in parallel.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text
from sqlmodel import col, update

from emsp import logs
from emsp.accounts.drivers import Home, read_address
from emsp.accounts.mail import sign_in_mail, write_mail
from emsp.accounts.tables import SignInCode
from emsp.clock import now
from emsp.db.engine import Db
from emsp.errors import Refused
from emsp.settings import settings
from emsp.vault import digest

GOOD_FOR = timedelta(minutes=10)
MAX_TRIES = 5
LIMITS = ((5, timedelta(minutes=15)), (20, timedelta(days=1)))
log = logs.log(__name__)


async def request_code(db: Db, brand: Home, email: str, language: str | None = None) -> None:
    """Write a sign-in code to `email`, in `language` where the brand speaks it, else in the brand's first.

    Raises Invalid naming `email`, and Refused TOO_MANY_REQUESTS past 5 codes in 15 minutes or 20 in a day.
    """
    address = read_address(email)
    await one_at_a_time(db, f"sign-in code {brand.id} {address}")
    await _refuse_too_many(db, brand.id, address)
    code = f"{secrets.randbelow(10**6):06}"
    spoken = _spoken(brand.languages, language or "")
    db.add(
        SignInCode(
            brand_id=brand.id,
            email=address,
            language=spoken,
            code_digest=_digest(brand.id, address, code),
            expires_at=now() + GOOD_FOR,
        )
    )
    subject, body = sign_in_mail(brand.name, code, int(GOOD_FOR.total_seconds()) // 60, spoken)
    await write_mail(db, recipient=address, subject=subject, body=body, sender_name=brand.name)
    if settings().show_sign_in_codes:
        log.info("sign-in code", email=address, code=code)


async def claim_code(db: Db, brand_id: UUID, address: str, code: str) -> str | None:
    """Use up `code`: the language it was asked for in, or None when it is not a good code.

    One statement counts the try and judges it, so that a try is counted before anyone learns its outcome. The
    caller commits in both cases. A try counts against every open code of the address; the right one closes them all.
    """
    await one_at_a_time(db, f"sign-in code {brand_id} {address}")
    is_right = col(SignInCode.code_digest) == _digest(brand_id, address, code)
    tried = await db.execute(
        update(SignInCode)
        .where(*_open_codes(brand_id, address))
        .values(attempts=SignInCode.attempts + 1, used_at=case((is_right, now())))
        .returning(col(SignInCode.language), col(SignInCode.used_at))
    )
    languages = [language for language, used_at in tried if used_at is not None]
    if not languages:
        return None
    await db.execute(update(SignInCode).where(*_open_codes(brand_id, address)).values(used_at=now()))
    return str(languages[0])


def _spoken(languages: list[str], wanted: str) -> str:
    """The brand's language that is `wanted`, region and all or at least without it."""
    by_name = {language.partition("-")[0].lower(): language for language in reversed(languages)}
    by_name |= {language.lower(): language for language in languages}
    first = languages[0] if languages else "en"
    return by_name.get(wanted.lower()) or by_name.get(wanted.partition("-")[0].lower(), first)


async def one_at_a_time(db: Db, what: str) -> None:
    """Wait until no other transaction is busy with `what`, on any machine."""
    await db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})


async def _refuse_too_many(db: Db, brand_id: UUID, address: str) -> None:
    for most, span in LIMITS:
        recent = await db.scalar(
            select(func.count())
            .select_from(SignInCode)
            .where(
                col(SignInCode.brand_id) == brand_id,
                col(SignInCode.email) == address,
                col(SignInCode.created_at) > now() - span,
            )
        )
        if (recent or 0) >= most:
            raise Refused("TOO_MANY_REQUESTS", "Too many codes were asked for; try again later.", "email")


def _open_codes(brand_id: UUID, address: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SignInCode.brand_id) == brand_id,
        col(SignInCode.email) == address,
        col(SignInCode.used_at).is_(None),
        col(SignInCode.attempts) < MAX_TRIES,
        col(SignInCode.expires_at) > now(),
    )


def _digest(brand_id: UUID, address: str, code: str) -> str:
    return digest(f"{brand_id} {address} {code}")
