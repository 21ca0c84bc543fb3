"""A small run of the chaos that `scripts/bench chaos` plays in large, on every invariant."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import FINAL
from tests.chaos.plan import make_plan
from tests.chaos.run import run
from tests.chaos.told import data, table
from tests.stories.conftest import empty_database

CHARGES, KILLS, SEED = 18, 8, 8


async def test_that_money_survives_kills_and_lies(
    server_url: str, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    monkeypatch.setenv("EMSP_PLUG_IN_WAIT_S", "8")
    monkeypatch.setenv("EMSP_UNCONFIRMED_WAIT_S", "8")
    folder = Path(tempfile.mkdtemp(prefix="emsp-chaos-"))

    report = await run(
        folder, empty_database(server_url), seed=SEED, charges=CHARGES, kills=KILLS, at_once=12, stations=80
    )

    record_property("table", table(report))
    assert report.holds, table(report)
    assert sum(report.kills.values()) == KILLS
    assert sum(report.outcomes.get(state, 0) for state in FINAL) + sum(report.refused.values()) >= CHARGES
    assert report.outcomes["SETTLED"] >= CHARGES // 3
    assert data(report)["holds"]
    shutil.rmtree(folder, ignore_errors=True)


def test_that_a_seed_decides_what_happens() -> None:
    assert make_plan(7, 50, 20) == make_plan(7, 50, 20)
    assert make_plan(7, 50, 20) != make_plan(8, 50, 20)


def test_that_the_large_run_has_something_of_everything() -> None:
    plan = make_plan(1, 500, 100)

    assert {"database", "api", "worker 1", "worker 2", "operator", "cards"} == set(plan.kills)
    assert {"start late", "start refuse_late", "cdr credit", "cdr pull_only", "hold lapses"} <= set(plan.faults_by_kind)
    assert {one.ends for one in plan.charges} == {"stop", "full", "unplug"}
    assert {one.by_fleet for one in plan.charges} == {True, False}
    assert len({one.driver for one in plan.charges}) < len(plan.charges)
