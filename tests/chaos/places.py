"""Where can be charged, and how the operator's charge points are told to behave."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from typing import Any

import httpx

from tests.chaos.app import App, GaveUp, Json, pauses
from tests.chaos.plan import Charge
from tests.chaos.stage import Stage
from tests.chaos.wishes import PLACES, QUOTE

FAST_KW = 40
FAST_SHARE = 0.4
"""Of those who do not care."""


class Places:
    """The connectors that cost something, each for one charge at a time; fast ones and slow ones."""

    def __init__(self, stage: Stage, dice: random.Random, asked_again: Counter[str]) -> None:
        self._stage, self._dice, self._asked_again = stage, dice, asked_again
        self._free: dict[bool, deque[Json]] = {True: deque(), False: deque()}
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def find(self, app: App) -> None:
        """Everything that is free and can be started by app."""
        after = None
        while True:
            page = (await app.ask(PLACES, after=after))["stations"]
            for evse in (evse for station in page["nodes"] for evse in station["evses"] if _is_good(evse)):
                self.give_back({**evse["connectors"][0], "evseId": evse["evseId"]})
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        for kind in self._free.values():
            self._dice.shuffle(kind)

    async def take(self, app: App, charge: Charge) -> tuple[Json, Json]:
        """A place of one's own with a quote for it; a car that is to be full wants a fast one."""
        kind = self._free[charge.ends == "full" or self._dice.random() < FAST_SHARE]
        for _ in range(len(kind)):
            place = kind.popleft()
            wanted = {"connectorId": place["id"], "energyWh": charge.quoted_wh}
            quote = (await app.ask(QUOTE, input=wanted))["quoteCharge"]["quote"]
            if quote and quote["total"] and quote["total"]["amount"].strip("0."):
                return place, quote
        raise GaveUp("nothing is left that costs something")

    def give_back(self, place: Json) -> None:
        """It is free for somebody else, after all the others."""
        self._free[place["maxPowerKw"] >= FAST_KW].append(place)

    async def behave(self, place: Json, charge: Charge) -> None:
        """What the plan says of this charge is what the charge point and its operator do."""
        where = place_of(place["evseId"])
        everything = {"start": "ok", "stop": "ok", "cdr": "ok", **charge.orders}
        await self.pull("operator", "behaviour", **where, **everything)
        await self.pull("operator", "lies", **where, lies=list(charge.lies))

    async def pull(self, name: str, lever: str, **order: Any) -> int:
        """A lever of a sandbox, pulled until it gives; the status."""
        for pause_s in pauses():
            try:
                answer = await self._http.post(f"{self._stage.url(name)}/sandbox/{lever}", json=order)
                if answer.status_code < 500:
                    return answer.status_code
            except httpx.TransportError:
                self._asked_again[f"lever of the {name}"] += 1
            await asyncio.sleep(pause_s)
        raise GaveUp(f"the {name} gave no answer to {lever}")

    async def charging(self) -> list[Json]:
        """The operator's sessions that still run."""
        books = (await self._http.get(f"{self._stage.url('operator')}/sandbox/books")).json()
        return [one for one in books["sessions"] if one["phase"] == "charging"]

    async def close(self) -> None:
        await self._http.aclose()


def place_of(evse_id: str) -> dict[str, str]:
    """Where the operator has a charge point, told from the EVSE-ID that is printed on it."""
    _, _, number, index = evse_id.split("*")
    location_id = f"SBX{int(number[1:]):05d}"
    return {"location_id": location_id, "evse_uid": f"{location_id}-{index}"}


def _is_good(evse: Json) -> bool:
    connectors = evse["connectors"]
    priced = bool(connectors) and connectors[0]["tariff"] and not connectors[0]["tariff"]["missingReason"]
    return bool(evse["status"] == "AVAILABLE" and evse["evseId"] and priced)
