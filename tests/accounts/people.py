"""Who signs in, and what they find in their mailbox."""

import re

from sqlalchemy import text
from sqlmodel import col, select

from emsp.accounts.codes import request_code
from emsp.accounts.tables import Mail
from emsp.accounts.tokens import Tokens, refresh, sign_in
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Refused

ADA = "ada@example.com"


async def outbox(recipient: str) -> list[Mail]:
    """The e-mails to `recipient`, oldest first."""
    async with transaction() as db:
        return list(await db.scalars(select(Mail).where(Mail.recipient == recipient).order_by(col(Mail.created_at))))


async def ask_for_code(brand: Brand, email: str = ADA, language: str | None = None) -> str:
    """The code that came by e-mail."""
    async with transaction() as db:
        await request_code(db, brand, email, language)
    newest = (await outbox(email.strip().lower()))[-1]
    return re.findall(r"\b\d{6}\b", newest.body)[0]


def another(code: str) -> str:
    """A code that is not `code`."""
    return f"{(int(code) + 1) % 10**6:06}"


async def enter(brand: Brand, code: str, email: str = ADA) -> Tokens | Refused:
    """One try, committed whatever comes of it."""
    async with transaction() as db:
        return await sign_in(db, brand, email, code)


async def signed_in(brand: Brand, email: str = ADA) -> Tokens:
    """A driver's tokens, fresh."""
    tokens = await enter(brand, await ask_for_code(brand, email), email)
    assert isinstance(tokens, Tokens)
    return tokens


async def renew(brand: Brand, refresh_token: str) -> Tokens | Refused:
    """One refresh, committed whatever comes of it."""
    async with transaction() as db:
        return await refresh(db, brand.id, refresh_token)


async def change(statement: str) -> None:
    """Change rows by hand, such as to let time pass."""
    async with transaction() as db:
        await db.execute(text(statement))


async def count(table: str) -> int:
    """How many rows a table has."""
    async with transaction() as db:
        return int(await db.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
