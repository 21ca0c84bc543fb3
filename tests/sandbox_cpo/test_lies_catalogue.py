"""The catalogue of lies: each is described, cited and tested, and can be told in three ways."""

import ast
from pathlib import Path

import pytest

from emsp.sandbox.cpo import CpoOptions
from emsp.sandbox.cpo.lies import CATALOGUE, NAMES

from .fake_emsp import FakeEmsp
from .lying import tell
from .running import RunningCpo, running_cpo

TESTS = [path for path in Path(__file__).parent.glob("test_lies_*.py") if path.name != Path(__file__).name]
TESTED = {
    node.value
    for path in TESTS
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_lie_is_described_cited_and_tested(name: str) -> None:
    lie = CATALOGUE[name]
    assert name == name.lower().replace(" ", "-").replace("_", "-")
    assert lie.sentence.endswith(".")
    assert NAMES[name] == lie.sentence
    assert lie.source.startswith(("ocpi/ocpi#", "OCPI 2.", "RFC "))
    assert name in TESTED


def test_a_name_that_is_no_lie() -> None:
    with pytest.raises(ValueError, match="lie 'white-lie' is not one of"):
        CpoOptions(lies=("white-lie",))


async def test_the_catalogue_can_be_read(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "wrong-total")
    shown = (await emsp.client.get(f"{cpo.url}/sandbox/lies")).json()
    assert [entry["name"] for entry in shown] == list(CATALOGUE)
    assert [entry["name"] for entry in shown if entry["told"]] == ["wrong-total"]
    assert set(shown[0]) == {"name", "sentence", "source", "about", "told"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "lies: required, a list of names"),
        ({"lies": "wrong-total"}, "lies: required, a list of names"),
        ({"lies": ["no-link"], "location_id": "LOC1"}, "told by the whole platform"),
        ({"lies": ["white-lie"]}, "'white-lie' is not one of"),
        ({"lies": [], "evse_uid": "LOC1-1"}, "location_id: required with evse_uid"),
    ],
)
async def test_what_cannot_be_told(cpo: RunningCpo, emsp: FakeEmsp, body: dict[str, object], error: str) -> None:
    answer = await emsp.client.post(f"{cpo.url}/sandbox/lies", json=body)
    assert answer.status_code == 422
    assert error in answer.json()["error"]


async def test_lies_of_a_place_come_on_top_of_those_of_all(cpo: RunningCpo) -> None:
    assert (await tell(cpo, "no-cdr"))["told"] == ["no-cdr"]
    assert (await tell(cpo, "wrong-vat", location_id="LOC1"))["told"] == ["no-cdr", "wrong-vat"]
    assert (await tell(cpo, location_id="LOC1"))["told"] == ["no-cdr"]


async def test_what_was_told_survives_a_restart(emsp: FakeEmsp, tmp_path: Path) -> None:
    async with running_cpo(emsp, state=tmp_path / "books.json") as cpo:
        await tell(cpo, "wrong-vat")
    async with running_cpo(emsp, state=tmp_path / "books.json", lies=("no-cdr",)) as cpo:
        assert (await tell(cpo, "wrong-total", location_id="LOC1"))["told"] == ["wrong-total", "wrong-vat"]


async def test_the_lever_replaces_what_was_told_from_the_start(emsp: FakeEmsp) -> None:
    async with running_cpo(emsp, lies=("wrong-vat",)) as cpo:
        assert (await tell(cpo, location_id="LOC1"))["told"] == ["wrong-vat"]
        assert (await tell(cpo, "no-cdr"))["told"] == ["no-cdr"]
        assert (await tell(cpo))["told"] == []
