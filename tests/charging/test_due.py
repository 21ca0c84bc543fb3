"""A payment that fails is due: told, paid by the driver with the app in hand, and never taken twice."""

import asyncio
import random
from contextlib import suppress

import pytest

from emsp import clock
from emsp.charging.billing.collect import collect_payment
from emsp.charging.dues.due import charges_due
from emsp.charging.dues.dunning import retry_charge, retry_due
from emsp.charging.dues.mails import due_mail, paid_mail
from emsp.db.engine import transaction
from emsp.errors import NotFound, ProcessorFailed, Refused
from emsp.money import Money
from emsp.payments import charge
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards
from tests.charging.owing import (
    another_card,
    days_pass,
    dues,
    fallen_due,
    hours_until,
    mails,
    on_the_balance,
    paid_in,
    pay,
    the_charge,
)
from tests.charging.saying import books, now, receipt_of, receipts_of, record, run_jobs, say, timeline, unbalanced
from tests.charging.test_corrections import both_ways, eight, twenty
from tests.graphql import rows

PAID = {"driver": 0, "revenue": -450, "tax": -95, "processor_clearing": 545, "energy_cost": 450, "cpo": -450}
ASKS = {True, False}


async def test_that_what_was_declined_is_due_and_told(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)

    [due] = await dues(place)
    assert (due.session.id, due.amount) == (session.id, Money(345, "EUR"))
    assert (due.failure, due.failure_code) == ("Your card has insufficient funds.", "insufficient_funds")
    assert hours_until(due.next_attempt_at) == 24
    assert (await timeline(session))[-1] == "The payment was declined: Your card has insufficient funds."
    [(subject, body)] = await mails()
    assert subject == "Please pay €3.45 for your charge"
    assert "We could not take €3.45 for receipt VOLT-" in body
    assert "We try again by ourselves on " in body
    async with transaction() as db:
        assert await charges_due(db, place.driver.id) == 1
    assert (await books())["driver"] == 345


