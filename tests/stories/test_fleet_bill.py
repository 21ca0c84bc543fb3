"""One bill for a fleet: every charge of its drivers over all operators, and nothing on anybody's card."""

import asyncio
import csv
import io
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from emsp.vault import sign
from tests.stories.world import World, minor

pytestmark = pytest.mark.asyncio(loop_scope="module")
MONTH = f"{datetime.now(ZoneInfo('Europe/Amsterdam')):%Y-%m}"
PLACES = ("NL*SBX", "DE*KRB", "DE*KRB")
BILL = """
query ($id: ID!, $month: String!) {
  node(id: $id) {
    ... on Fleet {
      members { nodes { driver { email } role } }
      bills(month: $month) { id }
      bill(month: $month) {
        id month csvUrl pdfUrl
        lines {
          totalCount
          nodes {
            kind receiptNumber driver { email } stationName operatorName country energyWh startedAt
            net { amount currency } total { amount currency } taxes { percent net { amount } tax { amount } }
          }
        }
        driverTotals { driver { email } charges energyWh net { amount } total { amount } }
        taxes { percent net { amount } tax { amount } }
        net { amount currency } total { amount currency }
      }
    }
  }
}"""
NODE = "query ($id: ID!) { node(id: $id) { ... on FleetBill { month total { amount } } } }"


@dataclass
class Billed:
    """A fleet with two drivers, of whom the second has no card, and what their charges came to."""

    fleet_id: str
    manager: AppClient
    drivers: dict[str, AppClient]
    charges: list[tuple[str, dict[str, Any]]]
    card_payments: list[dict[str, Any]]

    async def bill(self) -> dict[str, Any]:
        fleet = (await self.manager.ask(BILL, id=self.fleet_id, month=MONTH))["node"]
        bill: dict[str, Any] = fleet["bill"]
        assert [bill["id"]] == [one["id"] for one in fleet["bills"]]
        return bill

    def receipts(self, email: str | None = None) -> list[dict[str, Any]]:
        return [session["receipt"] for who, session in self.charges if email in (None, who)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def billed(world: World) -> Billed:
    """Made once, as the charges take their time."""
    return await _charged(world)


async def _charged(world: World) -> Billed:
    names = [f"{name}-{time.time_ns()}@example.com" for name in ("ada", "bob")]
    manager = await world.driver(card=None)
    fleet_id = (await manager.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]["id"]
    drivers = {}
    for email, card in zip(names, ("pm_card_visa", None), strict=True):
        drivers[email] = await world.driver(email=email, card=card)
        await manager.ask(documents.ADD_MEMBER, fleetId=fleet_id, email=email)
    before = len(world.payments())
    who = [names[0], names[0], names[1]]
    apps = [drivers[email] for email in who]
    places = [await world.priced_connector_at(app, party) for app, party in zip(apps, PLACES, strict=True)]
    charges = (_charge(world, app, fleet_id, *place) for app, place in zip(apps, places, strict=True))
    sessions = await asyncio.gather(*charges)
    return Billed(fleet_id, manager, drivers, list(zip(who, sessions, strict=True)), world.payments()[before:])


async def _charge(
    world: World, app: AppClient, fleet_id: str, connector: dict[str, Any], quote: dict[str, Any]
) -> dict[str, Any]:
    session = await world.start(app, quote, connectorId=connector["id"], fleetId=fleet_id)
    return await world.finish(app, session["id"], energy_wh=3000) | {"connector": connector}


async def test_that_the_bill_is_the_sum_of_the_receipts(billed: Billed) -> None:
    bill = await billed.bill()

    receipts = billed.receipts()
    assert (bill["month"], bill["pdfUrl"]) == (MONTH, None), "a month that is not closed has no invoice yet"
    assert bill["total"] == {"amount": str(_sum(receipts, "total")), "currency": "EUR"}
    assert bill["net"] == {"amount": str(_sum(receipts, "net")), "currency": "EUR"}
    assert _sum(receipts, "total") > _sum(receipts, "net") > 0
    assert {line["receiptNumber"] for line in bill["lines"]["nodes"]} == {receipt["number"] for receipt in receipts}
    assert bill["lines"]["totalCount"] == len(receipts) == 3


async def test_that_each_line_says_who_charged_where_and_for_how_much(billed: Billed) -> None:
    lines = {line["receiptNumber"]: line for line in (await billed.bill())["lines"]["nodes"]}

    for email, session in billed.charges:
        receipt, station = session["receipt"], session["connector"]["station"]
        line = lines.pop(receipt["number"])
        assert (line["driver"]["email"], line["stationName"]) == (email, station["name"])
        assert line["kind"] == "CHARGE"
        assert line["total"]["amount"] == receipt["total"]["amount"]
        assert line["net"]["amount"] == receipt["net"]["amount"]
        assert line["taxes"] == receipt["taxes"]
        assert (line["energyWh"], line["startedAt"]) == (session["energyWh"], session["startedAt"])
        assert line["operatorName"] == station["name"][: len(line["operatorName"])] != ""
    assert lines == {}
    assert len({line["operatorName"] for line in (await billed.bill())["lines"]["nodes"]}) == 2


async def test_that_it_has_totals_by_driver_and_by_vat_rate(billed: Billed) -> None:
    bill = await billed.bill()

    ada, bob = sorted(billed.drivers)
    assert [total["driver"]["email"] for total in bill["driverTotals"]] == [ada, bob]
    assert [total["charges"] for total in bill["driverTotals"]] == [2, 1]
    for total in bill["driverTotals"]:
        email = total["driver"]["email"]
        assert total["total"]["amount"] == str(_sum(billed.receipts(email), "total"))
        assert total["net"]["amount"] == str(_sum(billed.receipts(email), "net"))
        assert total["energyWh"] == sum(session["energyWh"] for who, session in billed.charges if who == email)
    assert [Decimal(tax["percent"]) for tax in bill["taxes"]] == [21, 19]
    assert {Decimal(tax["percent"]): _amounts(tax) for tax in bill["taxes"]} == _by_rate(billed.receipts())


async def test_that_the_csv_gives_the_same_figures_without_signing_in(billed: Billed) -> None:
    bill = await billed.bill()

    answer = _get(bill["csvUrl"])

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["receipt"] for row in rows] == [line["receiptNumber"] for line in bill["lines"]["nodes"]]
    for row, line in zip(rows, bill["lines"]["nodes"], strict=True):
        assert row["driver"] == line["driver"]["email"]
        assert (row["station"], row["operator"]) == (line["stationName"], line["operatorName"])
        assert (row["country"], row["energy_wh"]) == (line["country"], str(line["energyWh"]))
        assert (row["net"], row["total"]) == (line["net"]["amount"], line["total"]["amount"])
        assert (row["currency"], row["started_at"]) == ("EUR", line["startedAt"])
    assert sum(Decimal(row["total"]) for row in rows) == Decimal(bill["total"]["amount"])
    assert sum(Decimal(row["tax"]) for row in rows) == _sum(billed.receipts(), "total") - _sum(billed.receipts(), "net")


