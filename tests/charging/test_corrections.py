"""What comes after the bill: credits and re-rated records, in the receipt, the books, the points and the money."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from emsp.brands.tables import Brand
from emsp.charging.billing.collect import collect_payment
from emsp.charging.billing.settle import settle_charge
from emsp.charging.lifecycle import State
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.db.engine import transaction
from emsp.errors import ProcessorFailed
from emsp.fleets.bill import as_csv, bills
from emsp.fleets.tables import Fleet
from emsp.loyalty.points import award, balance
from emsp.payments.tables import Refund
from emsp.settings import settings
from tests.charging.conftest import END, START, Place
from tests.charging.outside import FakeCards
from tests.charging.saying import (
    books,
    now,
    receipt_of,
    receipts_of,
    record,
    report,
    run_jobs,
    say,
    timeline,
    unbalanced,
)
from tests.graphql import rows

PAID = {"driver": 0, "revenue": -450, "tax": -95, "processor_clearing": 545, "energy_cost": 450, "cpo": -450}
"""The books of ten kilowatt-hours for 4.50 EUR and 21 % VAT that are billed, bought and paid."""
NOTHING = dict.fromkeys(PAID, 0)
LATER = END + timedelta(minutes=5)
UNCHANGED = "The operator's records of this charge changed; your receipt is unchanged."


def credit(session: ChargingSession, of: str | None = "C1", **facts: Any) -> Any:
    values = {"external_id": f"{of}-C", "credit": True, "credits_external_id": of, "updated_at": LATER, "net": "-4.50"}
    return record(session, **(values | facts))


def eight(session: ChargingSession, external_id: str = "C2", **facts: Any) -> Any:
    """The same hour with eight kilowatt-hours: 3.60 EUR, and 4.36 EUR with VAT."""
    return record(
        session, **({"external_id": external_id, "net": "3.60", "energy_wh": 8000, "updated_at": LATER} | facts)
    )


def twenty(session: ChargingSession, external_id: str = "C2", **facts: Any) -> Any:
    """The same hour with twenty kilowatt-hours: 9.00 EUR, and 10.89 EUR with VAT."""
    return record(
        session, **({"external_id": external_id, "net": "9.00", "energy_wh": 20_000, "updated_at": LATER} | facts)
    )


async def settled(place: Place, cards: FakeCards) -> ChargingSession:
    session = await place.held(cards, state="CHARGING", external_id="S1", external_key="s1")
    ended = report(session, "COMPLETED", minutes=60, energy_wh=Decimal(10_000), ended_at=END)
    await say(place, ended, record(session))
    await run_jobs()
    assert (await books(), cards.taken()) == (PAID, [545])
    return session


async def then(place: Place, *said: Any) -> None:
    """What the operator says next, each with all that follows from it."""
    for one in said:
        await say(place, one)
        await run_jobs()


async def both_ways(place: Place) -> None:
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        brand.price_policy = {"late_corrections": "BOTH_WAYS"}


def amounts(receipt: Receipt) -> list[tuple[str, int, bool]]:
    """A receipt's lines: what for, how much, and whether they are taken back."""
    return [(one["line"]["kind"], one["amount_minor"], one.get("taken_back", False)) for one in receipt.lines]


async def points(place: Place) -> int:
    async with transaction() as db:
        return await balance(db, place.driver.id)


async def refunds() -> list[tuple[str, int]]:
    async with transaction() as db:
        found = await db.execute(Refund.__table__.select().order_by(Refund.__table__.c.created_at))  # type: ignore[attr-defined]
        return [(row.state, row.amount_minor) for row in found]


async def test_that_a_credit_gives_everything_back(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, credit(session))

    first, correction = await receipts_of(session)
    assert (first.net_minor, first.total_minor, first.paid_minor, first.corrects_id) == (450, 545, 545, None)
    assert (correction.net_minor, correction.total_minor, correction.paid_minor) == (-450, -545, -545)
    assert (correction.corrects_id, correction.sequence) == (first.id, 2)
    assert amounts(correction) == [("ENERGY", -545, True)]
    assert correction.lines[0]["line"] == first.lines[0]["line"]
    assert correction.taxes == [{"percent": "21", "net_minor": -450, "tax_minor": -95}]
    assert correction.verification["reason"] == "CREDITED"
    assert (await books(), cards.given_back(), await refunds()) == (NOTHING, [545], [("DONE", 545)])
    assert ((await now(session)).state, await points(place)) == ("SETTLED", 0)
    assert (await timeline(session))[-4:] == [
        "The operator credited this charge.",
        f"Corrected by -5.45 EUR, receipt {correction.number}; the charge now costs 0.00 EUR.",
        "10 points were taken back.",
        "Given back to your card: 5.45 EUR.",
    ]


