"""Plans: who is on one, what it gives, and the free energy of a month, counted once for each charge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.pricing.engine.billed import BilledLine
from emsp.pricing.engine.report import Allowance, Discount, DiscountOn, Line, LineKind
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.plans import (
    add_plan,
    close_plan,
    held_plans,
    list_plans,
    subscribe,
    the_plan,
    unsubscribe,
    use_allowance,
)
from emsp.pricing.retail.sale import terms_of, terms_of_askers
from emsp.pricing.tables import AllowanceUse
from tests.graphql import rows

ZONE = "Europe/Amsterdam"
TWENTY_FREE = PlanTerms(free_energy_wh=20_000)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
async def brand(database: str) -> Brand:
    async with transaction() as db:
        made: Brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
        await add_plan(db, made.id, "plus", "Plus", TWENTY_FREE)
        return made


@pytest.fixture
async def ada(brand: Brand) -> Driver:
    async with transaction() as db:
        return await rows.driver(db, brand.id, "ada")


async def join(driver: Driver, code: str = "plus", since: datetime | None = None) -> UUID:
    async with transaction() as db:
        plan = await the_plan(db, driver.brand_id, code)
        return (await subscribe(db, plan, driver.id, since=since)).id


async def held(driver: Driver, at: datetime | None = None) -> HeldPlan | None:
    async with transaction() as db:
        return (await held_plans(db, [driver.id], ZONE, at)).get(driver.id)


async def used(reference: str, energy_wh: str, membership_id: UUID, month: str, *, taken_back: bool = False) -> None:
    allowance = Allowance(str(membership_id), month)
    discount = Discount("Plus", DiscountOn.FREE_ENERGY, None, Decimal(energy_wh), allowance)
    line = Line(kind=LineKind.PLAN_DISCOUNT, net=Decimal(-1), gross=Decimal(-1), discount=discount)
    async with transaction() as db:
        await use_allowance(db, reference, [BilledLine(line, -100, 0, taken_back)])


async def test_a_driver_on_a_plan_holds_what_it_gives(ada: Driver) -> None:
    assert await held(ada) is None

    membership_id = await join(ada)

    month = clock.now().astimezone().strftime("%Y-%m")
    assert await held(ada) == HeldPlan("Plus", TWENTY_FREE, 20_000, Allowance(str(membership_id), month))


async def test_one_plan_at_a_time(ada: Driver) -> None:
    await join(ada, since=JUNE)
    with pytest.raises(Refused) as caught:
        await join(ada)
    assert caught.value.code == "ALREADY_ON_A_PLAN"

    async with transaction() as db:
        await unsubscribe(db, ada.id, at=JUNE + timedelta(days=10))
    with pytest.raises(Refused):
        await join(ada, since=JUNE + timedelta(days=9))
    await join(ada, since=JUNE + timedelta(days=10))

    async with transaction() as db:
        assert (await held_plans(db, [ada.id], ZONE, JUNE - timedelta(seconds=1))) == {}
    assert await held(ada, JUNE + timedelta(days=10)) is not None


async def test_who_is_on_no_plan_cannot_leave_one(ada: Driver) -> None:
    with pytest.raises(NotFound):
        async with transaction() as db:
            await unsubscribe(db, ada.id)

    await join(ada, since=JUNE)
    with pytest.raises(Invalid) as caught:
        async with transaction() as db:
            await unsubscribe(db, ada.id, at=JUNE - timedelta(days=1))
    assert caught.value.field == "at"


async def test_nobody_joins_a_closed_plan_and_whoever_is_on_it_stays(ada: Driver) -> None:
    await join(ada)
    async with transaction() as db:
        closed = await close_plan(db, ada.brand_id, "plus")
        assert (await close_plan(db, ada.brand_id, "plus")).closed_at == closed.closed_at
        ben = await rows.driver(db, ada.brand_id, "ben")

    with pytest.raises(Refused) as caught:
        await join(ben)
    assert caught.value.code == "PLAN_CLOSED"
    assert await held(ada) is not None


async def test_a_driver_of_another_brand_is_not_found(ada: Driver) -> None:
    async with transaction() as db:
        other = await rows.added(db, Brand(slug="stroom", name="Stroom", languages=["nl"]))
        zoe = await rows.driver(db, other.id, "zoe")
        plan = await the_plan(db, ada.brand_id, "plus")
        with pytest.raises(NotFound):
            await subscribe(db, plan, zoe.id)
        with pytest.raises(NotFound):
            await the_plan(db, other.id, "plus")


@pytest.mark.parametrize(
    ("code", "name", "field"), [("Plus", "Plus", "code"), ("plus", "Plus", "code"), ("p", " ", "name")]
)
async def test_a_wrong_plan_is_refused_by_field(brand: Brand, code: str, name: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction() as db:
            await add_plan(db, brand.id, code, name, TWENTY_FREE)

    assert caught.value.field == field
    async with transaction() as db:
        assert [plan.code for plan in await list_plans(db, brand.id)] == ["plus"]


async def test_free_energy_is_counted_once_for_a_charge_and_again_in_the_next_month(ada: Driver) -> None:
    membership_id = await join(ada, since=JUNE)
    in_june, in_july = JUNE + timedelta(days=20), JUNE + timedelta(days=40)

    for _ in range(2):
        await used("charge 1", "12000.4", membership_id, "2026-06")
    await used("charge 2", "3000", membership_id, "2026-06")

    left = [plan.free_energy_left_wh for plan in (await held(ada, in_june), await held(ada, in_july)) if plan]
    assert left == [4_999, 20_000]


async def test_a_corrected_bill_takes_the_place_of_the_first(ada: Driver) -> None:
    membership_id = await join(ada, since=JUNE)
    at = JUNE + timedelta(days=20)
    await used("charge 1", "30000", membership_id, "2026-06")
    plan = await held(ada, at)
    assert plan is not None
    assert plan.free_energy_left_wh == 0

    await used("charge 1", "5000", membership_id, "2026-06")
    after = await held(ada, at)
    await used("charge 1", "5000", membership_id, "2026-06", taken_back=True)
    at_last = await held(ada, at)

    assert after is not None
    assert after.free_energy_left_wh == 15_000
    assert at_last is not None
    assert at_last.free_energy_left_wh == 20_000


async def test_a_bill_without_free_energy_counts_nothing(ada: Driver) -> None:
    async with transaction() as db:
        await use_allowance(db, "charge 1", [BilledLine(Line(kind=LineKind.ENERGY), 100, 0)])

    async with transaction() as db:
        assert (await db.scalars(select(AllowanceUse))).all() == []


async def test_a_month_begins_where_the_brand_is(ada: Driver) -> None:
    await join(ada, since=JUNE)

    plan = await held(ada, datetime(2026, 6, 30, 22, 30, tzinfo=UTC))

    assert plan is not None
    assert plan.allowance is not None
    assert plan.allowance.month == "2026-07"


async def test_the_terms_of_a_sale_hold_plan_and_rates_where_they_are_needed(brand: Brand, ada: Driver) -> None:
    async with transaction() as db:
        nobody = await terms_of(db, brand, None)
        before = await terms_of(db, brand, ada.id)
    await join(ada)
    async with transaction() as db:
        (await db.get_one(Brand, brand.id)).price_policy = {"currency": "BRAND"}
    key, stranger = (brand.id, ada.id), (uuid4(), None)
    async with transaction() as db:
        found = await terms_of_askers(db, [key, stranger])

    assert nobody == before
    assert (before.plan, before.rates) == (None, ())
    assert found.keys() == {key}
    assert found[key].plan is not None
    assert len(found[key].rates) == 29
