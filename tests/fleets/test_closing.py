"""The end of a fleet's month: one invoice a currency, whose figures are the sums of its lines."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import col, select

from emsp import clock
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.fleets import bill
from emsp.fleets.closing import close_finished_months
from emsp.fleets.tables import Fleet, FleetCharge, FleetInvoice
from tests.charging.saying import run_jobs
from tests.fleets.bank import FakeBank
from tests.fleets.conftest import APRIL, MARCH, MAY, Company, month
from tests.graphql import rows


async def lines(company: Company, of: str, currency: str = "EUR") -> list[FleetCharge]:
    async with transaction() as db:
        views = await bill.bills(db, company.fleet, of)
    return next((view.lines for view in views if view.currency == currency), [])


async def invoices() -> list[FleetInvoice]:
    async with transaction() as db:
        return list(await db.scalars(select(FleetInvoice).order_by(col(FleetInvoice.number))))


async def test_that_an_invoice_is_the_sum_of_the_months_lines(company: Company) -> None:
    await company.charged(545, MARCH)
    await company.charged(1210, MARCH + timedelta(days=3))
    await company.charged(-45, MARCH + timedelta(days=4), reference="correction:1", energy_wh=0)
    await company.charged(9999, APRIL)

    [march] = await company.closed(month(MARCH))

    assert (march.month, march.currency, march.state, march.charges) == (month(MARCH), "EUR", "OPEN", 2)
    assert march.total_minor == 545 + 1210 - 45 == sum(line.total_minor for line in await lines(company, month(MARCH)))
    assert march.net_minor == sum(line.net_minor for line in await lines(company, month(MARCH)))
    assert sum(tax["net_minor"] + tax["tax_minor"] for tax in march.taxes) == march.total_minor
    [driver] = march.drivers
    assert (driver["email"], driver["charges"], driver["energy_wh"]) == ("ada@example.com", 2, 20_000)
    assert driver["total_minor"] == march.total_minor
    assert march.due_at - march.issued_at == timedelta(days=14)


async def test_that_a_month_is_closed_once_however_often_it_is_asked_for(company: Company) -> None:
    await company.charged(545, MARCH)

    first, again = await asyncio.gather(company.closed(month(MARCH)), company.closed(month(MARCH)))

    assert [one.id for one in first] == [one.id for one in again]
    assert [one.number for one in await invoices()] == [f"VOLT-F{clock.now():%Y}-000001"]


async def test_that_each_currency_has_an_invoice_and_numbers_have_no_gaps_over_all_fleets(company: Company) -> None:
    async with transaction() as db:
        other = await rows.fleet(db, company.boss, company.ada)
    await company.charged(545, MARCH)
    await company.charged(900, MARCH, currency="SEK")
    await company.charged(700, MARCH, fleet_id=other.id)
    await company.charged(800, APRIL)

    await close_finished_months()
    await run_jobs()

    found = await invoices()
    assert [one.number[-6:] for one in found] == ["000001", "000002", "000003", "000004"]
    assert sorted((one.fleet_id == other.id, one.month, one.currency, one.total_minor) for one in found) == [
        (False, month(MARCH), "EUR", 545),
        (False, month(MARCH), "SEK", 900),
        (False, month(APRIL), "EUR", 800),
        (True, month(MARCH), "EUR", 700),
    ]
    await close_finished_months()
    await run_jobs()
    assert len(await invoices()) == 4


async def test_that_what_comes_after_the_invoice_goes_to_the_next_month(company: Company) -> None:
    await company.charged(545, MARCH)
    [march] = await company.closed(month(MARCH))
    [april] = await company.closed(month(APRIL)) or [None]

    late = await company.charged(-100, MARCH + timedelta(days=1), reference="correction:late")

    assert april is None
    assert late.billed_at == bill.month_bounds(month(APRIL), "Europe/Amsterdam")[0]
    assert [line.reference for line in await lines(company, month(MARCH))] == ["charge 0"]
    assert [line.reference for line in await lines(company, month(APRIL))] == ["correction:late"]
    assert (await company.closed(month(MARCH)))[0].total_minor == march.total_minor == 545


async def test_that_a_charge_that_is_put_on_the_account_while_the_month_is_closed_is_in_one_of_both(
    company: Company,
) -> None:
    await company.charged(545, MARCH)

    await asyncio.gather(company.closed(month(MARCH)), *(company.charged(100 + n, MARCH) for n in range(5)))

    [march] = await company.closed(month(MARCH))
    assert march.total_minor == sum(line.total_minor for line in await lines(company, month(MARCH)))
    assert len(await lines(company, month(MARCH))) + len(await lines(company, month(APRIL))) == 6


async def test_that_a_month_ends_where_the_fleet_is(company: Company) -> None:
    async with transaction() as db:
        (await db.get_one(Fleet, company.fleet.id)).time_zone = "Pacific/Auckland"
    company.fleet.time_zone = "Pacific/Auckland"
    await company.charged(545, APRIL - timedelta(hours=5))  # past midnight there

    assert await company.closed(month(MARCH)) == []
    [april] = await company.closed(month(APRIL))
    assert april.total_minor == 545


async def test_that_a_month_that_is_not_over_is_closed_only_when_that_is_wanted(company: Company) -> None:
    now = clock.now()
    this_month = bill.month_of(now, company.fleet.time_zone)
    await company.charged(545, now)

    with pytest.raises(Invalid, match="month: must be over"):
        await company.closed(this_month)
    [early] = await company.closed(this_month, early=True)
    later = await company.charged(700, now)

    assert early.total_minor == 545
    assert bill.month_of(later.billed_at, company.fleet.time_zone) > this_month
    assert await invoices() == [early]


async def test_that_a_credit_is_set_off_against_the_next_invoices(company: Company, bank: FakeBank) -> None:
    await company.charged(-1000, MARCH, reference="correction:big")
    await company.charged(600, APRIL)
    await company.charged(900, MAY)

    closed = [await company.closed(month(first)) for first in (MARCH, APRIL, MAY)]

    assert [one.total_minor for found in closed for one in found] == [-1000, 600, 900]
    assert [(one.paid_minor, one.state) for one in await invoices()] == [(-1000, "PAID"), (600, "PAID"), (400, "OPEN")]
    assert await company.owes() == 500
