"""Saved cards: which one pays, and which one may go."""

from typing import Any

import pytest

from emsp.db.engine import transaction
from emsp.errors import Invalid, KeyReused, Refused
from emsp.payments import auto_top_up
from emsp.payments import cards as saved
from emsp.payments.ports import Setup
from emsp.payments.tables import Charge, Hold, PaymentMethod
from tests.charging.saying import run_jobs
from tests.graphql import rows
from tests.payments.conftest import Cards, Person, eur


async def another_card(person: Person) -> PaymentMethod:
    async with transaction() as db:
        card = await rows.card(db, person.driver)
        card.is_default = False
        return card


async def left(person: Person) -> list[tuple[str, bool]]:
    async with transaction() as db:
        return [(one.processor_id, one.is_default) for one in await saved.methods_of(db, person.id)]


async def remove(person: Person, card: PaymentMethod) -> None:
    async with transaction() as db:
        await saved.remove_card(db, person.id, card.id)


async def test_that_a_removed_card_is_forgotten_and_the_newest_other_one_pays(ada: Person, cards: Cards) -> None:
    second, third = await another_card(ada), await another_card(ada)

    await remove(ada, ada.card)
    await run_jobs()

    assert await left(ada) == [(third.processor_id, True), (second.processor_id, False)]
    assert cards.removed == [ada.card.processor_id]
    with pytest.raises(Refused) as gone:
        await remove(ada, ada.card)
    assert gone.value.code == "PAYMENT_METHOD_NOT_FOUND"


async def test_that_another_default_is_chosen_and_there_is_one(ada: Person) -> None:
    second = await another_card(ada)

    async with transaction() as db:
        await saved.set_default(db, ada.id, second.id)

    assert await left(ada) == [(second.processor_id, True), (ada.card.processor_id, False)]


@pytest.mark.parametrize("state", ["NEW", "CREATED", "HELD", "CAPTURED", "RELEASED", "DECLINED"])
async def test_that_a_card_with_money_held_on_it_stays(ada: Person, state: str) -> None:
    facts: dict[str, Any] = {"driver_id": ada.id, "payment_method_id": ada.card.id, "currency": "EUR"}
    async with transaction() as db:
        await rows.added(db, Hold(reference="charge", state=state, amount_minor=1000, **facts))

    if state in ("NEW", "CREATED", "HELD"):
        await _refused(ada, "held")
    else:
        await remove(ada, ada.card)


@pytest.mark.parametrize("state", ["NEW", "CREATED", "DUE", "PAID"])
async def test_that_a_card_with_something_due_on_it_stays(ada: Person, state: str) -> None:
    facts: dict[str, Any] = {"driver_id": ada.id, "payment_method_id": ada.card.id, "currency": "EUR"}
    async with transaction() as db:
        await rows.added(db, Charge(reference="receipt", state=state, amount_minor=1000, **facts))

    if state == "PAID":
        await remove(ada, ada.card)
    else:
        await _refused(ada, "due")


async def test_that_the_card_of_the_automatic_top_up_stays(ada: Person) -> None:
    async with transaction() as db:
        await auto_top_up.set_auto_top_up(
            db, ada.brand, ada.driver, below=eur(500), amount=eur(2000), payment_method_id=None
        )
    await _refused(ada, "automatic top-up")


async def test_that_another_drivers_card_looks_like_none(ada: Person, cards: Cards) -> None:
    async with transaction() as db:
        ben = await rows.driver(db, ada.brand.id, "ben")
        his = await rows.card(db, ben)

    for act in (saved.remove_card, saved.set_default):
        with pytest.raises(Refused) as refused:
            async with transaction() as db:
                await act(db, ada.id, his.id)
        assert refused.value.code == "PAYMENT_METHOD_NOT_FOUND"

    async with transaction() as db:
        assert [one.id for one in await saved.methods_of(db, ben.id)] == [his.id]
    assert cards.removed == []


async def test_that_a_key_that_came_with_another_card_is_named(ada: Person, cards: Cards) -> None:
    async def create_setup(**_: Any) -> Setup:
        raise KeyReused("idempotent requests can only be used with the same parameters")

    cards.create_setup = create_setup  # type: ignore[attr-defined]

    with pytest.raises(Invalid) as wrong:
        await saved.begin_card(ada.driver, card_token="pm_card_mastercard", idempotency_key="key")

    assert (wrong.value.field, wrong.value.message) == ("idempotency_key", "was sent before, with another card")


async def _refused(person: Person, says: str) -> None:
    with pytest.raises(Refused) as refused:
        await remove(person, person.card)
    assert (refused.value.code, refused.value.field) == ("PAYMENT_METHOD_IN_USE", ["input", "paymentMethodId"])
    assert says in refused.value.message
    assert [one for one, _ in await left(person)] == [person.card.processor_id]
