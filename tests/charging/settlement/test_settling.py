"""Statements, invoices and margins over real books: whatever happens to charges, they are the ledger to the cent."""

import asyncio
import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from emsp import clock
from emsp.charging.records.claims import settle_claim
from emsp.charging.settlement import invoices
from emsp.charging.settlement.invoices import add_invoice, agree, check_again, findings_of, pay, records_listed
from emsp.charging.settlement.margin import margins
from emsp.charging.settlement.matching import InvoiceLine
from emsp.charging.settlement.months import Month
from emsp.charging.settlement.movements import movements
from emsp.charging.settlement.statement import month_of, statements
from emsp.charging.settlement.statements import Drawn, draw
from emsp.charging.tables import ChargingSession, PartnerInvoice
from emsp.cli.partners import cli
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money
from emsp.partners.parties import PartyCode
from emsp.partners.tables import Party
from emsp.payments.ledger import balance
from emsp.payments.ledger import operators as ledger
from tests.charging.conftest import END, START, Place
from tests.charging.saying import books, record, run_jobs, say, unbalanced
from tests.charging.test_claims import the_claim
from tests.graphql import rows

ABC, JUNE = PartyCode("NL", "ABC"), Month(2025, 6)
Json = dict[str, Any]


@pytest.fixture(autouse=True)
async def _party(place: Place) -> None:
    async with transaction() as db:
        db.add(Party(partner_id=place.partner.id, country_code="NL", party_id="ABC", name="ABC"))


async def charged(place: Place, number: int, net: str = "4.50", **facts: Any) -> ChargingSession:
    """A charge of June with the record C`number`, ten kilowatt-hours in an hour; each at a place of its own."""
    async with transaction() as db:
        evse = await rows.evse(db, await rows.station(db, place.partner.id, 10 + number), 1)
        connector = await rows.connector(db, evse)
        driver = await rows.driver(db, place.driver.brand_id, f"driver{number}")
        quote = await rows.quote(db, driver, connector)
        session: ChargingSession = await rows.session(
            db, driver, quote, connector, state="ENDED", started_at=START, ended_at=END, created_at=START
        )
    await say(place, record(session, external_id=f"C{number}", net=net, **facts))
    return session


async def told(place: Place, session: ChargingSession, name: str, net: str = "4.50", **facts: Any) -> None:
    """A further record, once the first one is billed."""
    await run_jobs()
    await say(place, record(session, external_id=name, net=net, **facts))
    await run_jobs()


async def credited(place: Place, session: ChargingSession, name: str, of: str, net: str = "-4.50") -> None:
    await told(place, session, name, net, credit=True, credits_external_id=of, updated_at=clock.now())


async def drawn(month: Month = JUNE) -> Drawn:
    await run_jobs()
    async with transaction() as db:
        [one] = await draw(db, ABC, month)
    return one


async def account() -> int:
    """What we owe the operator by the books."""
    async with transaction() as db:
        return -(await balance(db, "cpo:NL-ABC", "EUR")).amount_minor


def lines(**amounts: str) -> list[InvoiceLine]:
    """Lines by record, with net amounts in euros."""
    numbered = enumerate(amounts.items(), 1)
    return [
        InvoiceLine(number=number, record=name, currency="EUR", net_minor=int(net.replace(".", "")))
        for number, (name, net) in numbered
    ]


async def added(number: str = "2025-06", **amounts: str) -> PartnerInvoice:
    await run_jobs()
    async with transaction() as db:
        return await add_invoice(db, ABC, number, lines(**amounts))


def told_of(invoice: PartnerInvoice) -> list[tuple[str, str | None, int | None]]:
    return [(one.kind, one.record, one.ours_minor) for one in findings_of(invoice)]


# Statements


async def test_that_a_statement_is_the_operators_account(place: Place) -> None:
    await charged(place, 1)
    await charged(place, 2, "6.00")  # 1.50 of it is claimed
    third = await charged(place, 3)
    await credited(place, third, "X3", "C3")
    one = await drawn()

    statement = one.statement
    assert (one.version, statement.currency, statement.records) == (1, "EUR", 3)
    assert (statement.asked_minor, statement.claimed_minor, statement.owed_minor) == (1050, 150, 900)
    assert await account() == 900
    assert [(line.kind, line.record, line.owed_minor) for line in statement.lines] == [
        ("RECORD", "C1", 450),
        ("RECORD", "C2", 600),
        ("CLAIM", "C2", -150),
        ("RECORD", "C3", 450),
        ("CORRECTION", "X3", -450),
    ]
    assert all(line.late for line in statement.lines), "they are booked today"


