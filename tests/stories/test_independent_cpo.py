"""A charge at operators that others' OCPI libraries speak for, each a process with an environment of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from emsp.demo.app_client import AppClient
from tests.databases import named
from tests.stories.world import World, free_port, made_world, minor

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPTS = ROOT / "tests" / "peers"
TOKEN_A = "independent-token-a"
MODULES = ("/locations/", "/tariffs/", "/sessions/", "/cdrs/", "/commands/")
Body = dict[str, Any]


@dataclass(frozen=True)
class Make:
    """A script for a library, what it is told beside address and party, and how many stations it has."""

    script: str
    version: str
    stations: int
    env: tuple[tuple[str, str], ...] = ()


MANY = 520
"""Stations, more than we take in a page: the library's own links are met."""
EXTRAWEST = Make("extrawest_cpo.py", "2.2.1", MANY)
EXTRAWEST_WITHOUT_SLASHES = Make("extrawest_cpo.py", "2.2.1", 3, (("TRAILING_SLASH", "false"),))
EXTRAWEST_OLD = Make("extrawest_cpo.py", "2.1.1", 3)
PYTHON_OCPI = Make("python_ocpi_cpo.py", "2.2.1", 3)

FIND = """
query ($text: String!) {
  searchPlaces(text: $text) {
    nodes { name evses { evseId status connectors { id tariff { summary } } } }
  }
}"""


