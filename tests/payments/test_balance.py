"""The balance: credit first, set apart for one charge, never less than nothing, never used twice."""

import asyncio
from uuid import uuid4

from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import balance
from emsp.payments.ledger import imbalance
from tests.payments.conftest import Person, a_person, eur


async def reserve(person: Person, reference: str, minor: int) -> int:
    async with transaction() as db:
        up_to = eur(minor)
        return (await balance.reserve(db, reference=reference, driver_id=person.id, up_to=up_to)).amount_minor


async def use(person: Person, reference: str, receipt: str, minor: int, *, only_reserved: bool = False) -> int:
    async with transaction() as db:
        taken = await balance.use(
            db,
            reference=reference,
            receipt=receipt,
            driver_id=person.id,
            owed=eur(minor),
            only_reserved=only_reserved,
        )
        return taken.amount_minor


async def give_back(person: Person, reference: str, minor: int, *receipts: str) -> bool:
    async with transaction() as db:
        return await balance.give_back(
            db, reference=reference, driver_id=person.id, amount=eur(minor), receipts=receipts
        )


async def test_that_credit_is_used_before_money_and_what_is_left_is_left(ada: Person) -> None:
    await ada.pays_in(1000)
    await ada.is_given(300)

    assert await reserve(ada, "charge", 800) == 800
    assert await ada.figures() == (1000, 300, 800)
    assert (await ada.has()).available == eur(500)
    assert await use(ada, "charge", "receipt", 700) == 700

    assert await ada.figures() == (600, 0, 0)
    async with transaction() as db:
        assert await balance.used(db, ["receipt", "another"]) == {"receipt": eur(700)}
        assert await balance.balances_of(db, ada.id) == [eur(600)]
        assert await imbalance(db) == {}


async def test_that_the_same_is_asked_any_number_of_times(ada: Person) -> None:
    await ada.pays_in(1000)

    assert [await reserve(ada, "charge", 400) for _ in range(2)] == [400, 400]
    assert await reserve(ada, "charge", 900) == 400, "the first answer stands"
    assert [await use(ada, "charge", "receipt", 300) for _ in range(3)] == [300, 300, 300]
    assert await reserve(ada, "charge", 400) == 0, "it is over"
    assert [await give_back(ada, "receipt", 100) for _ in range(2)] == [True, False]

    assert await ada.figures() == (800, 0, 0)


async def test_that_no_charge_uses_what_is_set_apart_for_another(ada: Person) -> None:
    await ada.pays_in(1000)
    await reserve(ada, "first", 700)

    assert await reserve(ada, "second", 700) == 300
    assert await use(ada, "second", "r2", 900) == 300, "nothing of the first one's"
    assert await use(ada, "first", "r1", 900) == 700

    assert await ada.figures() == (0, 0, 0)


async def test_that_a_charge_that_costs_more_than_was_set_apart_uses_what_is_free(ada: Person) -> None:
    await ada.pays_in(1000)
    for charge in ("one", "other"):
        await reserve(ada, charge, 200)

    assert await use(ada, "one", "r1", 500, only_reserved=True) == 200
    assert await use(ada, "other", "r2", 500) == 500

    assert await ada.figures() == (300, 0, 0)


async def test_that_what_is_released_is_free_again_and_told_once(ada: Person) -> None:
    await ada.pays_in(500)
    await reserve(ada, "charge", 500)

    async with transaction() as db:
        told = [await balance.release(db, reference) for reference in ("charge", "charge", "unknown")]

    assert told == [eur(500), None, None]
    assert (await ada.has()).available == eur(500)


async def test_that_who_has_nothing_pays_nothing_and_may_pay_later(ada: Person) -> None:
    assert await reserve(ada, "charge", 500) == 0
    assert await use(ada, "charge", "receipt", 500) == 0
    async with transaction() as db:
        assert (await balance.used(db, ["receipt"]), await balance.balances_of(db, ada.id)) == ({}, [])
    await ada.pays_in(200)

    assert await use(ada, "charge", "receipt", 500) == 200


async def test_that_credit_does_not_become_money_by_being_given_back(ada: Person) -> None:
    await ada.is_given(300)
    await ada.pays_in(1000)
    assert await use(ada, "charge", "receipt", 500) == 500

    assert await give_back(ada, "correction", 400, "receipt", "correction")

    assert await ada.figures() == (1000, 200, 0), "the 2.00 of money first, then credit"
    async with transaction() as db:
        assert await balance.used(db, ["receipt", "correction"]) == {"receipt": eur(500), "correction": eur(-400)}


async def test_that_what_nobody_knows_the_origin_of_becomes_credit(ada: Person) -> None:
    assert await give_back(ada, "goodwill", 250)
    assert await ada.figures() == (0, 250, 0)


async def test_that_currencies_are_apart(ada: Person) -> None:
    await ada.pays_in(500)

    async with transaction() as db:
        crowns = Money(5000, "SEK")
        assert await balance.reserve(db, reference="a", driver_id=ada.id, up_to=crowns) == Money(0, "SEK")
        used = await balance.use(db, reference="a", receipt="r", driver_id=ada.id, owed=crowns)
        assert used == Money(0, "SEK")

    assert await ada.figures() == (500, 0, 0)


async def test_that_ten_charges_at_once_never_use_more_than_there_is(ada: Person) -> None:
    await ada.pays_in(1000)
    other = await a_person("ben")
    await other.pays_in(50)

    reserved = await asyncio.gather(*(reserve(ada, f"charge {number}", 300) for number in range(10)))
    assert sorted(reserved) == [0] * 6 + [100, 300, 300, 300]
    used = await asyncio.gather(*(use(ada, f"charge {number}", f"r{number}", 300) for number in range(10)))

    assert sum(used) == 1000
    assert await ada.figures() == (0, 0, 0)
    assert await other.figures() == (50, 0, 0)


async def test_that_two_workers_with_the_same_receipt_use_it_once(ada: Person) -> None:
    await ada.pays_in(1000)
    receipt = uuid4().hex

    used = await asyncio.gather(*(use(ada, "charge", receipt, 400) for _ in range(5)))

    assert used == [400] * 5
    assert await ada.figures() == (600, 0, 0)