async def test_that_a_month_that_changes_is_another_version(place: Place) -> None:
    session = await charged(place, 1, "6.00")
    assert [(await drawn()).version for _ in range(2)] == [1, 1]
    async with transaction() as db:
        await settle_claim(db, (await the_claim()).id, (Money(50, "EUR")).amount, "agreed")
    second = await drawn()
    assert (second.version, second.statement.owed_minor, await account()) == (2, 500, 500)
    assert [(line.kind, line.owed_minor) for line in second.new] == [("CLAIM_CLOSED", 50)]

    await credited(place, session, "X1", "C1", "-6.00")
    third = await drawn()
    assert (third.version, third.statement.owed_minor, await account()) == (3, 0, 0)
    assert (await drawn()).new == third.new


async def test_that_a_charge_belongs_to_the_month_of_its_end_at_its_place(place: Place) -> None:
    """23:30 UTC on the last day of June is July in Utrecht."""
    began, ended = datetime(2025, 6, 30, 22, 30, tzinfo=UTC), datetime(2025, 6, 30, 23, 30, tzinfo=UTC)
    await charged(place, 1, started_at=began, ended_at=ended, periods=[], updated_at=ended)
    assert (await drawn(Month(2025, 7))).statement.owed_minor == 450
    async with transaction() as db:
        assert await draw(db, ABC, JUNE) == []


async def test_that_all_months_together_are_the_account_and_payments_are_not_in_them(place: Place) -> None:
    first = await charged(place, 1)
    await charged(place, 2, "6.00")
    await told(place, first, "C1", "4.20", updated_at=clock.now())
    async with transaction() as db:
        await ledger.energy_bought(db, reference="by hand", seller="cpo:NL-ABC", cost=Money(77, "EUR"))
        await ledger.invoice_paid(db, reference="i", seller="cpo:NL-ABC", net=Money(300, "EUR"), tax=Money(63, "EUR"))
        booked = await movements(db, ABC)
        months = {month_of(one) for one in booked}
        owed = sum(one.owed_minor for month in months for one in statements(booked, month))
    assert owed == sum(one.owed_minor for one in booked) == await account() + 300
    assert [one.kind for one in statements(booked, Month.of(clock.now()))[0].lines] == ["RECORD"]
    assert await unbalanced() == {}


# Invoices


async def test_that_an_invoice_of_all_that_is_owed_is_agreed_to_and_paid(place: Place) -> None:
    await charged(place, 1)
    await charged(place, 2, "6.00")
    invoice = await added(C1="4.50", c2="4.50")
    assert (invoice.state, told_of(invoice), invoice.total_minor) == ("RECEIVED", [], 900)
    before = await books()
    async with transaction() as db:
        await agree(db, ABC, "2025-06")
        await pay(db, ABC, "2025-06")
    async with transaction() as db:
        assert (await pay(db, ABC, "2025-06")).state == "PAID"
    after = await books()
    assert (before["cpo"], after["cpo"], after["bank"]) == (-900, 0, -900)
    assert await unbalanced() == {}


async def test_every_finding_over_real_records(place: Place) -> None:
    await charged(place, 1)
    await charged(place, 2, "6.00")  # with an open claim
    third = await charged(place, 3)
    await credited(place, third, "X3", "C3")
    await charged(place, 4)
    await charged(place, 5)
    await charged(place, 6)
    failed = await place.session(state="FAILED", started_at=None)
    await told(place, failed, "C7")
    await added("before", C6="4.50")
    invoice = await added(C1="4.60", C2="6.00", C3="4.50", C4="4.40", C6="4.50", C7="4.50", C8="1.00")

    assert sorted(told_of(invoice), key=str) == sorted(
        [
            ("OVERBILLED", "C1", 450),
            ("DISPUTED", "C2", 450),
            ("CREDITED", "C3", 0),
            ("UNDERBILLED", "C4", 450),
            ("MISSING", "C5", 450),
            ("DUPLICATED", "C6", None),
            ("DISPUTED", "C7", 0),
            ("UNKNOWN", "C8", None),
        ],
        key=str,
    )
    assert invoice.state == "DISPUTED"
    async with transaction() as db:
        with pytest.raises(Refused, match=r"6 things are against it: CREDITED, DISPUTED, DUPLICATED, OVERBILLED"):
            await agree(db, ABC, "2025-06")
        with pytest.raises(Refused, match="not agreed to but DISPUTED"):
            await pay(db, ABC, "2025-06")
        assert (await agree(db, ABC, "2025-06", despite=True)).state == "AGREED"