async def test_that_a_credit_and_a_smaller_record_give_the_difference_back(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await say(place, credit(session), eight(session))
    await run_jobs()

    first, correction = await receipts_of(session)
    assert (correction.net_minor, correction.total_minor, correction.paid_minor) == (-90, -109, -109)
    assert amounts(correction) == [("ENERGY", -545, True), ("ENERGY", 436, False)]
    assert correction.taxes == [{"percent": "21", "net_minor": -90, "tax_minor": -19}]
    assert correction.verification["result"] == "AGREES"
    assert first.total_minor + correction.total_minor == 436
    assert (cards.taken(), cards.given_back()) == ([545], [109])
    assert await books() == {
        "driver": 0,
        "revenue": -360,
        "tax": -76,
        "processor_clearing": 436,
        "energy_cost": 360,
        "cpo": -360,
    }
    found = await now(session)
    assert (found.state, found.energy_wh, found.cost_so_far_minor, await points(place)) == ("SETTLED", 8000, 436, 8)


async def test_that_the_replacement_may_come_before_the_credit(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, eight(session), credit(session))
    assert [one.total_minor for one in await receipts_of(session)] == [545, -109]
    assert (cards.taken(), cards.given_back()) == ([545], [109])
    assert (await timeline(session))[-1] == UNCHANGED


async def test_that_the_credit_may_come_before_what_it_takes_back(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await then(place, credit(session), record(session))
    found = await now(session)
    assert (found.state, await receipts_of(session), cards.taken(), await books()) == ("IN_REVIEW", [], [], {})
    assert (found.state_reason or "").startswith("The operator took back its record of this charge.")

    await then(place, eight(session))
    assert ((await now(session)).state, cards.taken(), cards.given_back()) == ("SETTLED", [436], [])
    assert [one.total_minor for one in await receipts_of(session)] == [436]


async def test_that_a_credit_that_names_nobody_is_found_with_its_record(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    nobody = {"authorization_reference": None, "token_uid": None}
    await then(place, credit(session, of="c1", **nobody), record(session), eight(session))
    assert [one.total_minor for one in await receipts_of(session)] == [436]
    assert (await timeline(session)).count("The operator credited this charge.") == 1


async def test_that_credit_and_replacement_before_the_bill_make_one_receipt(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session), credit(session), eight(session))
    await run_jobs()
    assert [one.total_minor for one in await receipts_of(session)] == [436]
    assert (cards.taken(), cards.given_back(), (await books())["cpo"]) == ([436], [], -360)


async def test_that_a_credit_waits_a_while_for_what_replaces_it(
    place: Place, cards: FakeCards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMSP_CREDIT_WAIT_S", "600")
    settings.cache_clear()
    session = await settled(place, cards)
    await then(place, credit(session))
    assert (len(await receipts_of(session)), cards.given_back()) == (1, [])

    await then(place, eight(session))
    assert [one.total_minor for one in await receipts_of(session)] == [545, -109]
    assert (cards.taken(), cards.given_back()) == ([545], [109])


async def test_that_a_record_sent_again_with_another_content_is_billed_as_it_is_now(
    place: Place, cards: FakeCards
) -> None:
    session = await settled(place, cards)
    await then(place, *[eight(session, "C1")] * 2)
    assert [one.total_minor for one in await receipts_of(session)] == [545, -109]
    assert cards.given_back() == [109]
    said = await timeline(session)
    assert said.count("The operator sent its record of this charge again with another content.") == 1

    await then(place, record(session))
    assert len(await receipts_of(session)) == 2, "what came before, to the letter, is not news"
    await then(place, record(session, updated_at=LATER + timedelta(minutes=1)))
    assert [one.total_minor for one in await receipts_of(session)] == [545, -109, 109]
    assert ((await books()), cards.taken()) == (PAID, [545, 109])


async def test_that_another_price_asked_changes_our_account_and_not_the_receipt(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, record(session, net="4.00", updated_at=LATER))
    assert [one.total_minor for one in await receipts_of(session)] == [545]
    assert await books() == PAID | {"energy_cost": 400, "cpo": -400}
    assert ((await timeline(session))[-1], cards.given_back()) == (UNCHANGED, [])


async def test_that_a_second_record_of_the_same_time_is_billed_once(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session), eight(session))
    await run_jobs()
    assert ([one.total_minor for one in await receipts_of(session)], cards.taken()) == ([436], [436])
    assert (await books())["cpo"] == -360


async def test_that_a_second_record_of_another_time_is_left_to_our_support(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, twenty(session, ended_at=END + timedelta(hours=2)))
    assert ([one.total_minor for one in await receipts_of(session)], await books()) == ([545], PAID)
    assert (await timeline(session))[-1] == (
        "The operator sent a second record, for another time; it is not billed, and our support looks at it."
    )
    assert (await now(session)).energy_wh == 10_000

    await then(place, credit(session))
    assert [one.total_minor for one in await receipts_of(session)] == [545], "it stands now, and is no dearer than that"
    assert ((await now(session)).energy_wh, (await books())["cpo"]) == (20_000, -900)


async def test_that_a_driver_never_pays_more_than_at_first(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, twenty(session))
    assert ([one.total_minor for one in await receipts_of(session)], cards.taken()) == ([545], [545])
    assert await books() == PAID | {"energy_cost": 900, "cpo": -900}

    await then(place, credit(session), credit(session, "C2", net="-9.00"), twenty(session, "C3"))
    first, back, again = await receipts_of(session)
    assert (first.total_minor, back.total_minor, again.total_minor) == (545, -545, 545)
    assert amounts(again) == [("ENERGY", 1089, False), ("GOODWILL", -544, False)]
    assert (again.net_minor, again.taxes) == (450, [{"percent": "21", "net_minor": 450, "tax_minor": 95}])
    assert (cards.taken(), cards.given_back(), await points(place)) == ([545, 545], [545], 20)

    await then(place, eight(session, "C4"))
    last = (await receipts_of(session))[-1]
    assert amounts(last) == [("ENERGY", -1089, True), ("GOODWILL", 544, True), ("ENERGY", 436, False)]
    assert (last.total_minor, cards.given_back()) == (-109, [545, 109])


async def test_that_a_brand_may_charge_corrections_both_ways(place: Place, cards: FakeCards) -> None:
    await both_ways(place)
    session = await settled(place, cards)
    await then(place, twenty(session))
    first, correction = await receipts_of(session)
    assert amounts(correction) == [("ENERGY", -545, True), ("ENERGY", 1089, False)]
    assert (first.paid_minor, correction.total_minor, correction.paid_minor) == (545, 544, 544)
    assert cards.taken() == [545, 544]
    assert (await books()) == {
        "driver": 0,
        "revenue": -900,
        "tax": -189,
        "processor_clearing": 1089,
        "energy_cost": 900,
        "cpo": -900,
    }

    await then(place, credit(session, "C2", net="-9.00"), credit(session))
    assert cards.given_back() == [544, 545], "first what was taken last"
    assert await books() == NOTHING


async def test_that_a_correction_that_cannot_be_charged_leaves_the_charge_settled(
    place: Place, cards: FakeCards
) -> None:
    await both_ways(place)
    session = await settled(place, cards)
    cards.declines = True
    await then(place, twenty(session))
    found = await now(session)
    assert (found.state, (await receipts_of(session))[-1].paid_minor, (await books())["driver"]) == ("SETTLED", 0, 544)
    assert "insufficient funds" in (await timeline(session))[-1]


async def test_that_a_credit_twice_is_a_credit_once(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, credit(session), credit(session), credit(session, external_id="C1-D"))
    assert [one.total_minor for one in await receipts_of(session)] == [545, -545]
    assert (await books(), cards.given_back(), await points(place)) == (NOTHING, [545], 0)


async def test_that_a_correction_is_corrected_in_turn(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(
        place, eight(session), credit(session), credit(session, "C2", net="-3.60"), record(session, external_id="C3")
    )
    found = await receipts_of(session)
    assert [one.total_minor for one in found] == [545, -109, -436, 545]
    assert [one.corrects_id for one in found[1:]] == [found[0].id] * 3
    assert [one.sequence for one in found] == [1, 2, 3, 4]
    assert amounts(found[2]) == [("ENERGY", -436, True)]
    assert amounts(found[3]) == [("ENERGY", 545, False)]
    assert (await books(), await points(place)) == (PAID, 10)
    assert (cards.taken(), cards.given_back()) == ([545, 545], [109, 436])


async def test_that_a_later_record_that_cannot_be_is_not_billed(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, record(session, energy_wh=10_000_000, updated_at=LATER))
    assert ([one.total_minor for one in await receipts_of(session)], await books()) == ([545], PAID)
    assert ((await now(session)).state, (await now(session)).energy_wh) == ("SETTLED", 10_000)
    assert (await timeline(session))[-1] == (
        "The operator's new record cannot be right. 10000 kWh in 60 minutes is more than 22 kW can give. "
        "Your receipt is unchanged."
    )


async def test_that_another_currency_is_not_set_against_the_first(place: Place, cards: FakeCards) -> None:
    async with transaction() as db:
        (await db.merge(place.quote)).tariff = None
    session = await settled_as_asked(place, cards)
    await then(place, record(session, currency="SEK", net="40.00", gross_cost=Decimal("50.00"), updated_at=LATER))
    assert [one.currency for one in await receipts_of(session)] == ["EUR"]
    assert "It is in SEK, and the receipt in EUR." in (await timeline(session))[-1]
    assert await unbalanced() == {}


async def settled_as_asked(place: Place, cards: FakeCards) -> ChargingSession:
    session = await place.held(cards, state="ENDED")
    await then(place, record(session))
    assert (await receipts_of(session))[0].total_minor == 545
    return session


async def test_that_a_fleet_sees_the_correction_on_its_bill(place: Place, cards: FakeCards) -> None:
    async with transaction() as db:
        fleet: Fleet = await rows.fleet(db, place.driver)
    session = await place.session(state="ENDED", fleet_id=fleet.id)
    await then(place, record(session), eight(session))

    first, correction = await receipts_of(session)
    async with transaction() as db:
        [view] = await bills(db, fleet, f"{correction.issued_at:%Y-%m}")
    assert [(one.receipt_number, one.total_minor, one.energy_wh) for one in view.lines] == [
        (first.number, 545, 10_000),
        (correction.number, -109, -2000),
    ]
    assert (view.total.amount_minor, view.net.amount_minor) == (436, 360)
    assert [(tax.percent, tax.net.amount_minor, tax.tax.amount_minor) for tax in view.taxes] == [(Decimal(21), 360, 76)]
    [total] = view.driver_totals
    assert (total.charges, total.energy_wh, total.total.amount_minor) == (1, 8000, 436)
    head, charge, corrected = as_csv([view]).splitlines()
    assert (head.split(",")[-1], charge.split(",")[-1], corrected.split(",")[-1]) == ("kind", "CHARGE", "CORRECTION")
    assert corrected.split(",")[7:12] == ["-2000", "-0.90", "-0.19", "-1.09", "EUR"]
    assert (await refunds(), (await now(session)).state, await points(place)) == ([], "SETTLED", 8)
    assert (await books())["fleet"] == 436
    assert correction.paid_minor == 0


async def test_that_what_is_due_sinks_instead_of_being_given_back(place: Place, cards: FakeCards) -> None:
    session = await due(place, cards)
    await then(place, eight(session))
    found = await receipts_of(session)
    assert ([one.total_minor for one in found], [one.paid_minor for one in found]) == ([545, -109], [200, 0])
    assert ((await now(session)).state, cards.given_back(), (await books())["driver"]) == ("PAYMENT_DUE", [], 236)


async def test_that_a_charge_that_is_due_and_credited_is_settled(place: Place, cards: FakeCards) -> None:
    session = await due(place, cards)
    await then(place, credit(session))
    assert ((await now(session)).state, (await now(session)).state_reason) == ("SETTLED", "Nothing is due any more.")
    assert (cards.taken(), cards.given_back(), await books(), await points(place)) == ([200], [200], NOTHING, 0)


async def due(place: Place, cards: FakeCards) -> ChargingSession:
    """A charge of 5.45 EUR of which 2 EUR were held and the rest was declined."""
    session = await place.held(cards, amount_minor=200, state="ENDED")
    cards.declines = True
    await then(place, record(session))
    assert ((await now(session)).state, cards.taken()) == ("PAYMENT_DUE", [200])
    return session


async def test_that_money_taken_twice_goes_back_by_both_ways(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=200, state="ENDED")
    await then(place, record(session), credit(session))
    assert (cards.taken(), cards.given_back(), await books()) == ([200, 345], [345, 200], NOTHING)


async def test_that_a_refund_that_fails_is_told_and_the_next_correction_pays_it(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    cards.repays = "FAILED"
    await then(place, eight(session))
    assert (await refunds(), (await books())["driver"]) == ([("FAILED", 109)], -109)
    failed = "1.09 EUR could not be given back to your card; our support takes care of it."
    assert (await timeline(session)).count(failed) == 1

    cards.repays = "SUCCEEDED"
    await then(place, credit(session, "C2", net="-3.60"), credit(session))
    assert (cards.given_back(), await refunds()) == ([545], [("FAILED", 109), ("DONE", 545)])
    assert [one.paid_minor for one in await receipts_of(session)] == [545, 0, 0, -545]
    assert await books() == NOTHING


async def test_that_a_refund_on_its_way_is_looked_at_again(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    cards.repays = "PENDING"
    await then(place, credit(session))
    assert (await refunds(), (await books())["driver"]) == ([("SENT", 545)], -545)

    [(reference, made)] = cards.repayments.items()
    cards.repayments[reference] = type(made)(processor_id=made.processor_id, status="SUCCEEDED", amount_minor=545)
    for _ in range(2):
        await collect_payment((await receipts_of(session))[0].id)
    assert (await refunds(), await books(), len(cards.repayments)) == ([("DONE", 545)], NOTHING, 1)


async def test_that_a_processor_that_does_not_answer_is_asked_again(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    cards.repays = ProcessorFailed("no answer")
    await then(place, credit(session))
    assert await refunds() == [("NEW", 545)]

    cards.repays = "SUCCEEDED"
    await collect_payment((await receipts_of(session))[-1].id)
    assert (await refunds(), cards.given_back(), await books()) == ([("DONE", 545)], [545], NOTHING)


async def test_that_every_job_may_run_twice_in_any_order(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await then(place, eight(session), credit(session), credit(session, "C2", net="-3.60"))
    before = await timeline(session)
    for _ in range(2):
        for record_id in reversed(await record_ids(session)):
            await settle_charge(record_id)
        for receipt in reversed(await receipts_of(session)):
            await collect_payment(receipt.id)
    assert [one.total_minor for one in await receipts_of(session)] == [545, -109, -436]
    assert (await books(), cards.given_back(), await timeline(session)) == (NOTHING, [109, 436], before)


async def record_ids(session: ChargingSession) -> list[UUID]:
    async with transaction() as db:
        found = await db.execute(ChargeRecord.__table__.select().where(ChargeRecord.session_id == session.id))  # type: ignore[attr-defined]
        return [row.id for row in found]


async def test_that_points_are_never_fewer_than_none(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    async with transaction() as db:
        await award(db, driver_id=place.driver.id, points=-7, reference="a coffee")
    await then(place, credit(session))
    assert await points(place) == 0
    await then(place, record(session, external_id="C2", updated_at=LATER))
    assert await points(place) == 3, "seven are spent"


async def test_that_a_rejected_charge_stays_without_a_bill(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="FAILED")
    await then(place, record(session), credit(session), eight(session))
    assert (await receipts_of(session), await books(), cards.taken()) == ([], {}, [])


@pytest.mark.parametrize("seed", range(8))
async def test_that_any_sequence_ends_with_what_stands(place: Place, cards: FakeCards, seed: int) -> None:
    """Under either policy: the driver's net is what stands, the books are even, the money is where they say it is."""
    chance = random.Random(seed)
    if may_rise := bool(seed % 2):
        await both_ways(place)
    session = await place.held(cards, amount_minor=chance.choice([200, 2000]), state="ENDED")
    await then(place, record(session))
    standing: dict[str, int] = {"C1": 10_000}
    for number in range(2, 7):
        at = END + timedelta(minutes=number)
        if standing and chance.random() < 0.4:
            name = chance.choice(sorted(standing))
            await then(
                place, credit(session, name, net=f"-{Decimal(standing.pop(name)) * 45 / 100_000}", updated_at=at)
            )
        else:
            name, energy_wh = f"C{number}", chance.choice([4000, 8000, 10_000, 20_000])
            standing[name] = energy_wh
            net = str(Decimal(energy_wh) * 45 / 100_000)
            await then(place, record(session, external_id=name, net=net, energy_wh=energy_wh, updated_at=at))

    energy_wh = [*standing.values(), 0][len(standing) - 1] if standing else 0
    net_minor = energy_wh * 45 // 1000
    full_minor = {0: 0, 4000: 218, 8000: 436, 10_000: 545, 20_000: 1089}[energy_wh]
    owed_minor = full_minor if may_rise else min(full_minor, 545)
    found = await receipts_of(session)
    assert sum(one.total_minor for one in found) == sum(one.paid_minor for one in found) == owed_minor
    assert all(sum(line["amount_minor"] for line in one.lines) == one.total_minor for one in found)
    assert sum(cards.taken()) - sum(cards.given_back()) == owed_minor
    account = await books()
    assert (account["driver"], account["processor_clearing"], account["cpo"]) == (0, owed_minor, -net_minor)
    assert -account["revenue"] - account["tax"] == owed_minor
    assert (await unbalanced(), (await now(session)).state) == ({}, State.SETTLED)
    assert await points(place) == energy_wh // 1000


async def test_that_the_first_receipt_is_what_a_session_shows(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    before = await receipt_of(session)
    await then(place, credit(session))
    after = await receipt_of(session)
    assert before == after
    assert START < END
