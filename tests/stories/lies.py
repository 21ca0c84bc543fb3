"""What stories of lies share: a charge where something is amiss, and what everybody's books say of it afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Generic, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg

from emsp.demo.app_client import AppClient
from emsp.graphql import ids
from tests.stories.world import OVER, STOP, World, minor, place_of

STORIES: dict[str, list[str]] = {}
"""Which tests tell what comes of a lie."""
EUROS = ("NL", "DE", "FR", "BE", "AT", "ES")
LEAST_KW, MOST_KW = 10, 25
"""Fast enough to be waited for, slow enough that no car is full before its driver stops the charge."""
ZONE = ZoneInfo("Europe/Amsterdam")
LOOK_EVERY_S = 0.4
PATIENCE_S = 180
LEDGER = """
    SELECT t.event, e.account, e.amount_minor FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
     WHERE e.account = 'driver:' || (SELECT driver_id FROM charging_session WHERE id = %(id)s)
        OR t.reference IN (SELECT r.id::text FROM receipt r WHERE r.session_id = %(id)s)
        OR t.reference IN (SELECT c.id::text FROM charge_record c WHERE c.session_id = %(id)s)
        OR split_part(t.reference, ':', 1) IN (SELECT c.id::text FROM claim c WHERE c.session_id = %(id)s)
     ORDER BY e.id"""
PAYMENTS = """
    SELECT processor_id FROM hold JOIN charging_session USING (driver_id) WHERE charging_session.id = %(id)s UNION
    SELECT processor_id FROM charge JOIN charging_session USING (driver_id) WHERE charging_session.id = %(id)s"""
UNBALANCED = """
    SELECT transaction_id, currency, sum(amount_minor) FROM ledger_entry GROUP BY 1, 2 HAVING sum(amount_minor) <> 0"""
OPERATORS = ("energy_bought", "energy_corrected", "claim_opened", "claim_closed")
"""Events of what we owe an operator; what counts is their sum."""
Entry = tuple[str, str, int]
Json = dict[str, Any]
Test = TypeVar("Test", bound=Callable[..., Any])
Made = TypeVar("Made")


def about(*lies: str) -> Callable[[Test], Test]:
    """Says of a test that it tells what comes of these lies."""

    def told(test: Test) -> Test:
        for lie in lies:
            STORIES.setdefault(lie, []).append(test.__name__)
        return test

    return told


@dataclass
class Charge:
    """A driver's charge at a charge point that lies."""

    world: World
    app: AppClient
    email: str
    connector: Json
    quote: Json
    session: Json = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """The states that it was seen in."""
    fleet_id: str | None = None
    at: str | None = None
    """Where its operator listens, if that is not the world's own."""
    operators: list[Json] = field(default_factory=list)
    """The operator's own sessions of it, when it was closed."""

    @property
    def id(self) -> str:
        """The id of the session as the app has it."""
        return str(self.session["id"])

    @property
    def key(self) -> str:
        """The id of the session as the books have it."""
        return ids.decode(self.id)[1]

    @property
    def timeline(self) -> str:
        return "\n".join(event["text"] for event in self.session["timeline"])

    @property
    def receipt(self) -> Json:
        receipt: Json = self.session["receipt"]
        return receipt

    async def asked(self) -> Charge:
        """The driver asks for the price as it is known now, and to start."""
        self.quote = await self.world.quote(self.app, self.connector)
        wish = {"fleetId": self.fleet_id} if self.fleet_id else {}
        self.session = await self.world.start(self.app, self.quote, connectorId=self.connector["id"], **wish)
        await self.look()
        return self

    async def look(self) -> Json:
        """The session as the driver sees it now."""
        self.session = await self.world.session(self.app, self.id)
        if self.session["state"] not in self.seen[-1:]:
            self.seen.append(self.session["state"])
        return self.session

    async def until(self, *states: str, energy_wh: int = 0, told: str = "") -> Charge:
        """As soon as it is in one of these states, with so much energy and this in its timeline."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            session = await self.look()
            if session["state"] in states and session["energyWh"] >= energy_wh and told in self.timeline:
                return self
            assert session["state"] not in set(OVER) - set(states), session
            assert time.monotonic() < deadline, f"waited for {states} {told!r}: {self.seen} {session}"
            await asyncio.sleep(LOOK_EVERY_S)

    async def stopped(self, energy_wh: int = 1000) -> Charge:
        """It has charged that much, by the operator's own books as well, and the driver asked for its end."""
        await self.until("CHARGING", energy_wh=energy_wh)
        deadline = time.monotonic() + PATIENCE_S
        while sum(Decimal(str(one["kwh"])) for one in self.operators_sessions()) * 1000 < energy_wh:
            assert time.monotonic() < deadline, self.operators_sessions()
            await asyncio.sleep(LOOK_EVERY_S)
        await self.app.ask(STOP, id=self.id)
        return self

    async def settled(self, energy_wh: int = 1000) -> Charge:
        """The usual way, to its end."""
        return await (await self.stopped(energy_wh)).until("SETTLED")

    async def closed(self) -> Charge:
        """The operator has said everything that it has to say."""
        deadline = time.monotonic() + PATIENCE_S
        while any(session["phase"] != "closed" for session in self.operators_sessions()):
            assert time.monotonic() < deadline, self.operators_sessions()
            await asyncio.sleep(LOOK_EVERY_S)
        self.operators = self.operators_sessions()
        await self.look()
        return self

    def payments(self) -> list[Json]:
        """Its driver's payments in the card processor's own books."""
        with psycopg.connect(self.world.processes.env["EMSP_DATABASE_URL"]) as connection:
            known = {row[0] for row in connection.execute(PAYMENTS, {"id": self.key})}
        return [payment for payment in self.world.payments() if payment["id"] in known]

    async def released(self) -> list[Json]:
        """Its payments, once nothing is held any more."""
        for _ in range(100):
            payments = self.payments()
            if not any(payment["held_minor"] for payment in payments):
                return payments
            await asyncio.sleep(LOOK_EVERY_S)
        raise AssertionError(f"still held: {payments}")

    def ledger(self) -> list[Entry]:
        """What the books hold of it and of its driver: (event, account, amount in minor units)."""
        with psycopg.connect(self.world.processes.env["EMSP_DATABASE_URL"]) as connection:
            return [
                (event, account, int(amount)) for event, account, amount in connection.execute(LEDGER, {"id": self.key})
            ]

    def _operators_books(self) -> Json:
        books: Json = httpx.get(f"{self.at or self.world.cpo}/sandbox/books", timeout=60).json()
        return books

    def operators_sessions(self) -> list[Json]:
        """The operator's own sessions at the charge point."""
        place = place_of(self.connector)
        return [
            one
            for one in self._operators_books()["sessions"]
            if all(one[name] == value for name, value in place.items())
        ]

    def operators_records(self) -> list[Json]:
        """The operator's own CDRs of it, as they would be without lies told on their way, the first one first."""
        [session] = self.operators_sessions()
        return [cdr for cdr in self._operators_books()["cdrs"] if cdr["session_id"] == session["id"]]


