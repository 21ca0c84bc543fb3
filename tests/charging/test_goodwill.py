"""What support gives back: a credit note with a reason, the books, the money, and what a later record makes of it."""

from typing import Any

import pytest

from emsp.charging.billing.goodwill import give_goodwill
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.fleets.bill import as_csv, bills
from emsp.fleets.tables import Fleet
from emsp.money import Money
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards
from tests.charging.saying import books, now, receipts_of, record, run_jobs, say, timeline, unbalanced
from tests.charging.test_corrections import NOTHING, PAID, both_ways, credit, eight, settled, then, twenty
from tests.graphql import rows

SORRY = "The cable would not unlock."


def euros(amount_minor: int) -> Money:
    return Money(amount_minor, "EUR")


async def give(session: ChargingSession, amount_minor: int | None, reason: str = SORRY, **more: Any) -> Any:
    receipt = await give_goodwill(session.id, None if amount_minor is None else euros(amount_minor), reason, **more)
    await run_jobs()
    return receipt


async def test_that_part_of_a_charge_is_given_back(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await give(session, 200)

    first, gift = await receipts_of(session)
    assert (first.total_minor, gift.total_minor, gift.net_minor) == (545, -200, -165)
    assert (gift.corrects_id, gift.record_id, gift.reason) == (first.id, None, SORRY)
    assert gift.taxes == [{"percent": "21", "net_minor": -165, "tax_minor": -35}]
    assert (gift.sequence, gift.paid_minor) == (first.sequence + 1, -200)
    assert cards.given_back() == [200]
    assert await books() == PAID | {"revenue": -285, "tax": -60, "processor_clearing": 345}
    found = await now(session)
    assert (found.state, found.cost_so_far_minor) == ("SETTLED", 345)
    assert any(line.endswith(f"receipt {gift.number}: {SORRY}") for line in await timeline(session))
    assert await unbalanced() == {}


async def test_that_all_that_stands_is_given_back(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await give(session, 200)
    await give(session, None, "All of it, then.")

    assert [one.total_minor for one in await receipts_of(session)] == [545, -200, -345]
    assert cards.given_back() == [200, 345]
    assert await books() == PAID | {"revenue": 0, "tax": 0, "processor_clearing": 0}


async def test_that_the_same_wish_is_granted_once(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    once = await give(session, 200)
    again = await give(session, 200, f"  {SORRY} ")

    assert (once.id, cards.given_back()) == (again.id, [200])
    await give(session, 200, request_key="another")
    assert cards.given_back() == [200, 200]


async def test_that_never_more_than_what_stands_is_given(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    for amount, code in ((euros(546), "MORE_THAN_STANDS"), (Money(100, "SEK"), "OTHER_CURRENCY")):
        with pytest.raises(Refused) as refused:
            await give_goodwill(session.id, amount, SORRY)
        assert refused.value.code == code
    for amount, reason, field in ((euros(0), SORRY, "amount"), (euros(-5), SORRY, "amount"), (euros(1), " ", "reason")):
        with pytest.raises(Invalid, match=field):
            await give_goodwill(session.id, amount, reason)
    await give(session, None)
    with pytest.raises(Refused) as refused:
        await give_goodwill(session.id, None, "Once more.")

    assert (refused.value.code, cards.given_back()) == ("NOTHING_STANDS", [545])
    assert len(await receipts_of(session)) == 2


async def test_that_only_what_was_billed_can_be_given_back(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="CHARGING")
    with pytest.raises(Refused) as refused:
        await give_goodwill(session.id, None, SORRY)
    assert refused.value.code == "NOT_BILLED"
    with pytest.raises(NotFound):
        await give_goodwill(place.driver.id, None, SORRY)


async def test_that_a_key_is_of_one_charge(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    async with transaction() as db:
        fleet = await rows.added(db, Fleet(brand_id=place.driver.brand_id, name="ACME"))
    other = await place.session(state="ENDED", fleet_id=fleet.id)
    await say(place, record(other, external_id="C9"))
    await run_jobs()
    await give(session, 100, request_key="k")

    with pytest.raises(Refused) as refused:
        await give_goodwill(other.id, euros(100), SORRY, "k")
    assert refused.value.code == "KEY_REUSED"


async def test_that_a_later_record_does_not_undo_it(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await give(session, 200)
    await then(place, twenty(session))
    assert [one.total_minor for one in await receipts_of(session)] == [545, -200], "dearer, but not for the driver"

    await then(place, credit(session, "C1"), credit(session, "C2", net="-9.00"), eight(session, "C3"))
    receipts = await receipts_of(session)
    assert sum(one.total_minor for one in receipts) == 436 - 200, "4.36 by the record, and 2.00 of it given"
    last = [(line["line"]["kind"], line["amount_minor"]) for line in receipts[-1].lines if not line.get("taken_back")]
    assert last == [("ENERGY", 436), ("REFUND", -200)]
    assert sum(cards.taken()) - sum(cards.given_back()) == 236
    assert await unbalanced() == {}


async def test_that_a_credit_of_the_operator_after_it_gives_back_the_rest_only(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    await give(session, 200)
    await then(place, credit(session))

    assert [one.total_minor for one in await receipts_of(session)] == [545, -200, -345]
    assert (cards.given_back(), await books()) == ([200, 345], NOTHING)


async def test_that_a_charge_made_free_stays_free(place: Place, cards: FakeCards) -> None:
    await both_ways(place)
    session = await settled(place, cards)
    await give(session, None)
    await then(place, twenty(session))

    assert sum(one.total_minor for one in await receipts_of(session)) == 0
    assert (cards.taken(), cards.given_back()) == ([545], [545])


async def test_that_a_fleet_gets_it_on_its_bill(place: Place, cards: FakeCards) -> None:
    async with transaction() as db:
        fleet = await rows.added(db, Fleet(brand_id=place.driver.brand_id, name="ACME"))
    session = await place.session(state="ENDED", fleet_id=fleet.id)
    await say(place, record(session))
    await run_jobs()
    await give(session, 200)

    [_, gift] = await receipts_of(session)
    async with transaction() as db:
        month = gift.issued_at.strftime("%Y-%m")
        [view] = await bills(db, fleet, month)
    assert (view.total, cards.given_back()) == (euros(345), [])
    assert "CORRECTION" in as_csv([view])
