"""A run from its first charge to the verdict: chaos, peace, quiet, and then the books."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.books import Books, read_books
from tests.chaos.checker import OPEN, Verdict, all_said, check
from tests.chaos.drive import Drivers, Started
from tests.chaos.monkey import Monkey
from tests.chaos.plan import make_plan
from tests.chaos.stage import PARTNER, Stage

SPEED = 500
QUIET_WITHIN_S = 300
SOON_S = 60
UNDONE = """
    SELECT task_name, count(*) FROM procrastinate_jobs
     WHERE status = 'doing'
        OR status = 'todo' AND (attempts > 0 OR coalesce(scheduled_at, now()) < now() + make_interval(secs => %s))
     GROUP BY 1 ORDER BY 1"""
FAILED_JOBS = "SELECT task_name, count(*) FROM procrastinate_jobs WHERE status = 'failed' GROUP BY 1 ORDER BY 1"
UNHEARD = "SELECT count(*) FROM processor_event WHERE handled_at IS NULL"
RECONCILE = ("bills", "reconcile", "--json")


@dataclass
class Report:
    """All that is to be told of a run."""

    seed: int
    charges: int
    seconds: dict[str, float]
    outcomes: dict[str, int]
    refused: dict[str, int]
    kills: dict[str, int]
    connections: int
    ended_by_themselves: dict[str, int]
    faults: dict[str, int]
    asked_again: dict[str, int]
    verdicts: list[Verdict]
    left: list[str]
    """What is not as it should be beside the books: jobs that were given up, apps that got no answer."""
    reconciled: int
    """Differences that `emsp bills reconcile` found."""
    folder: str
    killed_at: list[tuple[float, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.verdicts) and not self.left and not self.reconciled


async def run(
    folder: Path, database_url: str, *, seed: int, charges: int, kills: int, at_once: int, stations: int = 300
) -> Report:
    """Everything; the processes are ended whatever happens."""
    stage, plan, began = Stage(folder, database_url, SPEED, stations), make_plan(seed, charges, kills), time.monotonic()
    seconds: dict[str, float] = {}

    def took(what: str) -> None:
        seconds[what] = round(time.monotonic() - began - sum(seconds.values()), 1)

    try:
        await asyncio.to_thread(stage.set_up)
        drivers = Drivers(stage, plan)
        await drivers.arrive()
        took("setting up")
        monkey = Monkey(stage, drivers, plan)
        await _chaos(drivers, monkey, at_once)
        took("chaos")
        await monkey.make_peace()
        left = await _quiet(stage, drivers)
        took("until it was quiet")
        verdicts = check(_books(stage, drivers))
        reconciled = await asyncio.to_thread(_reconcile, stage)
        took("checking")
        await drivers.close()
    finally:
        stage.stop()
    return Report(
        seed=seed,
        charges=charges,
        seconds=seconds,
        outcomes=dict(Counter(one.session["state"] for one in drivers.started).most_common())
        | {"due, and paid by the driver in the app": drivers.rescued}
        | dict(drivers.left_behind),
        refused=dict(drivers.refused),
        kills=dict(monkey.kills),
        connections=monkey.connections,
        ended_by_themselves=dict(stage.ended_by_themselves),
        faults=plan.faults_by_kind | dict(sorted(monkey.faults.items())),
        asked_again=dict(drivers.asked_again.most_common()),
        verdicts=verdicts,
        left=[*left, *drivers.problems],
        reconciled=reconciled,
        folder=str(folder),
        killed_at=monkey.killed_at,
    )


async def _chaos(drivers: Drivers, monkey: Monkey, at_once: int) -> None:
    """The charges, while processes are killed; what was to be killed is killed, also if the charges are over."""
    trouble = asyncio.create_task(monkey.trouble_cards())
    killing = asyncio.create_task(monkey.run())
    try:
        await drivers.all(at_once)
        await killing
    finally:
        trouble.cancel()
        killing.cancel()


async def _quiet(stage: Stage, drivers: Drivers) -> list[str]:
    """Wait until nothing moves any more, with what the timetable would do in hours; what is left undone then."""
    await drivers.go_home()
    deadline, pulled_at = time.monotonic() + QUIET_WITHIN_S, 0.0
    paid: list[Started] = []
    while time.monotonic() < deadline:
        stage.revive()
        for one in drivers.not_over():
            await drivers.look(one)
            if one.session["state"] == "PAYMENT_DUE" and one.charge.pays_what_is_due and one not in paid:
                paid.append(one)
                await drivers.pay(one)
        is_open = [one for one in drivers.started if one.session["state"] in OPEN]
        if not is_open and not _undone(stage) and not all_said(_books(stage, drivers)).violations:
            break
        if time.monotonic() - pulled_at > 30:
            await asyncio.to_thread(stage.run, "partners", "sync", PARTNER, "--json", allowed=(0, 1))
            pulled_at = time.monotonic()
        await asyncio.sleep(2)
    await asyncio.gather(*(drivers.look(one) for one in drivers.not_over()))
    return _left(stage)


def _books(stage: Stage, drivers: Drivers) -> Books:
    return read_books(stage.database_url, stage.url("cards"), stage.url("operator"), drivers.told())


def _undone(stage: Stage) -> list[str]:
    """Jobs that run, are due soon or wait for another try, and webhooks that were not understood yet."""
    jobs = [f"{count} jobs {name} still to be done" for name, count in stage.rows(UNDONE, SOON_S)]
    unheard = stage.rows(UNHEARD)[0][0]
    return jobs + ([f"{unheard} webhooks not understood"] if unheard else [])


def _left(stage: Stage) -> list[str]:
    return [f"{count} jobs {name} were given up" for name, count in stage.rows(FAILED_JOBS)] + _undone(stage)


def _reconcile(stage: Stage) -> int:
    """How many differences our own comparison with the card processor's books finds."""
    found: Any = json.loads(stage.run(*RECONCILE, allowed=(0, 1)))
    differences = found if isinstance(found, list) else found["differences"]
    return len(differences)