async def test_that_a_claim_that_is_over_changes_what_is_found(place: Place) -> None:
    await charged(place, 1, "6.00")
    invoice = await added(C1="5.00")
    assert told_of(invoice) == [("UNDERBILLED", "C1", 600)]
    async with transaction() as db:
        await settle_claim(db, (await the_claim()).id, Money(50, "EUR").amount, "agreed")
        again = await invoices.invoice_numbered(db, ABC, "2025-06")
        await check_again(db, again)
    assert (told_of(again), again.state) == ([], "RECEIVED")


async def test_that_a_credit_note_on_the_same_invoice_settles_what_it_takes_back(place: Place) -> None:
    session = await charged(place, 1)
    await credited(place, session, "X1", "C1")
    await told(place, session, "C1b", "4.00", updated_at=clock.now())
    invoice = await added(C1="4.50", X1="-4.50", C1b="4.00")
    assert (told_of(invoice), invoice.total_minor, await account()) == ([], 400, 400)


async def test_that_what_one_invoice_has_another_does_not_miss(place: Place) -> None:
    await charged(place, 1)
    await charged(place, 2)
    first = await added("a", C1="4.50")
    assert told_of(first) == [("MISSING", "C2", 450)]
    await added("b", C2="4.50")
    async with transaction() as db:
        assert told_of(await invoices.invoice_numbered(db, ABC, "a")) == []


async def test_that_an_invoice_that_is_listed_gets_its_amounts_later(place: Place) -> None:
    await charged(place, 1)
    await run_jobs()
    async with transaction() as db:
        listed = await records_listed(db, ABC, "7", ["C1", "C9", "C1"])
        assert listed is not None
        assert told_of(listed) == [("UNKNOWN", "C9", None), ("DUPLICATED", "C1", None)]
        assert (listed.source, listed.state, listed.currency) == ("OCPI", "DISPUTED", "EUR")
    async with transaction() as db:
        again = await records_listed(db, ABC, "7", ["C1"])
        assert again is not None
        assert (told_of(again), again.total_minor, again.state) == ([], 450, "RECEIVED")
    invoice = await added("7", C1="4.60")
    assert (invoice.source, told_of(invoice)) == ("CSV", [("OVERBILLED", "C1", 450)])
    async with transaction() as db:
        assert await records_listed(db, ABC, "7", []) is None
        assert len(await invoices.invoices(db, ABC)) == 1


async def test_what_is_refused(place: Place) -> None:
    await charged(place, 1)
    await added("1", C1="4.50")
    async with transaction() as db:
        mixed = [*lines(C1="4.50"), InvoiceLine(number=2, record="C2", currency="CHF", net_minor=1)]
        with pytest.raises(Invalid, match="currency: an invoice has one currency, this one CHF, EUR"):
            await add_invoice(db, ABC, "2", mixed)
        with pytest.raises(Invalid, match="number: must not be empty"):
            await add_invoice(db, ABC, " ", lines(C1="1.00"))
        with pytest.raises(Refused, match="Invoice 1 of NL-ABC is here already"):
            await add_invoice(db, ABC, "1", lines(C1="1.00"))
        with pytest.raises(NotFound, match="there is no party NL-XYZ"):
            await add_invoice(db, PartyCode("NL", "XYZ"), "1", lines(C1="1.00"))
        with pytest.raises(NotFound, match="sent no invoice '3'"):
            await agree(db, ABC, "3")
        await agree(db, ABC, "1")
        with pytest.raises(Refused, match="is AGREED already"):
            await agree(db, ABC, "1")


# Margins


async def test_that_margins_are_the_books(place: Place) -> None:
    session = await charged(place, 1)
    await charged(place, 2, "6.00")
    third = await charged(place, 3, "3.00")
    await credited(place, third, "X3", "C3", "-3.00")
    await told(place, session, "C1", "4.00", updated_at=clock.now())
    async with transaction() as db:
        found = await margins(db, Month.of(clock.now()))
        [one] = found
        assert (one.brand, one.party, one.currency, one.charges) == ("volt", "NL-ABC", "EUR", 3)
        assert await margins(db, Month.of(clock.now()), brand="volt") == found
        assert await margins(db, Month.of(clock.now()), brand="other") == []
        assert await margins(db, JUNE) == []
    total = await books()
    assert (one.revenue_minor, one.cost_minor) == (-total["revenue"], total["energy_cost"])
    assert one.margin_minor == one.revenue_minor - one.cost_minor