async def arrived(world: World, *lies: str, paid_by: Fleet | None = None) -> Charge:
    """A new driver at a charge point that tells lies from now on."""
    email = f"{uuid4().hex[:12]}@example.com"
    app = await world.driver(email=email, card=None if paid_by else "pm_card_visa")
    if paid_by:
        await paid_by.add(email)
    connector, quote = await _place(world, app)
    tell(world, *lies, **place_of(connector))
    return Charge(world, app, email, connector, quote, fleet_id=paid_by.id if paid_by else None)


async def _place(world: World, app: AppClient) -> tuple[Json, Json]:
    """A connector of one's own in a country of the euro that costs something, and a quote for it."""
    while True:
        connector, quote = await world.priced_connector(app)
        if connector["evse"]["evseId"].startswith(EUROS) and LEAST_KW < connector["maxPowerKw"] <= MOST_KW:
            return connector, quote


def tell(world: World, *lies: str, at: str | None = None, **place: str) -> None:
    """Let the operator (the world's own unless `at` says which) lie so and not otherwise, there or everywhere."""
    httpx.post(f"{at or world.cpo}/sandbox/lies", json={"lies": lies, **place}).raise_for_status()


@dataclass
class Fleet:
    """A fleet whose manager sees its bill."""

    manager: AppClient
    id: str

    async def add(self, email: str) -> None:
        """One more driver."""
        await self.manager.ask(ADD_MEMBER, fleetId=self.id, email=email)

    async def lines(self, email: str) -> list[Json]:
        """What the bill of the month has of a driver."""
        fleet = (await self.manager.ask(BILLED, id=self.id, month=f"{datetime.now(ZONE):%Y-%m}"))["node"]
        bill = fleet["bills"][0] if fleet["bills"] else {"lines": {"nodes": []}}
        return [line for line in bill["lines"]["nodes"] if line["driver"]["email"] == email]


