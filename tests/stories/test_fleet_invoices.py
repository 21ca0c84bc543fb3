"""A fleet pays by direct debit: a mandate, a charge, the month closed, and what the bank makes of it days later."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from emsp.graphql import ids
from tests.stories.world import World, minor

pytestmark = pytest.mark.asyncio(loop_scope="module")
MONTH = f"{datetime.now(ZoneInfo('Europe/Amsterdam')):%Y-%m}"
BEGIN = """
mutation ($fleet: ID!) {
  beginMandate(input: {fleetId: $fleet}) { clientSecret mandate { state reference } errors { code } }
}"""
FINISH = "mutation ($fleet: ID!) { finishMandate(fleetId: $fleet) { mandate { state last4 } errors { code } } }"
FLEET = """
query ($id: ID!, $month: String!) {
  node(id: $id) {
    ... on Fleet {
      mandate { state last4 reference }
      invoices {
        totalCount
        nodes { id number month state stateReason charges total { amount } paid { amount } pdfUrl drivers { email } }
      }
      bill(month: $month) { total { amount } pdfUrl invoice { id } lines { nodes { kind } } }
    }
  }
}"""
PERMISSION = """
query ($connector: ID!, $quote: ID, $fleet: ID) {
  chargePermission(connectorId: $connector, quoteId: $quote, fleetId: $fleet) { allowed code message paymentFlow }
}"""
START = (
    "mutation ($input: StartChargingInput!) { startCharging(input: $input) { session { id } errors { code message } } }"
)
INVOICE = "query ($id: ID!) { node(id: $id) { ... on FleetInvoice { number } } }"


@dataclass
class Company:
    """A fleet with a mandate and a driver who charged at its cost."""

    world: World
    fleet_id: str
    manager: AppClient
    driver: AppClient

    async def shown(self, app: AppClient | None = None) -> dict[str, Any]:
        fleet: dict[str, Any] = (await (app or self.manager).ask(FLEET, id=self.fleet_id, month=MONTH))["node"]
        return fleet

    async def invoice(self, *states: str) -> dict[str, Any]:
        """The fleet's only invoice, as soon as it is in one of these states."""

        async def look() -> dict[str, Any] | None:
            found = (await self.shown())["invoices"]["nodes"]
            return found[0] if found and found[0]["state"] in states else None

        return await eventually(look)

    def command(self, *arguments: str) -> Any:
        """`emsp fleets …` for this fleet."""
        *command, last = arguments
        key = str(ids.uuid_of(self.fleet_id, "Fleet"))
        return json.loads(self.world.processes.run("fleets", *command, key, last, *(["--json"] * (last == MONTH))))


async def eventually(look: Callable[[], Awaitable[Any]], timeout_s: float = 60) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + timeout_s
    while not (found := await look()):
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.2)
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def company(world: World) -> Company:
    """A fleet whose driver charged, whose account is the one that `sign` is told."""
    manager = await world.driver(card=None)
    fleet_id = (await manager.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]["id"]
    email = f"{uuid4().hex[:12]}@example.com"
    driver = await world.driver(email=email, card=None)
    await manager.ask(documents.ADD_MEMBER, fleetId=fleet_id, email=email)
    return Company(world, fleet_id, manager, driver)


async def sign(company: Company, account: str) -> None:
    """The manager fills in the processor's form."""
    begun = (await company.manager.ask(BEGIN, fleet=company.fleet_id))["beginMandate"]
    assert (begun["mandate"], begun["errors"]) == ({"state": "PENDING", "reference": None}, [])
    setup = begun["clientSecret"].partition("_secret_")[0]
    form = {
        "client_secret": begun["clientSecret"],
        "payment_method": account,
        "mandate_data[customer_acceptance][type]": "online",
    }
    key = {"authorization": "Bearer pk_test_sandbox"}
    url = f"{company.world.cards}/v1/setup_intents/{setup}/confirm"
    post(url, data=form, headers=key)


async def charged(company: Company) -> dict[str, Any]:
    """The driver charges at the fleet's cost; the settled session."""
    world, app = company.world, company.driver
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"], fleetId=company.fleet_id)
    return await world.finish(app, session["id"], energy_wh=2000)


async def settle_debit(world: World, **order: bool) -> None:
    """The bank answers the debit that it was asked for last, as the account is known for."""

    async def asked() -> str | None:
        found = [one for one in world.payments() if one["status"] == "processing"]
        return found[-1]["id"] if found else None

    post(f"{world.cards}/sandbox/debits/settle", json={"payment_intent": await eventually(asked)} | order)


