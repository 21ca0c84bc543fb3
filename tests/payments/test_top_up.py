"""Paying in: one payment per wish, whoever hears of it first, and by itself when the balance is low."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select, update

from emsp import clock
from emsp.accounts.tables import Mail
from emsp.db.engine import transaction
from emsp.errors import Declined, Invalid, Refused
from emsp.money import Money
from emsp.payments import auto_top_up, balance, top_up
from emsp.payments.cards import wish_for
from emsp.payments.ledger import imbalance
from emsp.payments.tables import AutoTopUp, TopUp
from tests.charging.saying import run_jobs
from tests.graphql import rows
from tests.payments.conftest import Cards, Person, eur


async def pay_in(person: Person, minor: int, key: str = "key", **wish: Any) -> top_up.ToppedUp:
    wanted = {"amount": eur(minor), "payment_method_id": None, "idempotency_key": key} | wish
    return await top_up.top_up(person.brand, person.driver, **wanted)


async def the_top_ups() -> list[tuple[str, int]]:
    async with transaction() as db:
        found = (await db.execute(select(TopUp).order_by(TopUp.created_at))).scalars()  # type: ignore[arg-type]
        return [(row.state, row.amount_minor) for row in found]


async def mails() -> list[Mail]:
    async with transaction() as db:
        return list((await db.execute(select(Mail))).scalars())


async def test_that_what_is_paid_in_is_on_the_balance_once(ada: Person, cards: Cards) -> None:
    done = [await pay_in(ada, 2000) for _ in range(3)]

    assert {one.top_up.state for one in done} == {"PAID"}
    assert {one.top_up.id for one in done} == {done[0].top_up.id}
    assert (cards.taken(), len(cards.wishes), len(cards.confirmed)) == ([2000], 1, 1)
    assert cards.confirmed[0][1] is False, "the driver is there"
    assert await ada.figures() == (2000, 0, 0)
    async with transaction() as db:
        assert await imbalance(db) == {}


async def test_that_two_taps_at_once_pay_once(ada: Person, cards: Cards) -> None:
    await asyncio.gather(*(pay_in(ada, 2000) for _ in range(4)))

    assert cards.taken() == [2000]
    assert await ada.figures() == (2000, 0, 0)


async def test_that_a_key_stands_for_one_amount_and_one_card(ada: Person, cards: Cards) -> None:
    await pay_in(ada, 2000)

    with pytest.raises(Invalid, match="with another amount"):
        await pay_in(ada, 3000)
    with pytest.raises(Invalid, match="with another card"):
        await pay_in(ada, 2000, payment_method_id=uuid4())
    await pay_in(ada, 2000, payment_method_id=ada.card.id)

    assert (cards.taken(), await the_top_ups()) == ([2000], [("PAID", 2000)])
    await pay_in(ada, 3000, key="another")
    assert await ada.figures() == (5000, 0, 0)


async def test_that_the_app_goes_on_when_the_bank_asks_and_the_webhook_completes_it(ada: Person, cards: Cards) -> None:
    cards.says = "REQUIRES_ACTION"
    begun, again = await pay_in(ada, 2000), await pay_in(ada, 2000)
    processor_id = begun.top_up.processor_id or ""
    assert (begun.client_secret, again.client_secret) == ("secret", "secret")
    assert (await the_top_ups(), await ada.figures()) == ([("CREATED", 2000)], (0, 0, 0))

    cards.become(processor_id, "SUCCEEDED")
    for _ in range(2):
        await top_up.intent_changed(processor_id)
    await top_up.intent_changed("pi_of_something_else")

    assert (await the_top_ups(), await ada.figures()) == ([("PAID", 2000)], (2000, 0, 0))
    assert (await pay_in(ada, 2000)).client_secret is None


async def test_that_asking_again_completes_it_without_a_webhook(ada: Person, cards: Cards) -> None:
    cards.says = "REQUIRES_ACTION"
    begun = await pay_in(ada, 2000)
    cards.become(begun.top_up.processor_id or "", "SUCCEEDED")

    done = await pay_in(ada, 2000)

    assert (done.top_up.state, done.client_secret) == ("PAID", None)
    assert (len(cards.confirmed), await ada.figures()) == (1, (2000, 0, 0))


async def test_that_a_decline_takes_nothing_and_cannot_succeed_later(ada: Person, cards: Cards) -> None:
    cards.says = "DECLINED"

    for _ in range(2):
        with pytest.raises(Declined, match="insufficient funds"):
            await pay_in(ada, 2000)

    assert [intent.status for intent in cards.intents.values()] == ["CANCELED"]
    assert (await the_top_ups(), await ada.figures()) == ([("FAILED", 2000)], (0, 0, 0))
    assert len(cards.confirmed) == 1, "the bank is asked once a key"


async def test_that_a_worker_that_died_between_two_steps_pays_once(ada: Person, cards: Cards) -> None:
    async with transaction() as db:
        row = await top_up.open_top_up(db, reference="r", method=ada.card, amount=eur(2000))
    created = await cards.create_charge(await _wish(row))
    await top_up.go_on(row.id)
    assert list(cards.intents) == [created.processor_id], "its id was not kept, so the same one is made again"

    async with transaction() as db:
        await db.execute(update(TopUp).values(state="CREATED"))
    await top_up.go_on(row.id)

    assert (cards.taken(), await ada.figures()) == ([2000], (2000, 0, 0))


async def _wish(row: TopUp) -> Any:
    async with transaction() as db:
        return await wish_for(db, row, f"top-up-{row.id}")


async def test_that_what_the_driver_left_behind_is_given_up_and_what_was_paid_is_booked(
    ada: Person, cards: Cards
) -> None:
    cards.says = "REQUIRES_ACTION"
    left, paid = await pay_in(ada, 1000, "left"), await pay_in(ada, 2000, "paid")
    fresh = await pay_in(ada, 3000, "fresh")
    cards.become(paid.top_up.processor_id or "", "SUCCEEDED")
    long_ago = {"created_at": clock.now() - timedelta(hours=2), "updated_at": clock.now() - timedelta(hours=2)}
    async with transaction() as db:
        await db.execute(update(TopUp).where(TopUp.id != fresh.top_up.id).values(**long_ago))  # type: ignore[arg-type]

    await top_up.take_up_again()

    states = {intent.processor_id: intent.status for intent in cards.intents.values()}
    assert states[left.top_up.processor_id or ""] == "CANCELED"
    assert states[fresh.top_up.processor_id or ""] == "REQUIRES_ACTION"
    assert sorted(await the_top_ups()) == [("CANCELED", 1000), ("CREATED", 3000), ("PAID", 2000)]
    assert await ada.figures() == (2000, 0, 0)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (eur(499), "AMOUNT_TOO_SMALL"),
        (eur(-500), "AMOUNT_TOO_SMALL"),
        (eur(50_001), "AMOUNT_TOO_LARGE"),
        (Money(2000, "USD"), "CURRENCY_NOT_OFFERED"),
    ],
)
async def test_that_amounts_have_limits(ada: Person, cards: Cards, amount: Money, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await pay_in(ada, 0, amount=amount)

    assert (refused.value.code, refused.value.field[:2]) == (code, ["input", "amount"])
    assert (await the_top_ups(), cards.wishes) == ([], [])


async def test_that_a_balance_has_a_limit_and_a_card_is_the_drivers_own(ada: Person, cards: Cards) -> None:
    await ada.pays_in(99_000)

    with pytest.raises(Refused) as too_much:
        await pay_in(ada, 1001)
    with pytest.raises(Refused) as not_theirs:
        await pay_in(ada, 1000, payment_method_id=uuid4())

    assert (too_much.value.code, not_theirs.value.code) == ("AMOUNT_TOO_LARGE", "PAYMENT_METHOD_NOT_FOUND")
    assert cards.wishes == []
    await pay_in(ada, 1000)
    assert await ada.figures() == (100_000, 0, 0)


async def wish_for_more(person: Person, below: int = 500, amount: int = 2000) -> AutoTopUp:
    async with transaction() as db:
        return await auto_top_up.set_auto_top_up(
            db, person.brand, person.driver, below=eur(below), amount=eur(amount), payment_method_id=None
        )


async def use(person: Person, minor: int) -> None:
    async with transaction() as db:
        key = uuid4().hex
        await balance.use(db, reference=key, receipt=key, driver_id=person.id, owed=eur(minor))


async def test_that_a_balance_that_falls_is_topped_up_without_the_driver(ada: Person, cards: Cards) -> None:
    await ada.pays_in(1000)
    await wish_for_more(ada)
    await run_jobs()
    await use(ada, 500)
    await run_jobs()
    assert (cards.taken(), await ada.figures()) == ([], (500, 0, 0)), "5.00 is not below 5.00"

    await use(ada, 1)
    await run_jobs()
    await auto_top_up.refill(ada.id)

    assert (cards.taken(), [off for _, off in cards.confirmed]) == ([2000], [True])
    assert await ada.figures() == (2499, 0, 0)


async def test_that_it_is_topped_up_at_once_when_it_is_low_already(ada: Person, cards: Cards) -> None:
    await wish_for_more(ada)
    await run_jobs()
    assert (cards.taken(), await ada.figures()) == ([2000], (2000, 0, 0))


@pytest.mark.parametrize("says", ["DECLINED", "REQUIRES_ACTION"])
async def test_that_a_card_that_says_no_pauses_it_and_the_driver_is_told(ada: Person, cards: Cards, says: str) -> None:
    cards.says = says
    await ada.pays_in(600)
    await wish_for_more(ada)
    await use(ada, 200)
    await run_jobs()
    await auto_top_up.refill(ada.id)
    await use(ada, 100)
    await run_jobs()

    assert (cards.taken(), len(cards.confirmed), await the_top_ups()) == ([], 1, [("FAILED", 2000)])
    [mail] = await mails()
    assert (mail.recipient, mail.subject) == ("ada@example.com", "Volt: your automatic top-up is paused")
    assert "20.00 EUR" in mail.body
    assert "4.00 EUR" in mail.body

    cards.says = "SUCCEEDED"
    assert (await wish_for_more(ada)).paused_at is None
    await run_jobs()
    assert (cards.taken(), await ada.figures(), len(await mails())) == ([2000], (2300, 0, 0), 1)


async def test_that_a_worker_that_died_after_the_decline_pauses_it_and_asks_the_bank_no_second_time(
    ada: Person, cards: Cards
) -> None:
    cards.says = "DECLINED"
    await wish_for_more(ada)
    await run_jobs()
    async with transaction() as db:
        await db.execute(update(AutoTopUp).values(paused_at=None))

    await auto_top_up.refill(ada.id)

    async with transaction() as db:
        wish = await auto_top_up.auto_top_up_of(db, ada.id)
    assert wish
    assert wish.paused_at
    assert len(cards.confirmed) == 1


async def test_that_what_is_cancelled_does_nothing_more(ada: Person, cards: Cards) -> None:
    await ada.pays_in(1000)
    await wish_for_more(ada)
    async with transaction() as db:
        await auto_top_up.cancel_auto_top_up(db, ada.id)
    await use(ada, 1000)
    await run_jobs()

    assert (cards.wishes, await ada.figures()) == ([], (0, 0, 0))
    with pytest.raises(Refused, match="no automatic"):
        async with transaction() as db:
            await auto_top_up.cancel_auto_top_up(db, ada.id)


@pytest.mark.parametrize(
    ("below", "amount", "code", "field"),
    [
        (0, 2000, "AMOUNT_TOO_SMALL", "below"),
        (2001, 2000, "AMOUNT_TOO_SMALL", "amount"),
        (100, 499, "AMOUNT_TOO_SMALL", "amount"),
        (100, 50_001, "AMOUNT_TOO_LARGE", "amount"),
    ],
)
async def test_that_a_wish_has_limits(ada: Person, below: int, amount: int, code: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        await wish_for_more(ada, below, amount)
    assert (refused.value.code, refused.value.field) == (code, ["input", field])


async def test_that_another_drivers_card_pays_nothing(ada: Person, cards: Cards) -> None:
    async with transaction() as db:
        ben = await rows.driver(db, ada.brand.id, "ben")
        his = await rows.card(db, ben)

    with pytest.raises(Refused) as refused:
        await pay_in(ada, 2000, payment_method_id=his.id)

    assert (refused.value.code, cards.wishes) == ("PAYMENT_METHOD_NOT_FOUND", [])
