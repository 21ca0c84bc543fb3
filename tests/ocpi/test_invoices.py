"""Invoices that partners explain: kept as sent, and compared with our own records."""

import asyncio
import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from emsp.charging.tables import ChargeRecord
from emsp.cli.partners_invoices import invoices as command
from emsp.db.engine import transaction
from emsp.ocpi.keep.invoices import Invoice, invoices
from tests.graphql import rows
from tests.ocpi.people import Cpo, documents, values

POST, ONE = "/invoicereconciliation", "/invoicereconciliation/NL/ABC/I1"


@pytest.fixture
def newest(cpo: Cpo) -> Cpo:
    """The CPO, calling our 2.3.0 endpoints."""
    cpo.version = "2.3.0"
    return cpo


def record(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "I1",
        "invoice_id": "2026-0042",
        "cdrs": ["C1", "C2"],
        "last_updated": "2026-06-30T10:00:00Z",
        **members,
    }


async def received(cpo: Cpo, cdr_id: str, net: str, currency: str = "EUR", *, credit: bool = False) -> None:
    """A record of ours of a CDR."""
    document = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": cdr_id,
        "started_at": "2026-06-01T10:00:00Z",
        "ended_at": "2026-06-01T11:00:00Z",
        "energy_wh": "12000",
        "periods": [],
        "currency": currency,
        "net_cost": net,
        "credit": credit,
        "updated_at": "2026-06-01T11:00:00Z",
    }
    async with transaction() as db:
        await rows.added(
            db,
            ChargeRecord(
                partner_id=cpo.connection.partner_id,
                country_code="NL",
                party_id="ABC",
                external_id=cdr_id,
                external_key=cdr_id.casefold(),
                document=document,
            ),
        )


async def known(cpo: Cpo) -> list[Invoice]:
    async with transaction() as db:
        return await invoices(db, cpo.connection.id)


async def test_a_record_is_kept_as_it_was_sent_and_read_back(newest: Cpo) -> None:
    assert await newest.says("POST", POST, record(note="of June")) == (201, 1000)
    assert await newest.says("POST", POST, record(note="of June")) == (200, 1000)
    assert await newest.gets(ONE) == record(note="of June")
    assert await documents() == {"invoicereconciliation NL/ABC/I1": ("APPLIED", None)}


async def test_a_record_is_replaced_by_a_later_one_only(newest: Cpo) -> None:
    assert await newest.says("PUT", ONE, record(cdrs=["C1"])) == (201, 1000)
    assert await newest.says("PUT", ONE, record(cdrs=["C9"], last_updated="2026-06-29T10:00:00Z")) == (200, 1000)
    assert await newest.says("PUT", ONE, record(cdrs=["C3"], last_updated="2026-07-01T10:00:00Z")) == (200, 1000)
    assert (await newest.gets(ONE))["cdrs"] == ["C3"]


async def test_a_record_that_was_a_mistake_goes(newest: Cpo) -> None:
    assert await newest.says("DELETE", ONE) == (404, 2001)
    await newest.says("POST", POST, record())
    assert await newest.says("DELETE", ONE) == (200, 1000)
    assert await newest.says("GET", ONE) == (404, 2001)
    assert await known(newest) == []
    assert await newest.says("PUT", ONE, record()) == (200, 1000)
    assert len(await known(newest)) == 1


async def test_nobody_explains_the_invoices_of_another(newest: Cpo, rival: Cpo) -> None:
    rival.version = "2.3.0"
    assert await rival.says("POST", POST, record()) == (200, 2001)
    assert await rival.says("PUT", ONE, record()) == (404, 2001)
    assert await documents() == {}
    await newest.says("POST", POST, record())
    assert await rival.says("GET", ONE) == (404, 2001)
    assert await rival.says("DELETE", ONE) == (404, 2001)
    assert len(await known(newest)) == 1


