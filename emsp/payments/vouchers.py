"""Vouchers: credit for whoever enters the code, each driver once. Credit pays for charges and is never paid out.

Guessing is slow: after ten wrong codes within an hour a driver has to wait. Codes that we make up have eleven
characters out of thirty, which nobody guesses; those that a brand writes itself are as good as it makes them.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, func, select

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money, is_known_currency
from emsp.payments import balance
from emsp.payments.ledger.balances import voucher_redeemed
from emsp.payments.tables import Voucher, VoucherRedemption, VoucherTry

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH, SHORTEST, LONGEST = 11, 4, 40
TRIES_MAX, TRIES_WITHIN = 10, timedelta(hours=1)
FIELD = ("input", "code")


async def add_voucher(
    db: Db,
    brand: Brand,
    *,
    amount: Money,
    code: str | None = None,
    uses_max: int | None = None,
    valid_until: datetime | None = None,
    note: str | None = None,
) -> Voucher:
    """Make a voucher; without a code one is made up. Raises Invalid naming what is wrong."""
    folded = fold(code) if code is not None else "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    if not (SHORTEST <= len(folded) <= LONGEST and folded.isascii() and folded.isalnum()):
        raise Invalid(f"must be {SHORTEST} to {LONGEST} letters and digits", "code")
    if amount.amount_minor < 1 or not is_known_currency(amount.currency):
        raise Invalid("must be more than nothing, in a known currency", "amount")
    if uses_max is not None and uses_max < 1:
        raise Invalid("must be at least 1", "uses")
    if await _by_code(db, brand.id, folded):
        raise Invalid("is that of another voucher", "code")
    voucher = Voucher(
        brand_id=brand.id,
        code=folded,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
        uses_max=uses_max,
        valid_until=valid_until,
        note=note,
    )
    db.add(voucher)
    await db.flush()
    return voucher


async def list_vouchers(db: Db, brand_id: UUID) -> list[Voucher]:
    """A brand's vouchers, the newest first."""
    query = select(Voucher).where(Voucher.brand_id == brand_id).order_by(col(Voucher.created_at).desc())
    return list((await db.execute(query)).scalars())


async def close_voucher(db: Db, brand_id: UUID, code: str) -> Voucher:
    """Let nobody redeem a voucher any more; credit that was given stays. Raises NotFound."""
    voucher = await _by_code(db, brand_id, fold(code))
    if voucher is None:
        raise NotFound(f"there is no voucher {code}")
    voucher.closed_at = voucher.closed_at or clock.now()
    return voucher


async def redeem(driver: Driver, code: str) -> Money:
    """Give a driver the credit of a voucher. Raises Refused with a code; a wrong code is counted in any case."""
    async with transaction() as db:
        await balance.lock(db, driver.id)
        await _refuse_guessing(db, driver.id)
        voucher = await _by_code(db, driver.brand_id, fold(code))
        if voucher:
            return await _redeemed(db, driver.id, voucher)
        db.add(VoucherTry(driver_id=driver.id))
    raise Refused("VOUCHER_NOT_FOUND", "There is no such voucher.", *FIELD)


def fold(code: str) -> str:
    """A code as it is kept: how people write it makes no difference."""
    return "".join(code.split()).replace("-", "").upper()


def shown(code: str) -> str:
    """A code as it is printed: in groups of four where it is one that we made up."""
    return "-".join((code[:4], code[4:8], code[8:])) if len(code) == LENGTH and set(code) <= set(LETTERS) else code


async def _redeemed(db: Db, driver_id: UUID, voucher: Voucher) -> Money:
    if await db.get(VoucherRedemption, (voucher.id, driver_id)):
        raise Refused("VOUCHER_USED", "You have used this voucher before.", *FIELD)
    if voucher.closed_at or (voucher.valid_until and voucher.valid_until <= clock.now()):
        raise Refused("VOUCHER_EXPIRED", "This voucher is not valid any more.", *FIELD)
    if voucher.uses_max is not None and voucher.uses >= voucher.uses_max:
        raise Refused("VOUCHER_USED", "This voucher has been used up.", *FIELD)
    voucher.uses += 1
    db.add(VoucherRedemption(voucher_id=voucher.id, driver_id=driver_id))
    amount = Money(voucher.amount_minor, voucher.currency)
    await voucher_redeemed(db, reference=f"{voucher.id}:{driver_id}", driver_id=driver_id, amount=amount)
    await events.emit(db, balance.BalanceGrew(driver_id=driver_id))
    return amount


async def _refuse_guessing(db: Db, driver_id: UUID) -> None:
    recent = select(func.count()).where(
        VoucherTry.driver_id == driver_id, col(VoucherTry.created_at) > clock.now() - TRIES_WITHIN
    )
    if (await db.execute(recent)).scalar_one() >= TRIES_MAX:
        raise Refused("TOO_MANY_REQUESTS", "Too many wrong codes; try again in an hour.", *FIELD)


async def _by_code(db: Db, brand_id: UUID, code: str) -> Voucher | None:
    """The voucher, its row held: it is redeemed by one driver at a time."""
    query = select(Voucher).where(Voucher.brand_id == brand_id, Voucher.code == code).with_for_update()
    return (await db.execute(query)).scalar_one_or_none()