ADD_MEMBER = """
mutation ($fleetId: ID!, $email: String!) {
  addFleetMember(input: {fleetId: $fleetId, email: $email, role: DRIVER}) { errors { code message } }
}"""
BILLED = """
query ($id: ID!, $month: String!) {
  node(id: $id) {
    ... on Fleet {
      bills(month: $month) { lines(first: 100) { nodes { receiptNumber driver { email } energyWh total { amount } } } }
    }
  }
}"""
CREATE_FLEET = """mutation { createFleet(input: {name: "Couriers"}) { fleet { id } errors { code message } } }"""


async def fleet(world: World) -> Fleet:
    """A new fleet."""
    manager = await world.driver(card=None)
    return Fleet(manager, (await manager.ask(CREATE_FLEET))["createFleet"]["fleet"]["id"])


def is_paid_once(paid: Charge, owed: Decimal | None = None) -> None:
    """One receipt, one payment equal to it, and exactly these entries; `owed` is what the operator gets, net."""
    receipt, [payment] = paid.receipt, paid.payments()
    assert paid.session["state"] == "SETTLED"
    assert payment["captured_minor"] == minor(receipt["total"]) == minor(receipt["paid"]) > 0
    assert payment["held_minor"] == 0
    assert payment["captured_minor"] + payment["released_minor"] == payment["authorised_minor"]
    payer = next(account for _, account, _ in paid.ledger() if account.startswith("driver:"))
    captured = [("hold_captured", "processor_clearing", minor(receipt["total"]))]
    captured += [("hold_captured", payer, -minor(receipt["total"]))]
    assert _summed(paid.ledger()) == sorted(_billed(paid, payer, owed) + captured)


async def is_on_the_bill_once(paid: Charge, by: Fleet, owed: Decimal | None = None) -> None:
    """One receipt, one line of the fleet's bill equal to it, no card payment, and exactly these entries."""
    receipt, [line] = paid.receipt, await by.lines(paid.email)
    assert (paid.session["state"], paid.payments()) == ("SETTLED", [])
    assert (line["receiptNumber"], line["total"]["amount"]) == (receipt["number"], receipt["total"]["amount"])
    assert line["energyWh"] == paid.session["energyWh"]
    assert minor(receipt["paid"]) == 0 < minor(receipt["total"])
    payer = f"fleet:{ids.decode(by.id)[1]}"
    assert _summed(paid.ledger()) == sorted(_billed(paid, payer, owed))


def _summed(ledger: list[Entry]) -> list[Entry]:
    """The ledger with all that was said of an operator's account as one entry an account."""
    sums: dict[str, int] = {}
    for event, account, amount in ledger:
        if event in OPERATORS:
            sums[account] = sums.get(account, 0) + amount
    others = [entry for entry in ledger if entry[0] not in OPERATORS]
    return sorted([*others, *(("owed", account, amount) for account, amount in sums.items() if amount)])


