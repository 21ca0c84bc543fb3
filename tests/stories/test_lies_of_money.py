"""Records and sessions whose amounts, units, VAT, tariffs or owners are wrong: what the driver pays is right."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.stories.conftest import empty_database
from tests.stories.lies import (
    Charge,
    Fleet,
    Outcomes,
    about,
    arrived,
    books_are_even,
    every,
    fleet,
    is_as_measured,
    is_on_the_bill_once,
    is_paid_once,
    net_of,
    sync,
)
from tests.stories.world import World, made_world, minor

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIES = (
    "wrong-total",
    "wrong-unit-periods",
    "wrong-unit-total",
    "wrong-vat",
    "null-tariff",
    "unknown-tariff",
    "session-without-token",
)
BY_A_FLEET = ("wrong-vat", "wrong-unit-periods", "null-tariff")
AGREED = ("AGREES", "WITHIN_TOLERANCE")
AT_ONCE = 4


@pytest.fixture(scope="module")
def liars(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose operator cannot be trusted with figures."""
    folder = tmp_path_factory.mktemp("liars")
    operator = ("--stations", "240")
    with made_world(folder, empty_database(server_url), speed=30, operator=operator) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payer(liars: World) -> Fleet:
    """Who pays for some of the charges."""
    return await fleet(liars)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def charges(liars: World, payer: Fleet) -> Outcomes[Charge]:
    """A charge for every lie, a few at a time, each quoted after the operator was pulled."""
    made = {lie: await arrived(liars, lie, paid_by=payer if lie in BY_A_FLEET else None) for lie in LIES}
    pulled = await asyncio.to_thread(sync, liars, "CPO", "--full")
    assert pulled.status == 0, pulled

    async def through(one: Charge) -> Charge:
        return await (await one.asked()).settled(600)

    return await every({lie: through(one) for lie, one in made.items()}, AT_ONCE)


@about("wrong-total")
async def test_that_a_total_too_high_is_told_and_not_passed_on(charges: Outcomes[Charge]) -> None:
    made = charges["wrong-total"]

    assert made.receipt["verification"]["result"] == "DIFFERS"
    assert "too much: you do not pay it, we claim it back." in made.timeline
    is_paid_once(made)
    is_as_measured(made)


@about("wrong-vat")
async def test_that_a_wrong_vat_is_told_and_not_passed_on(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = charges["wrong-vat"]

    [tax] = made.receipt["taxes"]
    assert Decimal(tax["percent"]) > 15
    assert made.receipt["verification"]["result"] == "DIFFERS"
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("wrong-unit-periods")
async def test_that_periods_in_wh_are_billed_in_kwh(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = charges["wrong-unit-periods"]

    assert made.receipt["verification"]["result"] in AGREED
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("wrong-unit-total")
async def test_that_a_charge_in_wh_is_billed_in_kwh(charges: Outcomes[Charge]) -> None:
    made = charges["wrong-unit-total"]

    assert made.receipt["verification"]["result"] in AGREED
    is_paid_once(made)
    is_as_measured(made)


@about("null-tariff")
async def test_that_what_has_no_price_is_said_before_and_billed_as_asked(
    charges: Outcomes[Charge], payer: Fleet
) -> None:
    made = charges["null-tariff"]

    assert (made.quote["total"], made.quote["missingReason"]) == (None, "NO_TARIFF_PUBLISHED")
    assert made.receipt["verification"]["result"] == "NOT_CHECKABLE"
    assert [line["kind"] for line in made.receipt["lines"]][:1] == ["FLAT"]
    [cdr] = made.operators_records()
    assert Decimal(made.receipt["net"]["amount"]) >= net_of(cdr).quantize(Decimal("0.01"))
    await is_on_the_bill_once(made, payer)


@about("unknown-tariff")
async def test_that_an_unknown_tariff_is_said_before_and_the_records_own_is_billed(charges: Outcomes[Charge]) -> None:
    made = charges["unknown-tariff"]

    assert (made.quote["total"], made.quote["missingReason"]) == (None, "TARIFF_UNKNOWN")
    assert made.receipt["verification"]["result"] in AGREED
    [payment] = made.payments()
    assert payment["authorised_minor"] >= minor(made.receipt["total"])
    is_paid_once(made)


@about("session-without-token")
async def test_that_a_session_that_names_nobody_is_known_by_its_place(charges: Outcomes[Charge]) -> None:
    made = charges["session-without-token"]

    assert made.timeline.count("it was matched by its place and time") == 1
    assert made.receipt["verification"]["result"] in AGREED
    is_paid_once(made)
    is_as_measured(made)


@pytest.mark.usefixtures("charges")
async def test_that_the_books_are_even(liars: World) -> None:
    assert books_are_even(liars)
