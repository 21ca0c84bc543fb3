"""May this driver charge here and now? Each no has a code and a sentence, and leaves nothing behind."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.allowed.permission import Permitted, permit
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.fleets.tables import Fleet, FleetMember
from emsp.money import Money
from emsp.payments.ledger.balances import top_up_received
from emsp.payments.policy import Flow
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station
from tests.charging.conftest import Place
from tests.graphql import rows


async def asked(place: Place, *, with_place: bool = True, with_quote: bool = True, **wanted: Any) -> Permitted:
    """The driver asks to charge at the place of their quote, whose worst case is 6.81 €."""
    async with transaction() as db:
        driver = await db.get_one(Driver, place.driver.id)
        connector = await db.get_one(Connector, place.connector.id)
        evse = await db.get_one(Evse, connector.evse_id)
        return await permit(
            db,
            brand=await db.get_one(Brand, driver.brand_id),
            driver=driver,
            station=await db.get_one(Station, evse.station_id) if with_place else None,
            evse=evse if with_place else None,
            connector=connector if with_place else None,
            quote=await db.get_one(Quote, place.quote.id) if with_quote else None,
            **wanted,
        )


async def no(place: Place, **wanted: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        await asked(place, **wanted)
    return refused.value.code, refused.value.message


async def change(kind: Any, key: Any, **facts: Any) -> None:
    async with transaction() as db:
        row = await db.get_one(kind, key)
        for name, value in facts.items():
            setattr(row, name, value)


async def sells_by(place: Place, **facts: Any) -> None:
    await change(Brand, place.driver.brand_id, **facts)


async def card(place: Place) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)


async def fleet(place: Place, **facts: Any) -> Fleet:
    async with transaction() as db:
        boss = await rows.driver(db, place.driver.brand_id, "boss")
        made = await rows.fleet(db, boss, place.driver)
    await change(Fleet, made.id, **facts)
    return made


async def test_that_a_driver_with_a_card_may_charge_by_a_hold(place: Place) -> None:
    assert await no(place) == ("PAYMENT_METHOD_MISSING", "Add a payment method first.")
    await card(place)

    permitted = await asked(place)

    assert (permitted.flow, permitted.fleet) == (Flow.HOLD, None)
    assert permitted.method
    assert permitted.method.last4 == "4242"


async def test_that_a_blocked_driver_may_not(place: Place) -> None:
    await card(place)
    await change(Driver, place.driver.id, blocked_at=clock.now())
    assert await no(place) == ("DRIVER_BLOCKED", "Your account may not start charges; ask the support desk.")
    assert (await no(place, with_place=False, with_quote=False))[0] == "DRIVER_BLOCKED"


async def test_that_the_brands_network_decides_where(place: Place) -> None:
    await card(place)
    await sells_by(place, network_policy={"blocked_parties": ["NL*ABC"]})
    assert await no(place) == ("NETWORK_NOT_ALLOWED", "Volt does not let you charge with this operator.")
    assert (await asked(place, with_place=False, with_quote=False)).flow is Flow.HOLD

    await sells_by(place, network_policy={"allowed_countries": ["NL"], "max_power_w": 22_000})
    assert (await asked(place)).flow is Flow.HOLD


async def test_that_only_so_many_charges_are_open_at_a_time(place: Place) -> None:
    await card(place)
    await sells_by(place, payment_policy={"open_sessions_max": 1})
    await place.session(state="SETTLED")
    assert (await asked(place)).flow is Flow.HOLD

    await place.session(state="CHARGING")
    assert await no(place) == (
        "TOO_MANY_OPEN_CHARGES",
        "You have a charge that has not ended; stop it first.",
    )


async def test_that_a_charge_that_is_due_is_paid_first_unless_a_fleet_pays(place: Place) -> None:
    await card(place)
    await place.session(state="PAYMENT_DUE")
    made = await fleet(place)

    assert (await no(place))[0] == "PAYMENT_DUE"
    permitted = await asked(place, fleet_id=made.id)
    assert permitted.fleet
    assert (permitted.flow, permitted.fleet.id, permitted.method) == (Flow.FLEET, made.id, None)

    await sells_by(place, payment_policy={"charges_due_max": 1})
    assert (await asked(place)).flow is Flow.HOLD


async def test_that_trust_and_the_operator_decide_how_it_is_paid(place: Place) -> None:
    await card(place)
    await sells_by(place, payment_policy={"after_paid_charges": 1})
    assert (await asked(place)).flow is Flow.HOLD
    await place.session(state="SETTLED")
    assert (await asked(place)).flow is Flow.AFTER

    await sells_by(place, payment_policy={"after_paid_charges": 1, "flow_by_party": {"NL*ABC": "HOLD"}})
    assert (await asked(place)).flow is Flow.HOLD


async def test_that_a_prepaid_charge_needs_its_worst_case_on_the_balance_and_no_card(place: Place) -> None:
    await sells_by(place, payment_policy={"flow": "PREPAID"})
    assert await no(place) == (
        "BALANCE_TOO_LOW",
        "Your balance is 0.00 EUR; this charge may cost 6.81 EUR. Top it up first.",
    )
    assert (await no(place, with_quote=False))[0] == "BALANCE_TOO_LOW"
    async with transaction() as db:
        await top_up_received(db, reference="one", driver_id=place.driver.id, amount=Money(680, "EUR"))
    assert (await no(place))[0] == "BALANCE_TOO_LOW"
    assert (await asked(place, with_quote=False)).flow is Flow.PREPAID
    async with transaction() as db:
        await top_up_received(db, reference="two", driver_id=place.driver.id, amount=Money(1, "EUR"))

    permitted = await asked(place)

    assert (permitted.flow, permitted.method) == (Flow.PREPAID, None)


async def test_that_a_fleet_must_be_ones_own_and_not_blocked(place: Place) -> None:
    made = await fleet(place)
    async with transaction() as db:
        other = await rows.fleet(db, await rows.driver(db, place.driver.brand_id, "rival"))
    assert (await no(place, fleet_id=other.id)) == ("FLEET_NOT_FOUND", "There is no such fleet.")

    await change(Fleet, made.id, blocked_at=clock.now())
    assert await no(place, fleet_id=made.id) == (
        "FLEET_BLOCKED",
        "Your fleet does not pay for charges at the moment.",
    )


async def test_that_what_is_under_way_counts_against_the_months_amount_until_it_is_billed(place: Place) -> None:
    made = await fleet(place, limits={"currency": "EUR", "month_max_minor": 2000})
    async with transaction() as db:
        old = await rows.fleet_charge(db, made, place.driver, "last year")
        old.billed_at = clock.now() - timedelta(days=40)
    assert (await asked(place, fleet_id=made.id)).flow is Flow.FLEET

    running = await place.session(state="CHARGING", fleet_id=made.id)
    assert (await asked(place, fleet_id=made.id)).flow is Flow.FLEET
    await place.session(state="ENDED", fleet_id=made.id)
    assert await no(place, fleet_id=made.id) == (
        "FLEET_LIMIT",
        "Your fleet has 6.38 EUR left to charge for in this month; this charge may cost 6.81 EUR.",
    )
    async with transaction() as db:
        billed = await rows.fleet_charge(db, made, place.driver, str(running.id))
        billed.billed_at = clock.now()
    assert (await asked(place, fleet_id=made.id)).flow is Flow.FLEET, "billed for 5.45, which is less than 6.81"


async def test_that_a_members_own_limits_are_narrower(place: Place) -> None:
    made = await fleet(place, limits={"currency": "EUR", "charge_max_minor": 1000})
    async with transaction() as db:
        theirs = FleetMember.fleet_id == made.id, FleetMember.driver_id == place.driver.id
        member = (await db.scalars(select(FleetMember).where(*theirs))).one()
    assert (await asked(place, fleet_id=made.id)).flow is Flow.FLEET

    await change(FleetMember, member.id, limits={"currency": "EUR", "charge_max_minor": 500})
    assert await no(place, fleet_id=made.id) == (
        "FLEET_LIMIT",
        "Your fleet pays up to 5.00 EUR a charge; this one may cost 6.81 EUR.",
    )
    assert (await asked(place, fleet_id=made.id, with_quote=False)).flow is Flow.FLEET