async def eventually(check: Callable[[], Any]) -> None:
    """Try again until a check holds: the last job may still have to run."""
    deadline = time.monotonic() + PATIENCE_S / 6
    while True:
        try:
            found = check()
            return await found if isinstance(found, Awaitable) else None
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


def _billed(paid: Charge, payer: str, owed: Decimal | None) -> list[Entry]:
    """A bill and what the energy of it cost us, in entries."""
    receipt, [session] = paid.receipt, paid.operators_sessions()
    net, total = minor(receipt["net"]), minor(receipt["total"])
    cost = cents(owed if owed is not None else net_of(paid.operators_records()[0]))
    seller = f"cpo:{session['country_code']}-{session['party_id']}"
    entries = [
        ("charge_billed", payer, total),
        ("charge_billed", "revenue", -net),
        ("charge_billed", "tax", net - total),
    ]
    entries += [("owed", "energy_cost", cost), ("owed", seller, -cost)]
    return [entry for entry in entries if entry[2]]


def cents(amount: Decimal) -> int:
    """Minor units, half up."""
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def net_of(cdr: Json) -> Decimal:
    """What a CDR asks, without VAT."""
    return Decimal(str(cdr["total_cost"]["excl_vat"]))


async def is_not_billed(failed: Charge) -> None:
    """No receipt, nothing taken and nothing held any more, nothing in the books."""
    assert (failed.session["state"], failed.session["receipt"]) == ("FAILED", None)
    payments = await failed.released()
    assert [payment["captured_minor"] for payment in payments] == ([] if failed.fleet_id else [0])
    assert failed.ledger() == []


def is_as_measured(paid: Charge) -> None:
    """The driver's bill is over the energy that the operator really measured, by a rule that was seen before."""
    [session] = paid.operators_sessions()
    assert paid.session["energyWh"] == round(Decimal(str(session["kwh"])) * 1000)
    assert minor(paid.receipt["total"]) <= minor(paid.quote["worstCase"])


def books_are_even(world: World) -> bool:
    """Whether each transaction of the ledger sums to zero."""
    with psycopg.connect(world.processes.env["EMSP_DATABASE_URL"]) as connection:
        return connection.execute(UNBALANCED).fetchall() == []


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit status, what it printed as JSON, and what it complained of."""

    status: int
    rows: list[Json]
    error: str

    @property
    def by_module(self) -> dict[str, Json]:
        return {row["module"]: row for row in self.rows}


def emsp(world: World, *arguments: str) -> Ended:
    """Run a command of ours to its end, whatever that is."""
    done = world.processes.ended(*arguments, "--json")
    return Ended(done.status, json.loads(done.out or "[]"), done.err)


def sync(world: World, name: str, *arguments: str) -> Ended:
    """Pull a partner by hand."""
    return emsp(world, "partners", "sync", name, *arguments)


class Outcomes(Generic[Made]):
    """What came of each lie; what went wrong with one is raised when it is asked for, and concerns no other."""

    def __init__(self, made: Mapping[str, Made | BaseException]) -> None:
        self._made = made

    def __getitem__(self, lie: str) -> Made:
        made = self._made[lie]
        if isinstance(made, BaseException):
            raise made
        return made


async def every(making: Mapping[str, Coroutine[Any, Any, Made]], at_once: int) -> Outcomes[Made]:
    """What comes of each lie, a few at a time."""
    few = asyncio.Semaphore(at_once)

    async def one(made: Coroutine[Any, Any, Made]) -> Made:
        async with few:
            return await made

    made = await asyncio.gather(*(one(coroutine) for coroutine in making.values()), return_exceptions=True)
    return Outcomes(dict(zip(making, made, strict=True)))
