"""`emsp partners` on the command line: partners added by hand, the ways to parties, and what waits apart."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from typer.testing import CliRunner

from emsp.cli.partners import cli
from emsp.cli.partners_pulling import _length
from emsp.db import engine
from emsp.db.engine import transaction
from emsp.ocpi import connections, wire
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.apply import take_in
from tests.ocpi.people import location, tariff, values

ADD = ["add", "Small CPO", "--static", "--token-out", "theirs", "--token-in", "ours", "--party", "nl*abc"]
ENDPOINTS = [
    "--endpoint",
    "locations:sender=http://127.0.0.1:9/locations",
    "--endpoint",
    "tariffs:SENDER=http://127.0.0.1:9/t",
]


def emsp(*arguments: str, status: int = 0) -> str:
    """What a command prints."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == status, done.output
    return done.output


def told(*arguments: str) -> Any:
    """What a command tells programs."""
    return json.loads(emsp(*arguments, "--json"))


def meanwhile(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Something that happens in the database between two commands."""

    async def whole() -> Any:
        try:
            return await story()
        finally:
            await engine.dispose()

    return asyncio.run(whole())


@pytest.fixture
def added(database_url: str) -> None:
    emsp(*ADD, *ENDPOINTS, "--version", "2.1.1", "--encoding", "raw")


def test_a_partner_is_added_by_hand(added: None) -> None:
    query = "SELECT state, version, is_static, token_encoding, endpoints FROM ocpi_connection"
    [(state, version, is_static, encoding, endpoints)] = meanwhile(lambda: values(query))
    assert (state, version, is_static, encoding) == ("REGISTERED", "2.1.1", True, "RAW")
    assert endpoints[0] == {"identifier": "locations", "role": "SENDER", "url": "http://127.0.0.1:9/locations"}
    jobs = meanwhile(lambda: values("SELECT task_name FROM procrastinate_jobs"))
    assert ("ocpi.pull.sync.pull_connected",) in jobs, "it is pulled at once"
    [partner] = told("list")
    assert partner == {"name": "Small CPO", "state": "REGISTERED", "version": "2.1.1", "parties": "NL ABC"}


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--endpoint", "locations=http://x"], None),
        (["--endpoint", "locations:BOTH=http://x"], "is not MODULE:SENDER=URL"),
        (["--encoding", "hex"], "is not one of raw, base64"),
        (["--version", "2.0"], "is not one of 2.3.0, 2.2.1, 2.1.1"),
        (["--party", "NETHERLANDS"], "is no party"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(database_url: str, arguments: list[str], what: str | None) -> None:
    output = emsp(*ADD, *arguments, status=2 if what else 0)
    assert what is None or what in " ".join(output.replace("│", " ").split())


def test_ways_to_parties_are_shown_and_changed(added: None) -> None:
    emsp("allow", "DE-XYZ", "Small CPO")
    by_party = {row["party"]: row for row in told("routes")}
    assert (by_party["NL/ABC"]["source"], by_party["DE/XYZ"]["source"]) == ("CREDENTIALS", "AGREEMENT")
    emsp("forbid", "DE/XYZ", "Small CPO")
    emsp("prefer", "nl/abc", "Small CPO")
    by_party = {row["party"]: row for row in told("routes")}
    assert (by_party["DE/XYZ"]["allowed"], by_party["NL/ABC"]["preferred"]) == (False, True)
    assert "not reached over this connection" in emsp("prefer", "FR/QQQ", "Small CPO", status=1)


def test_what_waits_apart_is_listed_with_its_reason_and_tried_again(added: None) -> None:
    async def arrived() -> None:
        async with transaction() as db:
            connection = await connections.named(db, "Small CPO")
            odd = [location(id="L1", coordinates=None), location(id="L2", party_id="XYZ")]
            await take_in(db, connection, "locations", [inbox.item_of(wire.encode(body), "2.2.1") for body in odd])
            wrong = inbox.item_of(wire.encode(tariff(currency=None)), "2.2.1")
            await take_in(db, connection, "tariffs", [wrong])

    meanwhile(arrived)
    assert {row["key"] for row in told("inbox", "Small CPO")} == {"NL/ABC/L1", "NL/XYZ/L2", "NL/ABC/T1"}
    assert [row["key"] for row in told("inbox", "Small CPO", "--module", "locations", "--reason", "PARTY")] == [
        "NL/XYZ/L2"
    ]

    emsp("allow", "NL/XYZ", "Small CPO")
    assert "1 understood now, 0 still kept apart" in emsp("inbox", "Small CPO", "--reason", "not a party", "--replay")
    assert len(told("inbox", "Small CPO")) == 2


def test_a_failed_pull_is_told_with_when_it_is_tried_again(added: None) -> None:
    assert "tariffs failed: " in emsp("sync", "Small CPO", status=1)
    [partner] = told("status")
    assert list(partner["modules"]) == ["tariffs", "locations"]
    facts = partner["modules"]["tariffs"]
    assert (facts["succeeded_at"], facts["lag_s"], facts["seen"]) == (None, None, 0)
    assert "cannot be called" in facts["failure"]
    assert partner["next_pull_at"] == facts["next_at"]
    assert "never" in emsp("status")
    assert "a whole list" in emsp("sync", "Small CPO", "--withdraw", status=2)


def test_time_spans_are_told_in_their_largest_unit() -> None:
    assert [_length(seconds) for seconds in (0, 119, 120, 7199, 7200, 172800)] == [
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
        "2 d",
    ]