async def test_that_nothing_is_tried_again_before_its_time(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    asked = list(cards.asked)
    receipt = await receipt_of(session)
    assert receipt

    await collect_payment(receipt.id)
    await retry_due()
    await run_jobs()

    assert (cards.asked, len(await mails())) == (asked, 1)


async def test_that_the_driver_pays_with_another_card(place: Place, cards: FakeCards) -> None:
    session, other = await fallen_due(place, cards), await another_card(place)

    paying = await pay(place, session, card=other)

    assert (paying.status, paying.session.state, paying.session.state_reason) == ("PAID", "SETTLED", "Paid: 5.45 EUR.")
    assert (cards.taken(), await books(), await dues(place)) == ([200, 345], PAID, [])
    assert cards.intents["pi_1"].payment_method == other.processor_id
    again, anew = await pay(place, session, card=other), await pay(place, session, key="second")
    assert (again.status, anew.status, cards.taken()) == ("PAID", "PAID", [200, 345])


async def test_that_a_card_that_is_declined_leaves_it_due_and_is_asked_once_per_key(
    place: Place, cards: FakeCards
) -> None:
    session = await fallen_due(place, cards)
    cards.declines = True
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await pay(place, session)
        assert (refused.value.code, refused.value.message) == ("CARD_DECLINED", "Your card has insufficient funds.")
    cards.declines = False
    with pytest.raises(Refused):
        await pay(place, session)
    assert cards.taken() == [200], "the same key is the same attempt"

    assert (await pay(place, session, key="second")).status == "PAID"
    assert cards.taken() == [200, 345]


@pytest.mark.parametrize("hears", ["webhook", "app", "both"])
async def test_that_a_bank_that_asks_is_answered_in_the_app(place: Place, cards: FakeCards, hears: str) -> None:
    session = await place.held(cards, amount_minor=200, state="ENDED")
    cards.authenticates = ASKS
    await say(place, record(session))
    await run_jobs()
    [due] = await dues(place)
    assert (due.failure_code, due.amount) == ("authentication_required", Money(345, "EUR"))
    assert (await now(session)).state_reason == "Your bank asks you to confirm the payment."

    begun, asked_again = await pay(place, session), await pay(place, session)
    assert (begun.status, begun.client_secret) == ("REQUIRES_ACTION", "pi_1_secret")
    assert (asked_again.status, asked_again.client_secret) == ("REQUIRES_ACTION", "pi_1_secret")
    assert (await now(session)).state == "PAYMENT_DUE"
    cards.authenticated("pi_1")
    if hears != "app":
        await charge.intent_changed("pi_1")
        await run_jobs()
        assert (await now(session)).state == "SETTLED"
    if hears != "webhook":
        done = await pay(place, session)
        assert (done.status, done.session.state) == ("PAID", "SETTLED")

    assert (cards.taken(), await books(), await dues(place)) == ([200, 345], PAID, [])


async def test_that_a_driver_who_refuses_at_the_bank_may_try_again(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    cards.authenticates = ASKS
    await pay(place, session)
    cards.authenticated("pi_1", succeed=False)
    await charge.intent_changed("pi_1")

    [due] = await dues(place)
    assert due.failure == "You did not confirm it."
    with pytest.raises(Refused, match="You did not confirm it"):
        await pay(place, session)
    assert (await pay(place, session, key="second")).status == "REQUIRES_ACTION"
    cards.authenticated("pi_1")
    assert (await pay(place, session, key="second")).status == "PAID"
    assert cards.taken() == [200, 345]


async def test_that_it_is_tried_again_by_itself_when_its_time_has_come(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    await days_pass(1)

    await retry_due()
    await run_jobs()

    assert (await now(session)).state == "SETTLED"
    assert (cards.taken(), await books()) == ([200, 345], PAID)
    subjects = [subject for subject, _ in await mails()]
    assert subjects == ["Please pay €3.45 for your charge", "€5.45 paid: thank you"]
    assert "Nothing is due for this charge any more." in (await mails())[-1][1]


async def test_that_it_is_given_up_after_the_last_time_and_can_still_be_paid(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    cards.declines = True
    next_hours = []
    for days in (1, 2, 4, 30):
        await days_pass(days)
        await retry_due()
        await run_jobs()
        at = (await the_charge()).next_attempt_at
        next_hours.append(hours_until(at) if at else None)

    given_up = await the_charge()
    assert next_hours == [48, 96, None, None], "a day, three days and a week after it failed first"
    assert (given_up.state, given_up.attempts, given_up.given_up_at is None) == ("DUE", 4, False)
    written = await mails()
    assert ["by ourselves on" in body for _, body in written] == [True, True, True, False]
    assert "We do not try again by ourselves" in written[-1][1]
    assert (await now(session)).state == "PAYMENT_DUE"
    cards.declines = False
    assert (await pay(place, session)).status == "PAID"
    assert (cards.taken(), await books()) == ([200, 345], PAID)


async def test_that_a_driver_who_pays_while_it_is_tried_again_pays_once(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    await days_pass(1)
    charge_id = (await the_charge()).id

    outcomes = await asyncio.gather(
        retry_charge(charge_id), pay(place, session), pay(place, session, key="second"), return_exceptions=True
    )

    assert not [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, ProcessorFailed)]
    await run_jobs()
    assert (cards.taken(), await books(), (await now(session)).state) == ([200, 345], PAID, "SETTLED")


async def test_that_nothing_is_tried_while_the_driver_is_asked_by_the_bank(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    await days_pass(1)
    cards.authenticates = ASKS
    await pay(place, session)
    asked = list(cards.asked)

    await retry_due()
    await run_jobs()

    assert (cards.asked, cards.intents["pi_1"].status) == (asked, "REQUIRES_ACTION")


@pytest.mark.parametrize("webhook_first", [True, False])
async def test_that_a_payment_whose_answer_got_lost_is_found(
    place: Place, cards: FakeCards, webhook_first: bool
) -> None:
    session = await place.held(cards, amount_minor=200, state="ENDED")
    cards.times_out = ["confirm"]
    await say(place, record(session))
    await run_jobs()
    if not webhook_first:
        receipt = await receipt_of(session)
        assert receipt
        await collect_payment(receipt.id)
    for _ in range(3):
        await charge.intent_changed("pi_1")
    await run_jobs()

    assert ((await now(session)).state, cards.taken(), await books()) == ("SETTLED", [200, 345], PAID)
    assert len([asked for asked in cards.asked if asked.startswith("confirm")]) == 1


async def test_that_a_correction_changes_what_is_due(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)

    await say(place, eight(session))
    await run_jobs()

    [due] = await dues(place)
    assert (due.amount, cards.intents["pi_1"].amount_minor) == (Money(236, "EUR"), 236)
    assert (await pay(place, session)).status == "PAID"
    assert (cards.taken(), cards.given_back(), (await books())["driver"]) == ([200, 236], [], 0)


async def test_that_a_correction_that_adds_is_asked_for_together(place: Place, cards: FakeCards) -> None:
    await both_ways(place)
    session = await fallen_due(place, cards)

    await say(place, twenty(session))
    await run_jobs()

    [due] = await dues(place)
    assert due.amount == Money(889, "EUR")
    assert (await pay(place, session)).status == "PAID"
    assert (cards.taken(), (await books())["driver"], await unbalanced()) == ([200, 889], 0, {})


async def test_that_what_a_correction_adds_to_a_settled_charge_can_be_paid(place: Place, cards: FakeCards) -> None:
    await both_ways(place)
    session = await place.held(cards, state="ENDED")
    await say(place, record(session))
    await run_jobs()
    cards.declines = True
    await say(place, twenty(session))
    await run_jobs()
    [due] = await dues(place)
    assert (due.amount, due.session.state) == (Money(544, "EUR"), "SETTLED")
    cards.declines = False

    paying = await pay(place, session)

    assert (paying.status, paying.session.state) == ("PAID", "SETTLED")
    assert (cards.taken(), await dues(place)) == ([545, 544], [])


async def test_that_money_on_the_balance_pays_what_is_due(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    await on_the_balance(place, 300)

    paying = await pay(place, session)

    assert (paying.status, cards.taken()) == ("PAID", [200]), "45 cents are left, which no card is charged for"
    assert (await books())["receivable_written_off"] == 45
    assert await unbalanced() == {}


async def test_that_others_and_what_is_not_due_are_refused(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    async with transaction() as db:
        stranger = await rows.driver(db, place.driver.brand_id, "eve")
        their_card = await rows.card(db, stranger)
    running = await place.session(state="ENDED")

    with pytest.raises(NotFound):
        await pay(Place(place.partner, stranger, place.quote, place.connector), session)
    with pytest.raises(Refused) as refused:
        await pay(place, running)
    assert refused.value.code == "NOTHING_DUE"
    with pytest.raises(Refused) as refused:
        await pay(place, session, card=their_card)
    assert refused.value.code == "PAYMENT_METHOD_NOT_FOUND"
    assert cards.taken() == [200]


async def test_that_a_payment_called_off_at_the_processor_is_made_anew(place: Place, cards: FakeCards) -> None:
    session = await fallen_due(place, cards)
    cards.lapse("pi_1")
    await charge.intent_changed("pi_1")

    assert (await pay(place, session)).status == "PAID"

    assert (cards.taken(), list(cards.intents)) == ([200, 345], ["pi_0", "pi_1", "pi_2"])
    assert await books() == PAID


async def test_that_an_unknown_payment_is_nobodys(place: Place, cards: FakeCards) -> None:
    await charge.intent_changed("pi_of_somebody")


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["Please pay €3.45", "on June 3, 2025.", "Open the Volt app"]),
        ("nl", ["Betaal € 3,45", "3 juni 2025", "Open de app van Volt"]),
        ("de", ["Bitte zahlen Sie 3,45 €", "3. Juni 2025", "App von Volt"]),
        ("fr-BE", ["Merci de payer 3,45 €", "3 juin 2025", "l’application Volt"]),
        ("tr", ["Please pay €3.45", "June 3, 2025", "Open the Volt app"]),
    ],
)
def test_that_reminders_speak_the_drivers_language(language: str, says: list[str]) -> None:
    at = clock.now().replace(year=2025, month=6, day=3, hour=1)
    facts = {
        "brand": "Volt",
        "amount": Money(345, "EUR"),
        "receipt": "VOLT-2025-000001",
        "time_zone": "Europe/Amsterdam",
    }
    text = "\n".join(due_mail(language, next_attempt_at=at, **facts)).replace("\xa0", " ").replace("\u202f", " ")
    last = "\n".join(due_mail(language, next_attempt_at=None, **facts))

    assert [one for one in says if one not in text] == []
    assert "2025-000001" in last
    assert "{" not in text + last
    assert "3 juin" not in last


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "€3.45 paid: thank you"),
        ("nl-BE", "€ 3,45 betaald: dank je wel"),
        ("de", "3,45 € bezahlt: vielen Dank"),
        ("fr", "3,45 € payés : merci"),
        ("tr", "€3.45 paid: thank you"),
    ],
)
def test_that_a_late_payment_is_thanked_for_in_the_drivers_language(language: str, says: str) -> None:
    subject, body = paid_mail(language, amount=Money(345, "EUR"), receipt="VOLT-2025-000001")
    assert subject.replace("\xa0", " ").replace("\u202f", " ") == says
    assert "VOLT-2025-000001" in body


@pytest.mark.parametrize("seed", [0, 1, 2, 28])
async def test_that_whatever_happens_in_whatever_order_nothing_is_paid_twice(
    place: Place, cards: FakeCards, seed: int
) -> None:
    """Declines, retries, payments, lost answers, webhooks, corrections and money on the balance, as chance has it."""
    dice = random.Random(seed)
    session = await fallen_due(place, cards)
    records = [eight(session), twenty(session, external_id="C3"), record(session, external_id="C4", net="4.00")]

    async def attempt() -> None:
        with suppress(Refused, ProcessorFailed):
            await pay(place, session, key=dice.choice("abc"))

    async def retry() -> None:
        await days_pass(1)
        await retry_due()

    async def webhook() -> None:
        for intent in list(cards.intents):
            await charge.intent_changed(intent)

    async def correction() -> None:
        if records:
            await say(place, records.pop(dice.randrange(len(records))))

    async def top_up() -> None:
        await on_the_balance(place, dice.choice((30, 100, 500)), reference=f"{dice.random()}")

    for _ in range(12):
        cards.declines, cards.authenticates = dice.random() < 0.4, {False} if dice.random() < 0.3 else set()
        cards.times_out = ["confirm"] if dice.random() < 0.2 else []
        await dice.choice((attempt, retry, webhook, correction, top_up))()
        await run_jobs()
    cards.declines, cards.authenticates, cards.times_out = False, set(), []
    for asked in [one.processor_id for one in cards.intents.values() if one.status == "REQUIRES_ACTION"]:
        cards.authenticated(asked)
    for key in ("last", "very last"):
        with suppress(Refused, ProcessorFailed):
            await pay(place, session, key=key)
        await run_jobs()

    found, stands = await receipts_of(session), await books()
    taken = sum(cards.taken()) - sum(cards.given_back())
    assert (await now(session)).state == "SETTLED"
    assert (stands["driver"], await unbalanced(), await dues(place)) == (0, {}, [])
    assert stands["processor_clearing"] == taken + await paid_in()
    given_up = stands.get("receivable_written_off", 0)
    assert sum(one.total_minor for one in found) == sum(one.paid_minor for one in found) + given_up