async def test_that_what_belongs_to_no_charge_is_shown_apart(place: Place) -> None:
    await charged(place, 1)
    await run_jobs()
    async with transaction() as db:
        await ledger.energy_bought(db, reference="by hand", seller="cpo:NL-ABC", cost=Money(77, "EUR"))
        found = await margins(db, Month.of(clock.now()))
    assert [(one.brand, one.party, one.revenue_minor, one.cost_minor) for one in found] == [
        ("volt", "NL-ABC", 450, 450),
        (None, None, 0, 77),
    ]


# At the command line


async def emsp(*arguments: object, status: int = 0) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["settlement", *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done.output


async def asked(*arguments: object, status: int = 0) -> list[Json]:
    return list(json.loads(await emsp(*arguments, "--json", status=status)))


async def test_that_a_month_is_settled_at_the_command_line(place: Place, tmp_path: Path) -> None:
    await charged(place, 1)
    await charged(place, 2, "6.00")
    await run_jobs()
    [told] = await asked("statement", "NL-ABC", "2025-06")
    assert (told["version"], told["records"], told["asked"], told["claimed"], told["owed"]) == (
        1,
        2,
        "10.50 EUR",
        "1.50 EUR",
        "9.00 EUR",
    )
    table = tmp_path / "statement.csv"
    assert "owed 9.00 EUR" in await emsp("statement", "nl*abc", "2025-06", "--csv", table)
    with table.open() as written:
        assert [(row["record"], row["kind"], row["owed"]) for row in csv.DictReader(written)] == [
            ("C1", "RECORD", "4.50"),
            ("C2", "RECORD", "6.00"),
            ("C2", "CLAIM", "-1.50"),
        ]

    file = tmp_path / "invoice.csv"
    file.write_bytes("record;net;vat\nC1;4,60;0,97\nC2;4,50;0,95\n".encode("utf-8-sig"))
    given = ("--party", "NL-ABC", "--number", "42", "--currency", "EUR", "--total", "11.02")
    [invoice] = await asked("invoice", "add", file, *given, status=1)
    assert (invoice["state"], invoice["total"], invoice["findings"]) == (
        "DISPUTED",
        "11.02 EUR",
        [
            {
                "kind": "OVERBILLED",
                "line": 2,
                "record": "C1",
                "asked": "4.60",
                "ours": "4.50",
                "text": invoice["findings"][0]["text"],
            }
        ],
    )
    await emsp("invoice", "agree", "42", "--party", "NL-ABC", status=1)
    await emsp("invoice", "agree", "42", "--party", "NL-ABC", "--despite-findings")
    assert "11.02 EUR are booked as paid" in await emsp("invoice", "paid", "42", "--party", "NL-ABC")
    [listed] = await asked("invoice", "list", "--party", "NL-ABC")
    assert (listed["number"], listed["state"], listed["findings"]) == ("42", "PAID", 1)
    total = await books()
    assert (total["cpo"], total["bank"]) == (10, -1102)

    [margin] = await asked("margin", f"{clock.now():%Y-%m}", "--brand", "volt")
    assert (margin["revenue"], margin["cost"], margin["margin"]) == ("9.00 EUR", "9.00 EUR", "0.00 EUR")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("statement", "NL-XYZ", "2025-06"), "there is no party NL-XYZ"),
        (("statement", "Netherlands", "2025-06"), "'Netherlands' is no party: such as NL-ABC"),
        (("statement", "NL-ABC", "June"), "'June' is no month"),
        (("invoice", "show", "1", "--party", "NL-ABC"), "NL-ABC sent no invoice '1'"),
    ],
)
async def test_what_is_told_at_the_command_line(arguments: tuple[str, ...], complaint: str) -> None:
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["settlement", *arguments])
    assert done.exit_code == 1
    assert complaint in done.output


async def test_that_charges_that_nobody_invoiced_are_counted_once(place: Place) -> None:
    """A record that came again in other words under the same id is one record."""
    session = await charged(place, 1)
    await told(place, session, "C1", "4.20", updated_at=clock.now())
    assert told_of(await added(C1="4.20")) == []
    async with transaction() as db:
        count = await db.execute(text("SELECT count(*) FROM charge_record"))
        assert count.scalar_one() == 2