@pytest.mark.parametrize(
    ("path", "body", "answered"),
    [
        (POST, {}, (200, 2001)),
        (POST, [], (200, 2001)),
        (POST, b"{", (400, 2001)),
        (POST, record(id="\0"), (400, 2001)),
        (POST, record(last_updated="soon"), (200, 2001)),
        (POST, record(country_code=""), (200, 2001)),
        (f"{POST}/NL", record(), (404, 2000)),
    ],
)
async def test_what_makes_no_sense_is_refused(newest: Cpo, path: str, body: Any, answered: tuple[int, int]) -> None:
    assert await newest.says("POST", path, body) == answered
    assert await documents() == {}


async def test_older_versions_have_no_invoices(cpo: Cpo) -> None:
    assert await cpo.says("POST", POST, record()) == (404, 2000)


async def test_an_invoice_is_compared_with_our_own_records(newest: Cpo) -> None:
    await received(newest, "C1", "3.10")
    await received(newest, "c2", "2.05")
    await received(newest, "C2-C", "2.05", credit=True)
    await received(newest, "SEK1", "40", "SEK")
    await newest.says("POST", POST, record(cdrs=["C1", "C2", "C2-C", "SEK1", "LOST"]))
    await newest.says("POST", POST, record(id="I2", invoice_id="2026-0043", cdrs=["C1", "C7", "c7"]))

    first, second = await known(newest)
    assert (first.party, first.number) == ("NL ABC", "2026-0042")
    assert {currency: str(amount) for currency, amount in first.sums.items()} == {"EUR": "3.10", "SEK": "40"}
    assert (first.unknown, first.doubled) == (["LOST"], ["C1"])
    assert (second.unknown, second.doubled) == (["c7"], ["C1", "c7"])


async def test_staff_see_them_by_the_partners_name(newest: Cpo) -> None:
    cli = typer.Typer()
    cli.command()(command)
    await received(newest, "C1", "3.10")
    await newest.says("POST", POST, record())

    told = await asyncio.to_thread(CliRunner().invoke, cli, ["ABC Charging", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == [
        {
            "party": "NL ABC",
            "invoice": "2026-0042",
            "id": "I1",
            "cdrs": 2,
            "our_records": 1,
            "net_sums": "3.10 EUR",
            "unknown": "C2",
            "in_two_invoices": "",
        }
    ]
    assert (await asyncio.to_thread(CliRunner().invoke, cli, ["Nobody"])).exit_code == 1


async def settled() -> list[tuple[Any, ...]]:
    """The invoices as settlement has them, with their records."""
    query = "SELECT number, source, state, lines, findings FROM partner_invoice ORDER BY number"
    return [
        (number, source, state, [line["record"] for line in lines], [one["kind"] for one in found])
        for number, source, state, lines, found in await values(query)
    ]


async def test_settlement_is_told_of_an_invoice_and_of_every_change(newest: Cpo) -> None:
    other = "/invoicereconciliation/NL/ABC/I2"
    await newest.says("PUT", ONE, record())
    assert await settled() == [("2026-0042", "OCPI", "DISPUTED", ["C1", "C2"], ["UNKNOWN", "UNKNOWN"])]

    await newest.says("PUT", other, record(id="I2", cdrs=["C3", "C1"]))
    [(_, _, _, cdrs, found)] = await settled()
    assert (cdrs, found) == (["C1", "C2", "C3", "C1"], ["UNKNOWN"] * 3 + ["DUPLICATED"])

    moved = record(id="I2", invoice_id="2026-0043", cdrs=["C3"], last_updated="2026-07-01T10:00:00Z")
    await newest.says("PUT", other, moved)
    assert [(number, cdrs) for number, _, _, cdrs, _ in await settled()] == [
        ("2026-0042", ["C1", "C2"]),
        ("2026-0043", ["C3"]),
    ]

    await newest.says("DELETE", other)
    assert [number for number, *_ in await settled()] == ["2026-0042"]


async def test_settlement_hears_nothing_of_what_is_refused(newest: Cpo) -> None:
    assert await newest.says("PUT", "/invoicereconciliation/NL/XYZ/I1", record(party_id="XYZ")) == (404, 2001)
    assert await newest.says("PUT", ONE, record(last_updated="yesterday")) == (200, 2001)
    assert await settled() == []
