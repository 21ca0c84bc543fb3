"""Charges that a card or a car began: taken on from what the operator says, paid and billed like any other."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from emsp.charging.elsewhere.look_again import look_again
from emsp.charging.ports import StopCommand
from emsp.charging.tables import Authorization
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.fleets.members import add_fleet
from emsp.pricing.tables import Quote
from tests.charging import cards_and_cars as at_the_pole
from tests.charging.cards_and_cars import EMAID, begun, charges, recorded, tapped, the_charge
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.saying import kept_records, receipt_of, run_jobs, say, timeline, unbalanced
from tests.graphql import rows

NO_PRICE = "No price was shown before it began; the price that applies is the one of that moment."


async def test_that_a_card_s_charge_is_paid_as_any_other(place: Place, network: FakeNetwork, cards: FakeCards) -> None:
    await at_the_pole.a_card(place)
    await at_the_pole.a_payment_card(place)
    start = begun()

    await say(place, tapped(start=start))
    charge = await the_charge()
    assert (charge.state, charge.origin, charge.payment_flow) == ("CHARGING", "CARD", "HOLD")
    assert (charge.driver_id, charge.evse_id, charge.external_id) == (place.driver.id, place.connector.evse_id, "S1")
    assert (charge.started_at, charge.energy_wh, charge.cost_so_far_minor) == (start, 1000, 54)
    assert (await timeline(charge))[:2] == ["Your card started this charge.", NO_PRICE]

    await run_jobs()
    assert "is held on your card." in (await timeline(charge))[-1]
    over = {"minutes": 15, "energy_wh": Decimal(5000), "ended_at": start + timedelta(minutes=15)}
    await say(place, tapped("COMPLETED", start=start, **over))
    assert (await the_charge()).state == "ENDED"
    await say(place, recorded(start=start))
    await run_jobs()

    assert (await the_charge()).state == "SETTLED"
    receipt = await receipt_of(charge)
    assert receipt is not None
    assert receipt.total_minor == 272, "5 kWh at 0.45 and 21 % VAT"
    assert cards.taken() == [272], "of the hold, once"
    assert network.commands == []
    assert await unbalanced() == {}


async def test_that_the_price_is_that_of_the_moment_at_which_it_began(place: Place) -> None:
    await at_the_pole.a_card(place)
    start = begun()
    await say(place, tapped(start=start))
    async with transaction() as db:
        quote = await db.get_one(Quote, (await the_charge()).quote_id)
    assert quote.created_at == start
    assert quote.driver_id == place.driver.id
    assert quote.worst_case_minor is not None


@pytest.mark.parametrize(
    "named",
    [
        {"token_uid": EMAID, "contract_id": None},
        {"token_uid": "NL-EMP-C00000009", "contract_id": None},
        {"token_uid": "AA:BB:CC:DD:EE:FF", "contract_id": "NL-EMP-C00000009"},
    ],
)
async def test_that_a_car_is_known_by_its_contract(place: Place, named: dict[str, Any]) -> None:
    await at_the_pole.a_car(place)
    await say(place, tapped(**named))
    charge = await the_charge()
    assert charge.origin == "CAR"
    assert (await timeline(charge))[0] == "Your car started this charge."


async def test_that_our_answer_says_whose_card_it_was(place: Place) -> None:
    card = await at_the_pole.a_card(place)
    async with transaction() as db:
        allowed = Authorization(
            reference="f00d", charge_token_id=card.id, partner_id=place.partner.id, allowed="ALLOWED"
        )
        db.add(allowed)
    await say(place, tapped(authorization_reference="F00D", token_uid=None, contract_id=None))
    assert (await the_charge()).charge_token_id == card.id


async def test_that_each_use_of_an_answer_is_a_charge_of_its_own(place: Place) -> None:
    """Some operators keep an answer for hours and show its reference again."""
    await at_the_pole.a_card(place)
    first, second = begun() - timedelta(hours=2), begun()
    await say(place, tapped("COMPLETED", start=first, ended_at=first + timedelta(minutes=10)))
    await say(place, tapped(start=second, external_id="S2"))
    assert [charge.external_id for charge in await charges()] == ["S1", "S2"]


async def test_that_a_record_without_a_session_is_a_charge(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    await at_the_pole.a_card(place)
    await at_the_pole.a_payment_card(place)
    await say(place, recorded(start=begun() - timedelta(days=3)))
    await run_jobs()

    charge = await the_charge()
    assert (charge.state, charge.energy_wh) == ("SETTLED", 5000), charge.state_reason
    assert cards.taken() == [272]
    await say(place, tapped("COMPLETED", start=begun() - timedelta(days=3)))
    assert len(await charges()) == 1, "the session that comes after its record is the same charge"


async def test_that_a_session_said_twice_is_one_charge(place: Place) -> None:
    await at_the_pole.a_card(place)
    start = begun()
    await say(place, tapped(start=start), tapped(start=start, minutes=12), recorded(start=start))
    assert len(await charges()) == 1


async def test_that_a_start_by_app_and_a_card_at_the_same_plug_are_one_charge(place: Place) -> None:
    card = await at_the_pole.a_card(place)
    start = begun()
    asked = await place.session(state="AWAITING_PLUG", created_at=start - timedelta(minutes=1))
    await say(place, tapped(start=start))

    charge = await the_charge()
    assert charge.id == asked.id
    assert (charge.state, charge.origin, charge.charge_token_id) == ("CHARGING", "APP", card.id)
    assert "it is the charge that you asked for" in (await timeline(charge))[0]
    await say(place, recorded(start=start))
    assert len(await charges()) == 1


async def test_that_a_second_session_of_one_plug_in_is_not_billed(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    await at_the_pole.a_card(place)
    await at_the_pole.a_payment_card(place)
    start = begun()
    by_app = await place.session(state="CHARGING", external_id="S0", external_key="s0", started_at=start)
    with pytest.raises(Invalid, match="another charge of the same driver is open"):
        await say(place, tapped(start=start))
    await say(place, recorded(start=start))
    await run_jobs()

    assert [charge.id for charge in await charges()] == [by_app.id]
    assert await kept_records() == {"C1": None}
    assert await receipt_of(by_app) is None
    assert (await timeline(by_app))[-1] == (
        "The operator has a second session of the same time here, S1; it is not billed."
    )
    assert cards.taken() == []


async def test_that_one_charge_after_the_other_is_two(place: Place) -> None:
    await at_the_pole.a_card(place)
    start = begun()
    before = start - timedelta(hours=1)
    await place.session(
        state="ENDED", external_id="S0", external_key="s0", started_at=before, ended_at=start - timedelta(minutes=5)
    )
    await say(place, tapped(start=start))
    assert [charge.origin for charge in await charges()] == ["APP", "CARD"]


@pytest.mark.parametrize(
    "said",
    [
        {"status": "PENDING"},
        {"status": "INVALID"},
        {"status": "RESERVATION"},
        {"status": "COMPLETED", "energy_wh": Decimal(0)},
        {"token_uid": "04FFFFFF", "contract_id": None},
    ],
)
async def test_that_what_is_no_charge_of_ours_is_none(place: Place, said: dict[str, Any]) -> None:
    await at_the_pole.a_card(place)
    await say(place, tapped(**said))
    assert await charges() == []


async def test_that_a_charge_at_an_unknown_place_waits_for_the_place(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    await at_the_pole.a_card(place)
    await at_the_pole.a_payment_card(place)
    with pytest.raises(Invalid, match="location_id: the place of this charge is not known yet"):
        await say(place, tapped(location_id="L2"))
    await say(place, recorded(location_id="L2"))
    await look_again()
    assert await charges() == []
    assert await kept_records() == {"C1": None}

    async with transaction() as db:
        evse = await rows.evse(db, await rows.station(db, place.partner.id, 2), 1)
        await rows.connector(db, evse)
    await look_again()
    await look_again()
    await run_jobs()
    assert ((await the_charge()).state, (await the_charge()).evse_id) == ("SETTLED", evse.id)
    assert cards.taken() == [272]


async def test_that_a_card_of_nobody_is_nobody_s_charge(place: Place) -> None:
    await at_the_pole.a_card(place, driver_id=None)
    with pytest.raises(Invalid, match="belongs to nobody"):
        await say(place, tapped())
    await say(place, recorded())
    assert await charges() == []


async def test_that_a_blocked_card_is_stopped_and_what_it_took_is_paid(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    await at_the_pole.a_card(place, blocked_at=begun())
    await at_the_pole.a_payment_card(place)
    start = begun()
    await say(place, tapped(start=start))
    await run_jobs()

    charge = await the_charge()
    assert (charge.state, charge.payment_flow) == ("STOPPING", "AFTER")
    assert charge.state_reason == "It may not charge here, so it is being stopped: The card is blocked."
    assert [type(command) for command in network.commands] == [StopCommand]
    await say(place, recorded(start=start))
    await run_jobs()
    assert (await the_charge()).state == "SETTLED"
    assert cards.taken() == [272]


async def test_that_what_we_allowed_goes_on(place: Place, network: FakeNetwork, cards: FakeCards) -> None:
    card = await at_the_pole.a_card(place)
    async with transaction() as db:
        db.add(Authorization(reference="f00d", charge_token_id=card.id, partner_id=place.partner.id, allowed="ALLOWED"))
        (await db.get_one(type(place.driver), place.driver.id)).blocked_at = begun()
    await say(place, tapped(authorization_reference="f00d"))
    await run_jobs()
    assert (await the_charge()).state == "CHARGING", "the driver was blocked after the card was shown"
    assert network.commands == []


async def test_that_a_fleet_pays_for_its_card(place: Place, network: FakeNetwork, cards: FakeCards) -> None:
    async with transaction() as db:
        fleet = await add_fleet(db, place.driver.brand_id, "Couriers", place.driver.email)
    await at_the_pole.a_card(place, fleet_id=fleet.id)
    start = begun()
    await say(place, tapped(start=start), recorded(start=start))
    await run_jobs()

    charge = await the_charge()
    assert (charge.state, charge.payment_flow, charge.fleet_id) == ("SETTLED", "FLEET", fleet.id)
    assert "Your fleet pays for this charge." in await timeline(charge)
    assert cards.intents == {}


async def test_that_a_hold_that_is_declined_does_not_end_the_charge(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    await at_the_pole.a_card(place)
    await at_the_pole.a_payment_card(place)
    cards.declines = True
    start = begun()
    await say(place, tapped(start=start))
    await run_jobs()
    charge = await the_charge()
    assert (charge.state, charge.payment_flow) == ("CHARGING", "AFTER")
    assert "The charge goes on and is paid afterwards." in (await timeline(charge))[-1]
    assert network.commands == []

    await say(place, recorded(start=start))
    await run_jobs()
    assert (await the_charge()).state == "PAYMENT_DUE"


async def test_that_a_driver_who_could_not_pay_is_stopped(place: Place, network: FakeNetwork, cards: FakeCards) -> None:
    await at_the_pole.a_card(place)
    await say(place, tapped())
    await run_jobs()
    charge = await the_charge()
    assert (charge.state, charge.payment_flow, charge.hold_id) == ("STOPPING", "AFTER", None)
    assert "Add a payment method first." in str(charge.state_reason), "nobody allowed it, and nobody could pay"


async def test_that_a_late_start_that_names_nobody_is_stopped(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    start = begun()
    failed = await place.session(
        state="FAILED",
        created_at=start - timedelta(minutes=4),
        state_since=start - timedelta(minutes=1),
        command_attempts=1,
    )
    nameless = {"token_uid": None, "contract_id": None}
    await say(place, tapped("PENDING", start=start, **nameless), tapped(start=start, **nameless))
    await run_jobs()

    charge = await the_charge()
    assert (charge.id, charge.state, charge.external_id) == (failed.id, "FAILED", "S1")
    assert "It started after all; it is being stopped and not billed." in await timeline(charge)
    assert [type(command) for command in network.commands] == [StopCommand]
    await say(place, recorded(start=start, **nameless))
    await run_jobs()
    assert await receipt_of(charge) is None


async def test_that_a_nameless_charge_long_after_a_failed_start_is_let_alone(
    place: Place, network: FakeNetwork
) -> None:
    long_ago = begun() - timedelta(hours=3)
    await place.session(state="FAILED", created_at=long_ago, state_since=long_ago, command_attempts=1)
    await say(place, tapped(token_uid=None, contract_id=None))
    assert (await the_charge()).external_id is None
    assert network.commands == []