async def test_that_a_link_is_good_for_what_it_was_made_for_and_for_an_hour(billed: Billed) -> None:
    link = httpx.URL((await billed.bill())["csvUrl"])
    other_fleet = (await billed.manager.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]["id"]
    others = (await billed.manager.ask(BILL, id=other_fleet, month=MONTH))["node"]
    until = int(link.params["until"])
    fleet = link.path.split("/")[2]

    assert others["bill"] is None
    assert 3500 < until - time.time() <= 3600
    assert _get(_signed(link, fleet, until)).status_code == 200, "the test signs as we do"
    for tampered in (
        _signed(link, fleet, int(time.time()) - 1),
        link.copy_set_param("until", until + 1),
        link.copy_set_param("signature", link.params["signature"][::-1]),
        link.copy_set_param("signature", ""),
        link.copy_set_param("signature", "é"),
        link.copy_set_param("until", "soon"),
        link.copy_remove_param("signature"),
        link.copy_with(path=link.path.replace(MONTH, "2026-01")),
        link.copy_with(path=link.path.replace(fleet, "00000000-0000-4000-8000-000000000000")),
        link.copy_with(path=link.path.replace(fleet, "not-an-id")),
    ):
        answer = _get(tampered)
        assert answer.status_code == 404, tampered
        assert not any(receipt["number"] in answer.text for receipt in billed.receipts())


async def test_that_a_driver_of_the_fleet_sees_no_bill(billed: Billed) -> None:
    bill_id = (await billed.bill())["id"]
    for email, app in billed.drivers.items():
        fleet = (await app.ask(BILL, id=billed.fleet_id, month=MONTH))["node"]

        assert fleet == {
            "members": {"nodes": [{"driver": {"email": email}, "role": "DRIVER"}]},
            "bills": [],
            "bill": None,
        }
        assert (await app.ask(NODE, id=bill_id))["node"] is None
    assert (await billed.manager.ask(NODE, id=bill_id))["node"]["month"] == MONTH


async def test_that_the_fleets_charges_make_no_card_payment(billed: Billed) -> None:
    assert billed.card_payments == []
    for _, session in billed.charges:
        assert session["hold"] is None
        assert minor(session["receipt"]["paid"]) == 0 < minor(session["receipt"]["total"])


async def test_that_a_stranger_cannot_charge_at_the_fleets_cost(world: World, billed: Billed) -> None:
    stranger = await world.driver()
    connector, quote = await world.priced_connector(stranger)
    lines_before = (await billed.bill())["lines"]

    answer = await stranger.post(
        "mutation ($input: StartChargingInput!) { startCharging(input: $input) { session { id } errors { code } } }",
        input={"quoteId": quote["id"], "fleetId": billed.fleet_id, "idempotencyKey": "mine"},
    )

    assert answer["data"]["startCharging"] == {"session": None, "errors": [{"code": "FLEET_NOT_FOUND"}]}
    assert (await billed.bill())["lines"] == lines_before
    world.free_connectors.append(connector)


def _get(url: httpx.URL | str) -> httpx.Response:
    """As somebody who has the link and nothing else."""
    return httpx.get(url)


def _sum(receipts: list[dict[str, Any]], of: str) -> Decimal:
    return sum((Decimal(receipt[of]["amount"]) for receipt in receipts), Decimal("0.00"))


def _amounts(tax: dict[str, Any]) -> tuple[Decimal, Decimal]:
    return Decimal(tax["net"]["amount"]), Decimal(tax["tax"]["amount"])


def _by_rate(receipts: list[dict[str, Any]]) -> dict[Decimal, tuple[Decimal, Decimal]]:
    sums: dict[Decimal, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for line in (line for receipt in receipts for line in receipt["taxes"]):
        net, tax = _amounts(line)
        known = sums[Decimal(line["percent"])]
        sums[Decimal(line["percent"])] = known[0] + net, known[1] + tax
    return dict(sums)


def _signed(link: httpx.URL, fleet: str, until: int) -> httpx.URL:
    """A link with a good signature."""
    signature = sign(f"fleet-bill:{fleet}:{MONTH}:{until}".encode())
    return link.copy_with(params={"until": until, "signature": signature})
