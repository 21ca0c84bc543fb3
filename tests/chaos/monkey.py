"""What goes wrong beside the charges: processes are killed, connections cut, and the card processor has bad days."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.chaos.drive import Drivers
from tests.chaos.plan import DATABASE, PROCESSES, Fault, Plan
from tests.chaos.stage import Stage

FAULTS_WAITING = 3
DOWN_AT_MOST_S = 0.8
PAUSE_S = 0.25
"""Between two kills at least, so that something can happen between them."""


@dataclass
class Monkey:
    """Kills in step with the charges, so that the last kill meets the last charges."""

    stage: Stage
    drivers: Drivers
    plan: Plan
    kills: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    killed_at: list[tuple[float, str]] = field(default_factory=list)

    async def run(self) -> None:
        """Until every kill of the plan was made."""
        dice, waiting = random.Random(f"monkey {self.plan.seed}"), list(self.plan.kills)
        began = time.monotonic()
        while waiting:
            self.stage.revive()
            if self._due(len(self.plan.kills) - len(waiting)):
                victim = waiting.pop(0)
                self.killed_at.append((round(time.monotonic() - began, 1), victim))
                await self._strike(victim, dice)
            await asyncio.sleep(PAUSE_S)

    def _due(self, made: int) -> bool:
        """Whether the charges have come so far that another kill belongs to it."""
        all_charges, drivers = len(self.plan.charges), self.drivers
        done = (drivers.finished + len(drivers.started)) / (2 * all_charges)
        return made < len(self.plan.kills) * min(done * 1.05 + 0.01, 1)

    async def _strike(self, victim: str, dice: random.Random) -> None:
        self.kills[victim] += 1
        if victim == DATABASE:
            self.connections += await asyncio.to_thread(self.stage.cut_connections, dice)
            return
        self.stage.kill(victim)
        await asyncio.sleep(dice.uniform(0, DOWN_AT_MOST_S))
        self.stage.start(victim)

    async def trouble_cards(self) -> None:
        """A few faults wait at the card processor at any time, until the plan has no more."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            coming = list(self.plan.faults)
            while coming:
                if await self._asked_for(http, coming[0]):
                    asked = coming.pop(0)
                    self.faults[f"{asked.kind} at {asked.path.rpartition('/')[2]}"] += 1
                await asyncio.sleep(0.5)

    async def _asked_for(self, http: httpx.AsyncClient, fault: Fault) -> bool:
        body = {"path": fault.path, "kind": fault.kind, "seconds": fault.seconds}
        url = f"{self.stage.url('cards')}/sandbox/faults"
        try:
            if len((await http.get(url)).json()["waiting"]) >= FAULTS_WAITING:
                return False
            return (await http.post(url, json=body)).is_success
        except (httpx.TransportError, ValueError):
            return False

    async def make_peace(self) -> None:
        """Everybody runs, and nobody plans anything any more."""
        self.stage.revive()
        assert set(self.stage.running) == set(PROCESSES)
        await asyncio.to_thread(self.stage.wait_until_ready)
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            await http.delete(f"{self.stage.url('cards')}/sandbox/faults")
