"""A whole world for a story: database, API, worker, a sandbox operator and a card processor, each a process."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from emsp.demo.processes import Processes, kept_ports, surroundings
from emsp.demo.story import Story

TOKEN_A = "stories-token-a"

CONNECTORS = """
query ($after: String) {
  stations(where: {box: {west: -30, south: 30, east: 40, north: 72}}, filter: {availableNow: true, remoteStart: true},
           first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id name evses { id evseId status connectors { id maxPowerKw powerType tariff { summary missingReason } } } }
  }
}"""

QUOTE = """
mutation ($connectorId: ID!, $energyWh: Int!) {
  quoteCharge(input: {connectorId: $connectorId, energyWh: $energyWh}) {
    quote { id total { amount currency } worstCase { amount currency } missingReason }
    errors { code message }
  }
}"""

START = """
mutation ($input: StartChargingInput!) {
  startCharging(input: $input) { session { id state stateReason } errors { code message field } }
}"""

STOP = """
mutation ($id: ID!) {
  stopCharging(sessionId: $id, input: {idempotencyKey: "stop"}) { session { id state } errors { code message } }
}"""

SESSION = """
query ($id: ID!) {
  chargingSession(id: $id) {
    id state stateReason energyWh startedAt endedAt
    costSoFar { amount currency }
    hold { amount { amount currency } captured { amount } released { amount } }
    timeline { source text }
    receipt {
      id number net { amount } total { amount currency } paid { amount }
      lines { kind text amount { amount } tax { amount } }
      taxes { percent net { amount } tax { amount } }
      verification { result reason }
    }
  }
}"""

ADD_CARD = """
mutation ($token: String!) {
  addPaymentMethod(input: {cardToken: $token}) { paymentMethod { id last4 } errors { code message } }
}"""

OVER = ("SETTLED", "FAILED", "PAYMENT_DUE", "IN_REVIEW")


@dataclass
class World:
    """What a story needs to reach. Each story takes drivers and connectors of its own."""

    processes: Processes
    ports: dict[str, int]
    free_connectors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def cpo(self) -> str:
        return f"http://127.0.0.1:{self.ports['cpo']}"

    @property
    def cards(self) -> str:
        return f"http://127.0.0.1:{self.ports['cards']}"

    async def driver(
        self, *, card: str | None = "pm_card_visa", email: str | None = None, brand: str | None = None
    ) -> AppClient:
        """A signed-in driver, with a card unless told otherwise."""
        story = Story(self.api, self.processes.log_of("serve"), Console(quiet=True))
        address = email or f"{uuid4().hex[:12]}@example.com"
        app = await story.signed_in(address, {"X-Brand": brand} if brand else None)
        if card:
            await app.ask(ADD_CARD, token=card)
        return app

    async def sign_in_code(self, app: AppClient, email: str) -> str:
        """The code that `email` is sent when `app` asks for one."""
        story = Story(self.api, self.processes.log_of("serve"), Console(quiet=True))
        asked_at = time.time()
        await app.ask(documents.REQUEST_CODE, email=email)
        return await story._code_for(email, asked_at)

    async def connector(self, app: AppClient) -> dict[str, Any]:
        """A free connector with a price, given to nobody else; `station` and `evse` come with it."""
        if not self.free_connectors:
            self.free_connectors = await self._all_free(app)
        return self.free_connectors.pop()

    async def _all_free(self, app: AppClient) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = (await app.ask(CONNECTORS, after=after))["stations"]
            for station in page["nodes"]:
                found += [_first_connector(station, evse) for evse in station["evses"] if _is_good(evse)][:1]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    async def quote(self, app: AppClient, connector: dict[str, Any], energy_wh: int = 60_000) -> dict[str, Any]:
        answer = await app.ask(QUOTE, connectorId=connector["id"], energyWh=energy_wh)
        quote: dict[str, Any] = answer["quoteCharge"]["quote"]
        return quote

    async def priced_connector(
        self, app: AppClient, *, by_energy: bool = False
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A connector of one's own whose charge costs euros, and a quote for it; `by_energy`, by nothing else."""
        while True:
            connector = await self.connector(app)
            if by_energy and not re.fullmatch(r"[^;.]*\S+ per kWh\. Prices[^.]*\.", connector["tariff"]["summary"]):
                continue
            quote = await self.quote(app, connector)
            if quote["total"] and quote["total"]["currency"] == "EUR" and quote["total"]["amount"].strip("0."):
                return connector, quote

    async def priced_connector_at(self, app: AppClient, party: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """As `priced_connector`, at a `party` such as NL*SBX; the others stay free."""
        self.free_connectors = self.free_connectors or await self._all_free(app)
        for connector in [one for one in self.free_connectors if one["evse"]["evseId"].startswith(f"{party}*")]:
            self.free_connectors.remove(connector)
            quote = await self.quote(app, connector)
            if quote["total"] and quote["total"]["amount"].strip("0."):
                return connector, quote
        raise AssertionError(f"{party} has nothing free that costs something")

    async def start(self, app: AppClient, quote: dict[str, Any], **wish: Any) -> dict[str, Any]:
        """Ask to start on a quote; the session."""
        wanted = {"quoteId": quote["id"], "idempotencyKey": uuid4().hex} | wish
        session: dict[str, Any] = (await app.ask(START, input=wanted))["startCharging"]["session"]
        return session

    async def session(self, app: AppClient, session_id: str) -> dict[str, Any]:
        session: dict[str, Any] = (await app.ask(SESSION, id=session_id))["chargingSession"]
        return session

    async def wait(
        self, app: AppClient, session_id: str, *states: str, energy_wh: int = 0, timeout_s: float = 60
    ) -> dict[str, Any]:
        """The session as soon as it is in one of `states` with at least `energy_wh`."""
        deadline = time.monotonic() + timeout_s
        while True:
            session = await self.session(app, session_id)
            if session["state"] in states and session["energyWh"] >= energy_wh:
                return session
            assert session["state"] not in set(OVER) - set(states), session
            assert time.monotonic() < deadline, f"still {session} after {timeout_s} s"
            await asyncio.sleep(0.2)

    async def finish(
        self, app: AppClient, session_id: str, *, energy_wh: int = 0, timeout_s: float = 60
    ) -> dict[str, Any]:
        """Let it charge, stop it, and wait until it is settled; the session with its receipt."""
        await self.wait(app, session_id, "CHARGING", energy_wh=energy_wh, timeout_s=timeout_s)
        await app.ask(STOP, id=session_id)
        return await self.wait(app, session_id, "SETTLED", timeout_s=timeout_s)

    def behave(self, connector: dict[str, Any], **orders: str) -> None:
        """Tell the operator how the charge point of `connector` behaves from now on."""
        httpx.post(f"{self.cpo}/sandbox/behaviour", json=place_of(connector) | orders).raise_for_status()

    def pull_lever(self, lever: str, **order: Any) -> Any:
        """Pull one of the operator's levers."""
        return httpx.post(f"{self.cpo}/sandbox/{lever}", json=order, timeout=30).raise_for_status().json()

    def set_status(self, connector: dict[str, Any], status: str) -> None:
        """Let the operator report another status of the charge point of `connector`."""
        body = place_of(connector) | {"status": status}
        httpx.post(f"{self.cpo}/sandbox/evse-status", json=body).raise_for_status()

    def card_fault(self, path: str, kind: str, **more: Any) -> None:
        """Let the card processor misbehave once at a path."""
        body = {"path": path, "kind": kind} | more
        httpx.post(f"{self.cards}/sandbox/faults", json=body).raise_for_status()

    def waiting_faults(self) -> list[dict[str, Any]]:
        """The faults that the card processor has not had occasion for."""
        answer: dict[str, Any] = httpx.get(f"{self.cards}/sandbox/faults").json()
        return list(answer["waiting"])

    def payments(self) -> list[dict[str, Any]]:
        """Every payment in the card processor's own books, oldest first."""
        books: list[dict[str, Any]] = httpx.get(f"{self.cards}/sandbox/books").json()["payment_intents"]
        return books

    def cpo_books(self) -> dict[str, Any]:
        """The operator's own books."""
        books: dict[str, Any] = httpx.get(f"{self.cpo}/sandbox/books").json()
        return books

    def invite_operator(self, name: str, **wish: str) -> None:
        """Let the operator register at us, and pull what it has."""
        [invitation] = json.loads(self.processes.run("partners", "invite", name, "--json"))
        order = {"versions_url": invitation["versions_url"], "token": invitation["token"]} | wish
        httpx.post(f"{self.cpo}/sandbox/connect", json=order, timeout=30).raise_for_status()
        counts = json.loads(self.processes.run("partners", "sync", name, "--json"))
        assert all(row["failure"] is None for row in counts), counts

    def kill(self, name: str) -> None:
        """`kill -9`, as a crash would."""
        for index, (known, process) in enumerate(self.processes.running):
            if known == name:
                process.kill()
                process.join()
                del self.processes.running[index]
                return
        raise AssertionError(f"{name} does not run")


def place_of(connector: dict[str, Any]) -> dict[str, str]:
    """Where the operator has the charge point, told from the EVSE-ID that is printed on it."""
    _, _, number, index = connector["evse"]["evseId"].split("*")
    location_id = f"SBX{int(number[1:]):05d}"
    return {"location_id": location_id, "evse_uid": f"{location_id}-{index}"}


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def minor(money: dict[str, Any]) -> int:
    """Minor units of an amount with two decimals."""
    return round(Decimal(money["amount"]) * 100)


MADE_UP = re.compile(r"[A-Z]{2}\*(SBX|KRB|LNT|HWY)\*E\d{6}\*\d+")
"""EVSE-IDs of the operators that the world's own sandbox makes up; some stories bring others."""


def _is_good(evse: dict[str, Any]) -> bool:
    connectors = evse["connectors"]
    return (
        evse["status"] == "AVAILABLE"
        and bool(MADE_UP.fullmatch(evse["evseId"] or ""))
        and bool(connectors)
        and bool(connectors[0]["tariff"])
        and not connectors[0]["tariff"]["missingReason"]
    )


def _first_connector(station: dict[str, Any], evse: dict[str, Any]) -> dict[str, Any]:
    connector: dict[str, Any] = evse["connectors"][0]
    return connector | {"station": station, "evse": evse}


@contextmanager
def made_world(
    folder: Path,
    database_url: str,
    *,
    speed: float = 300,
    connect: bool = True,
    invite: bool = False,
    operator: Sequence[str] = (),
) -> Iterator[World]:
    """Start everything on an empty database at `database_url`.

    We begin the registration at the operator, or with `invite` the operator at us; without `connect` nobody does.
    `operator` are more options of the sandbox operator.
    """
    ports = kept_ports(folder, None)
    env = surroundings(folder, ports) | {
        "EMSP_DATABASE_URL": database_url,
        "EMSP_SECRET_KEY": "a key for tests only",
        "EMSP_PLUG_IN_WAIT_S": "4",
        "EMSP_UNCONFIRMED_WAIT_S": "4",
        "EMSP_CREDIT_WAIT_S": "2",
        "EMSP_JOB_STALLED_S": "2",
    }
    processes = Processes(folder, env)
    world = World(processes, ports)
    try:
        processes.start("cards", *_cards(world, folder), announces=True)
        processes.start("cpo", *_cpo(world, folder, speed), *operator, announces=True)
        processes.run("migrate")
        processes.start("serve", "serve", "--port", str(ports["api"]))
        processes.start("work", "work")
        processes.announced("cards")
        cpo = processes.announced("cpo")
        processes.wait_until_ready("serve", f"{world.api}/readyz")
        if invite:
            world.invite_operator("CPO")
        elif connect:
            counts = processes.run("partners", "connect", cpo["versions_url"], TOKEN_A, "--name", "CPO", "--json")
            assert all(row["failure"] is None for row in json.loads(counts))
        yield world
    finally:
        processes.stop()


def _cards(world: World, folder: Path) -> list[str]:
    hook = f"{world.api}/stripe/webhooks"
    state = str(folder / "cards.sqlite")
    return ["sandbox", "cards", "--port", str(world.ports["cards"]), "--webhook-url", hook, "--state", state]


def _cpo(world: World, folder: Path, speed: float) -> list[str]:
    state = str(folder / "cpo.json")
    port = str(world.ports["cpo"])
    return ["sandbox", "cpo", "--port", port, "--token", TOKEN_A, "--state", state, "--speed", str(speed)]