@dataclass
class Peer:
    """An operator of another make, of a party such as DE*EXA."""

    make: Make
    party: str
    url: str

    @property
    def name(self) -> str:
        return self.party

    def books(self) -> Body:
        """Its own books, and what went over the wire as it saw it."""
        books: Body = httpx.get(f"{self.url}/books", timeout=10).json()
        return books

    def register(self, invitation: Body) -> Body:
        """Let it begin the handshake."""
        body = {"versions_url": invitation["versions_url"], "token": invitation["token"]}
        answer: Body = httpx.post(f"{self.url}/register", json=body, timeout=30).json()
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, server_url: str) -> Iterator[World]:
    """Everything running on an empty database, no operator connected."""
    name = f"peers_{uuid4().hex[:12]}"
    with psycopg.connect(named(server_url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with made_world(tmp_path_factory.mktemp("peers"), named(server_url, name), connect=False) as made:
        yield made


@contextmanager
def running_peer(world: World, make: Make, party: str) -> Iterator[Peer]:
    """A process of that make, ended in the end."""
    assert PYTHON.exists(), "the peers' environment is missing: run scripts/install-peers"
    country_code, party_id = party.split("*")
    host = f"127.0.0.1:{free_port()}"
    env = {"OCPI_HOST": host, "PROTOCOL": "http", "COUNTRY_CODE": country_code, "PARTY_ID": party_id} | dict(make.env)
    log = world.processes.data_dir / f"{party_id}.log"
    with log.open("wb") as output:
        command = [str(PYTHON), str(SCRIPTS / make.script), make.version, str(make.stations), TOKEN_A]
        process = subprocess.Popen(command, env=os.environ | env, stdout=output, stderr=output)
    try:
        _wait_until_ready(process, f"http://{host}/books", log)
        yield Peer(make, party, f"http://{host}")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, timeout=2).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the peer did not start: {log.read_text()}")


@pytest.mark.parametrize(
    ("make", "party"),
    [
        pytest.param(EXTRAWEST, "DE*EXA", id="extrawest-2.2.1"),
        pytest.param(EXTRAWEST_OLD, "DE*EXB", id="extrawest-2.1.1"),
        pytest.param(PYTHON_OCPI, "DE*PYA", id="python-ocpi-2.2.1"),
    ],
)
async def test_that_a_charge_at_a_peer_where_we_registered_is_settled(world: World, make: Make, party: str) -> None:
    with running_peer(world, make, party) as peer:
        url = f"{peer.url}/ocpi/versions"
        counts = world.processes.run("partners", "connect", url, TOKEN_A, "--name", peer.name, "--json")
        check_pulled(peer, counts)

        settled, payment = await charged(world, peer)

        check_settled(world, peer, settled, payment)
        assert tokens_shown(peer, "/versions/", "/credentials/") == {"A"}
        assert tokens_shown(peer, *MODULES) == {"C"}, "what it gave us when we registered"


@pytest.mark.parametrize(
    ("make", "party"),
    [
        pytest.param(EXTRAWEST_WITHOUT_SLASHES, "DE*EXC", id="extrawest-2.2.1"),
        pytest.param(EXTRAWEST_OLD, "DE*EXD", id="extrawest-2.1.1"),
        pytest.param(PYTHON_OCPI, "DE*PYB", id="python-ocpi-2.2.1"),
    ],
)
async def test_that_a_charge_at_a_peer_that_registered_at_us_is_settled(world: World, make: Make, party: str) -> None:
    [invitation] = json.loads(world.processes.run("partners", "invite", party, "--json"))
    with running_peer(world, make, party) as peer:
        assert peer.register(invitation) == {"http_status": 200, "status_code": 1000}
        check_pulled(peer, world.processes.run("partners", "sync", peer.name, "--json"))

        settled, payment = await charged(world, peer)

        check_settled(world, peer, settled, payment)
        assert tokens_shown(peer, "/") == {"C"}, "it gave us none before"
        assert status_for(invitation["versions_url"], invitation["token"]) == 401, "and ours is spent"


def check_pulled(peer: Peer, counts: str) -> None:
    """Everything is there, and nothing of it was kept apart."""
    rows = {row["module"]: (row["seen"], row["apart"], row["failure"]) for row in json.loads(counts)}
    locations = (peer.make.stations, 0, None)
    assert rows == {"tariffs": (1, 0, None), "locations": locations, "sessions": (0, 0, None), "cdrs": (0, 0, None)}


async def charged(world: World, peer: Peer) -> tuple[Body, Body]:
    """A driver's charge at the peer's first station; the settled session and its payment."""
    app = await world.driver()
    evse = await _evse(app, peer)
    assert evse["status"] == "AVAILABLE"
    quote = await world.quote(app, evse["connectors"][0])
    assert quote["missingReason"] is None
    before = len(world.payments())
    session = await world.start(app, quote, connectorId=evse["connectors"][0]["id"])
    await world.wait(app, session["id"], "CHARGING", energy_wh=800)
    assert (await _evse(app, peer))["status"] == "OCCUPIED"
    settled = await world.finish(app, session["id"], energy_wh=2000)
    assert (await _evse(app, peer))["status"] == "AVAILABLE"
    [payment] = world.payments()[before:]
    return settled, payment


async def _evse(app: AppClient, peer: Peer) -> Body:
    [station] = (await app.ask(FIND, text=f"{peer.party}*E0*1"))["searchPlaces"]["nodes"]
    [evse] = station["evses"]
    found: Body = evse
    return found


def check_settled(world: World, peer: Peer, settled: Body, payment: Body) -> None:
    """The receipt, the card processor's books and the operator's books agree, and nothing is left over."""
    receipt, books = settled["receipt"], peer.books()
    [session], [cdr] = books["sessions"], books["cdrs"]
    assert books["errors"] == []
    assert {status for *_, status in books["pushes"]} <= {200, 201}
    assert [command for command, _ in books["commands"]] == ["START_SESSION", "STOP_SESSION"]
    assert session["status"] == "COMPLETED"
    assert cdr["session_id"] == session["id"]
    assert settled["energyWh"] == round(Decimal(str(cdr["total_energy"])) * 1000)
    assert settled["state"] == "SETTLED"
    assert "The operator did not answer in time" not in str(settled["timeline"])
    assert receipt["verification"]["result"] == "AGREES"
    assert billed(cdr) == [minor(receipt["net"]), minor(receipt["total"])][: len(billed(cdr))]
    assert payment["status"] == "succeeded"
    assert payment["captured_minor"] == minor(receipt["total"]) == minor(receipt["paid"])
    assert payment["captured_minor"] + payment["released_minor"] == payment["authorised_minor"]
    assert json.loads(world.processes.run("partners", "inbox", peer.name, "--json")) == []


def billed(cdr: Body) -> list[int]:
    """Its total in cents: before tax and with tax; the first alone in 2.1.1, which has a number for it."""
    total = cdr["total_cost"]
    amounts = [total["excl_vat"], total["incl_vat"]] if isinstance(total, dict) else [total]
    return [int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_UP)) for amount in amounts]


def status_for(url: str, token: str) -> int:
    """What whoever shows a token there is answered."""
    shown = base64.b64encode(token.encode()).decode()
    return httpx.get(url, headers={"Authorization": f"Token {shown}"}).status_code


def tokens_shown(peer: Peer, *parts: str) -> set[str]:
    """Which of its tokens we showed it at the places whose path has one of `parts`."""
    requests = peer.books()["requests"]
    return {kind for _, path, kind, _ in requests if any(part in f"{path}/" for part in parts)}
