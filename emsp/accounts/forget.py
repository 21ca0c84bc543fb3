"""What is no longer of use about people is deleted: spent codes, ended sign-ins, old e-mails."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, delete

from emsp.accounts import vehicles
from emsp.accounts.tables import Mail, SignInCode, SignInToken
from emsp.clock import now
from emsp.db.engine import transaction

CODES_KEPT_FOR = timedelta(days=1)
MAIL_KEPT_FOR = timedelta(days=30)


async def forget_expired() -> None:
    """Job: delete codes after a day (limits look back no further), ended tokens, mail and removed cars after 30."""
    async with transaction() as db:
        await db.execute(delete(SignInCode).where(col(SignInCode.created_at) < now() - CODES_KEPT_FOR))
        await db.execute(delete(SignInToken).where(col(SignInToken.refresh_expires_at) < now()))
        await db.execute(delete(Mail).where(col(Mail.created_at) < now() - MAIL_KEPT_FOR))
        await vehicles.forget_removed(db)
