"""What was paid in and not used goes back to the cards that it came from; credit does not."""

from uuid import uuid4

from emsp.db.engine import transaction
from emsp.payments import balance, top_up, wallet, wallet_pay_back
from emsp.payments.ledger import imbalance
from tests.payments.conftest import Cards, Person, eur


async def paid_in(person: Person, *amounts: int) -> list[str]:
    """By card; the processor's ids."""
    ids = []
    for minor in amounts:
        done = await top_up.top_up(
            person.brand, person.driver, amount=eur(minor), payment_method_id=None, idempotency_key=uuid4().hex
        )
        ids.append(done.top_up.processor_id or "")
    return ids


async def use(person: Person, minor: int) -> None:
    async with transaction() as db:
        key = uuid4().hex
        await balance.use(db, reference=key, receipt=key, driver_id=person.id, owed=eur(minor))


async def events_of(person: Person) -> list[tuple[str, int]]:
    async with transaction() as db:
        page = await wallet.entries(db, person.id, first=50)
    return [(entry.event, entry.amount.amount_minor) for entry in page.rows]


async def test_that_unused_money_goes_back_to_the_last_payments_first(ada: Person, cards: Cards) -> None:
    first, second = await paid_in(ada, 2000, 1000)
    await ada.is_given(500)
    await use(ada, 1000)  # 5.00 of credit, 5.00 of money

    sent = await wallet_pay_back.pay_back(ada.id)

    assert [(one.payment_id, one.amount_minor, one.state) for one in sent] == [
        (second, 1000, "DONE"),
        (first, 1500, "DONE"),
    ]
    assert await ada.figures() == (0, 0, 0)
    assert await wallet_pay_back.pay_back(ada.id) == []
    async with transaction() as db:
        assert await imbalance(db) == {}


async def test_that_credit_and_what_is_set_apart_stay(ada: Person, cards: Cards) -> None:
    await paid_in(ada, 2000)
    await ada.is_given(300)
    async with transaction() as db:
        await balance.reserve(db, reference="charge", driver_id=ada.id, up_to=eur(800))

    [sent] = await wallet_pay_back.pay_back(ada.id)

    assert sent.amount_minor == 1500, "of 23.00 there are 8.00 set apart, 3.00 of them credit"
    assert await ada.figures() == (500, 300, 800)


async def test_that_money_on_its_way_cannot_be_used_and_leaves_when_it_arrived(ada: Person, cards: Cards) -> None:
    cards.repays = "PENDING"
    await paid_in(ada, 2000)
    [sent] = await wallet_pay_back.pay_back(ada.id)
    assert (sent.state, await ada.figures()) == ("SENT", (2000, 0, 2000))
    await use(ada, 500)
    assert await wallet_pay_back.pay_back(ada.id) == []

    [repayment] = cards.repayments.values()
    cards.repayments[repayment.processor_id] = type(repayment)(
        processor_id=repayment.processor_id, status="SUCCEEDED", amount_minor=repayment.amount_minor
    )
    for _ in range(2):
        await wallet_pay_back.take_up_again()

    assert await ada.figures() == (0, 0, 0)
    assert await events_of(ada) == [("balance_paid_back", -2000), ("top_up_received", 2000)]


async def test_that_what_no_card_takes_stays_on_the_balance(ada: Person, cards: Cards) -> None:
    cards.repays = "FAILED"
    await paid_in(ada, 2000)

    [sent] = await wallet_pay_back.pay_back(ada.id)

    assert (sent.state, await ada.figures()) == ("FAILED", (2000, 0, 0))
    assert (await ada.has()).available == eur(2000)
    cards.repays = "SUCCEEDED"
    await wallet_pay_back.pay_back(ada.id)
    assert await ada.figures() == (0, 0, 0)


async def test_that_money_that_comes_back_is_on_the_balance_again(ada: Person, cards: Cards) -> None:
    await paid_in(ada, 2000)
    [sent] = await wallet_pay_back.pay_back(ada.id)
    async with transaction() as db:
        (await db.get_one(type(sent), sent.id)).state = "FAILED"

    for _ in range(2):
        await wallet_pay_back.refund_changed(sent.id)

    assert await ada.figures() == (2000, 0, 0)
    assert (await events_of(ada))[0] == ("balance_pay_back_returned", 2000)
