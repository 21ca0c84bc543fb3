"""Vouchers: credit once a driver, as often as the brand wants, and no guessing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select, update

from emsp import clock
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money
from emsp.payments import ledger, vouchers
from emsp.payments.ledger.balances import MARKETING
from emsp.payments.tables import Voucher, VoucherTry
from tests.graphql import rows
from tests.payments.conftest import Person, eur


async def voucher(person: Person, code: str | None = "SUMMER-10", **facts: Any) -> Voucher:
    async with transaction() as db:
        return await vouchers.add_voucher(db, person.brand, amount=eur(1000), code=code, **facts)


async def refusal(person: Person, code: str) -> str:
    with pytest.raises(Refused) as refused:
        await vouchers.redeem(person.driver, code)
    assert refused.value.field == ["input", "code"]
    return refused.value.code


async def test_that_a_voucher_is_credit_once_however_its_code_is_written(ada: Person) -> None:
    await voucher(ada)

    assert await vouchers.redeem(ada.driver, " summer 10") == eur(1000)
    assert await refusal(ada, "SUMMER10") == "VOUCHER_USED"

    assert await ada.figures() == (0, 1000, 0)
    async with transaction() as db:
        assert await ledger.balance(db, MARKETING, "EUR") == eur(1000)
        assert await ledger.imbalance(db) == {}


async def test_that_a_voucher_is_used_as_often_as_it_may_and_by_nobody_after(ada: Person) -> None:
    await voucher(ada, uses_max=2)
    async with transaction() as db:
        others = [await rows.driver(db, ada.brand.id, f"driver{number}") for number in range(4)]

    given = await asyncio.gather(*(vouchers.redeem(other, "summer10") for other in others), return_exceptions=True)

    assert [one for one in given if isinstance(one, Money)] == [eur(1000)] * 2
    assert [one.code for one in given if isinstance(one, Refused)] == ["VOUCHER_USED"] * 2
    async with transaction() as db:
        assert (await vouchers.list_vouchers(db, ada.brand.id))[0].uses == 2
        assert await ledger.balance(db, MARKETING, "EUR") == eur(2000)


async def test_that_what_is_over_or_closed_is_expired_and_what_another_brand_gives_is_not_there(ada: Person) -> None:
    await voucher(ada, "OVER", valid_until=clock.now() - timedelta(seconds=1))
    await voucher(ada, "SHUT")
    async with transaction() as db:
        await vouchers.close_voucher(db, ada.brand.id, "shut")
        stroom = await rows.added(db, Brand(slug="stroom", name="Stroom", languages=["nl"]))
        await vouchers.add_voucher(db, stroom, amount=eur(500), code="THEIRS")

    assert [await refusal(ada, code) for code in ("over", "shut", "theirs", "")] == [
        "VOUCHER_EXPIRED",
        "VOUCHER_EXPIRED",
        "VOUCHER_NOT_FOUND",
        "VOUCHER_NOT_FOUND",
    ]
    assert await ada.figures() == (0, 0, 0)


async def test_that_who_guesses_has_to_wait(ada: Person) -> None:
    await voucher(ada)
    async with transaction() as db:
        ben = await rows.driver(db, ada.brand.id, "ben")

    wrong = await asyncio.gather(*(refusal(ada, f"guess {number}") for number in range(12)))

    assert sorted(wrong) == ["TOO_MANY_REQUESTS"] * 2 + ["VOUCHER_NOT_FOUND"] * 10
    assert await refusal(ada, "summer10") == "TOO_MANY_REQUESTS", "also the right one"
    assert await vouchers.redeem(ben, "summer10") == eur(1000)
    async with transaction() as db:
        assert len((await db.execute(select(VoucherTry))).all()) == 10
        await db.execute(update(VoucherTry).values(created_at=clock.now() - timedelta(minutes=61)))
    assert await vouchers.redeem(ada.driver, "summer10") == eur(1000)


async def test_that_a_code_that_is_made_up_is_hard_to_guess_and_easy_to_read(ada: Person) -> None:
    codes = {(await voucher(ada, None)).code for _ in range(5)}

    assert len(codes) == 5
    assert all(len(code) == 11 and not set(code) & set("01OIL") for code in codes)
    assert await vouchers.redeem(ada.driver, vouchers.shown(codes.pop()).lower()) == eur(1000)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"code": "abc"}, "code"),
        ({"code": "with/slash"}, "code"),
        ({"code": "summer10"}, "code"),
        ({"code": "FINE", "uses_max": 0}, "uses"),
        ({"code": "FINE", "amount": eur(0)}, "amount"),
        ({"code": "FINE", "amount": Money(100, "XXX")}, "amount"),
    ],
)
async def test_that_a_voucher_that_makes_no_sense_is_refused(ada: Person, facts: dict[str, Any], field: str) -> None:
    await voucher(ada)

    with pytest.raises(Invalid) as wrong:
        async with transaction() as db:
            await vouchers.add_voucher(db, ada.brand, **({"amount": eur(1000)} | facts))

    assert wrong.value.field == field


async def test_that_only_what_is_there_is_closed(ada: Person) -> None:
    with pytest.raises(NotFound):
        async with transaction() as db:
            await vouchers.close_voucher(db, ada.brand.id, "nothing")