def downloaded(url: str) -> httpx.Response:
    """As somebody who has the link and nothing else."""
    return httpx.get(url)


def post(url: str, **what: Any) -> None:
    """As the form in the browser, or the test itself, does it."""
    httpx.post(url, **what).raise_for_status()


async def test_that_a_month_is_closed_and_paid_by_the_mandate_once_the_bank_says_so(company: Company) -> None:
    world = company.world
    await sign(company, "pm_success_de")

    async def active() -> Any:
        mandate = (await company.shown())["mandate"]
        return mandate if mandate["state"] == "ACTIVE" else None

    mandate = await eventually(active)
    assert mandate["reference"]
    finished = (await company.manager.ask(FINISH, fleet=company.fleet_id))["finishMandate"]
    assert finished == {"mandate": {"state": "ACTIVE", "last4": mandate["last4"]}, "errors": []}

    session = await charged(company)
    [closed] = company.command("invoices", "close", "--early", MONTH)
    again = company.command("invoices", "close", "--early", MONTH)
    assert [one["number"] for one in again] == [closed["number"]]

    invoice = await company.invoice("COLLECTING")
    assert (invoice["number"], invoice["month"], invoice["charges"]) == (closed["number"], MONTH, 1)
    assert invoice["total"]["amount"] == session["receipt"]["total"]["amount"]
    assert minor(invoice["paid"]) == 0
    pdf = downloaded(invoice["pdfUrl"])
    assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")

    await settle_debit(world, succeed=True)

    paid = await company.invoice("PAID")
    assert (paid["paid"], paid["stateReason"]) == (invoice["total"], "Collected from your bank account.")
    fleet = await company.shown()
    assert fleet["bill"]["invoice"] == {"id": paid["id"]}
    assert fleet["bill"]["pdfUrl"]
    assert fleet["bill"]["lines"]["nodes"] == [{"kind": "CHARGE"}]
    assert fleet["invoices"]["totalCount"] == 1

    seen = await company.shown(company.driver)
    assert (seen["mandate"], seen["invoices"], seen["bill"]) == (None, {"totalCount": 0, "nodes": []}, None)
    assert (await company.driver.ask(INVOICE, id=paid["id"]))["node"] is None
    assert (await company.manager.ask(INVOICE, id=paid["id"]))["node"] == {"number": paid["number"]}


async def test_that_a_debit_without_money_leaves_the_invoice_due_and_a_limit_refuses_the_next_charge(
    company: Company,
) -> None:
    world = company.world
    await sign(company, "pm_insufficientFunds_de")
    await charged(company)
    company.command("invoices", "close", "--early", MONTH)
    await company.invoice("COLLECTING")

    await settle_debit(world)

    due = await company.invoice("DUE")
    assert minor(due["paid"]) == 0
    assert due["stateReason"]

    world.processes.run("fleets", "invoices", "paid", due["number"], "--reference", "statement 7, line 2")
    assert (await company.invoice("PAID"))["paid"] == due["total"]

    connector, quote = await world.priced_connector(company.driver)
    asked = {"connector": connector["id"], "quote": quote["id"], "fleet": company.fleet_id}
    yes = (await company.driver.ask(PERMISSION, **asked))["chargePermission"]
    assert yes == {"allowed": True, "code": None, "message": None, "paymentFlow": "FLEET"}
    world.processes.run(
        "fleets", "limits", str(ids.uuid_of(company.fleet_id, "Fleet")),
        "--set", json.dumps({"currency": quote["worstCase"]["currency"], "charge_max_minor": 1}),
    )  # fmt: skip
    said = f"Your fleet pays up to 0.01 EUR a charge; this one may cost {quote['worstCase']['amount']} EUR."
    no = (await company.driver.ask(PERMISSION, **asked))["chargePermission"]
    assert no == {"allowed": False, "code": "FLEET_LIMIT", "message": said, "paymentFlow": None}
    wish = {"quoteId": quote["id"], "fleetId": company.fleet_id, "idempotencyKey": uuid4().hex}
    start = (await company.driver.try_(START, input=wish))["startCharging"]
    assert start == {"session": None, "errors": [{"code": "FLEET_LIMIT", "message": said}]}
    world.free_connectors.append(connector)
