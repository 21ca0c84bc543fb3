"""The command line, by hand and by programs: help that helps, JSON that parses, errors of one line."""

import json
from pathlib import Path

import pytest

from emsp.demo.processes import Ended
from tests.stories.world import World

GROUPS = ("brands", "fleets", "partners", "sandbox")
COMMANDS = ("demo", "migrate", "schema", "serve", "settings", "work")
SCHEMA = Path(__file__).parent.parent.parent / "schema.graphql"
PULLED = {"tariffs", "locations", "sessions", "cdrs"}
FIRST_BRAND = {
    "slug": "demo",
    "name": "Volt",
    "hosts": "",
    "currency": "EUR",
    "languages": "en nl de fr",
    "party": "NL/EMP",
    "default": True,
}


def _emsp(world: World, *arguments: str, **env: str) -> Ended:
    return world.processes.ended(*arguments, env={"COLUMNS": "160"} | env)


def test_that_help_lists_every_command_and_every_group(world: World) -> None:
    shown = _emsp(world, "--help")

    assert (shown.status, shown.err) == (0, "")
    for name in (*GROUPS, *COMMANDS):
        assert f" {name} " in shown.out


@pytest.mark.parametrize("group", GROUPS)
def test_that_each_group_has_help(world: World, group: str) -> None:
    shown = _emsp(world, group, "--help")

    assert (shown.status, shown.err) == (0, "")
    assert f"Usage: emsp {group}" in shown.out


def test_that_partners_are_listed_for_programs(world: World) -> None:
    listed, status = (_emsp(world, "partners", name, "--json") for name in ("list", "status"))

    assert (listed.status, status.status) == (0, 0)
    [partner] = [row for row in json.loads(listed.out) if row["name"] == "CPO"]
    assert (partner["state"], partner["version"]) == ("REGISTERED", "2.2.1")
    assert "NL SBX" in partner["parties"]
    [pulled] = [row for row in json.loads(status.out) if row["name"] == "CPO"]
    assert set(pulled["modules"]) == PULLED
    assert all(module["failure"] is None for module in pulled["modules"].values())
    assert pulled["modules"]["locations"]["seen"] == 300


def test_that_a_pull_by_hand_tells_what_it_brought(world: World) -> None:
    pulled = _emsp(world, "partners", "sync", "CPO", "--module", "tariffs", "--full", "--json")

    assert pulled.status == 0
    [row] = json.loads(pulled.out)
    assert (row["partner"], row["module"], row["failure"]) == ("CPO", "tariffs", None)
    assert row["seen"] == row["unchanged"] > 0
    assert (row["changed"], row["older"], row["apart"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("brands", "add", "wrong", "--name", "Wrong", "--color", "green"), "color"),
        (("partners", "sync", "Nobody"), "Nobody"),
        (("partners", "sync", "CPO", "--module", "weather"), "weather"),
        (("partners", "connect", "http://127.0.0.1:9/ocpi/versions", "token"), "127.0.0.1:9"),
        (("fleets", "bill", "not-an-id", "2026-01"), "fleet_id"),
        (("fleets", "bill", "00000000-0000-4000-8000-000000000000", "2026-01"), "00000000"),
        (("sandbox", "cpo", "--locations", "/nowhere.jsonl"), "/nowhere.jsonl"),
    ],
)
def test_that_a_mistake_is_answered_in_a_line_that_names_it(
    world: World, arguments: tuple[str, ...], names: str
) -> None:
    ended = _emsp(world, *arguments)

    assert ended.status not in (0, 130)
    assert "Traceback" not in ended.err + ended.out
    assert names in ended.err


def test_that_no_mistake_left_a_brand(world: World) -> None:
    brands = json.loads(_emsp(world, "brands", "list", "--json").out)

    assert FIRST_BRAND in brands
    assert "wrong" not in {brand["slug"] for brand in brands}


def test_that_a_database_that_does_not_answer_is_told_in_a_line(world: World) -> None:
    ended = _emsp(world, "partners", "list", EMSP_DATABASE_URL="postgresql://emsp@127.0.0.1:9/emsp")

    assert ended.status not in (0, 130)
    assert "Traceback" not in ended.err + ended.out
    assert "127.0.0.1" in ended.err


def test_that_the_settings_are_listed_and_a_wrong_one_is_named(world: World) -> None:
    shown = _emsp(world, "settings")
    wrong = _emsp(world, "partners", "list", EMSP_PULL_EVERY_H="often")

    assert (shown.status, shown.err) == (0, "")
    for name in ("EMSP_DATABASE_URL", "EMSP_PUBLIC_URL", "EMSP_STRIPE_WEBHOOK_SECRET", "EMSP_ALLOW_PRIVATE_PARTNERS"):
        assert name in shown.out
    assert wrong.status == 1
    assert "EMSP_PULL_EVERY_H='often'" in wrong.err
    assert "Traceback" not in wrong.err


def test_that_the_schema_is_the_committed_one(world: World) -> None:
    printed = _emsp(world, "schema")

    assert printed.status == 0
    assert printed.out == SCHEMA.read_text()
