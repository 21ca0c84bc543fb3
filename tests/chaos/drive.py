"""One charge as a driver lives through it: a price, a start, a look at the app now and then, a stop or a full car."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from emsp.graphql import ids
from tests.chaos.app import HASTY_S, App, Codes, GaveUp, Json, NoAnswer
from tests.chaos.books import Told
from tests.chaos.paying import fill_balance, pay_due
from tests.chaos.places import Places
from tests.chaos.plan import Charge, Plan
from tests.chaos.stage import Stage
from tests.chaos.wishes import ADD_MEMBER, CREATE_FLEET, LOOK, ME, START, STOP

OVER = ("SETTLED", "FAILED", "PAYMENT_DUE", "IN_REVIEW")
LOOK_EVERY_S = 1.0
STAYS_AT_MOST_S = 100
TRIES, AWAY = 3, "cannot be called"
"""A driver who is told that the operator was away tries again."""


@dataclass
class Driver:
    """A person with a phone, who does one thing after the other."""

    app: App
    id: str
    email: str
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    cards: set[str] = field(default_factory=set)
    in_fleet: bool = False


@dataclass
class Started:
    """A charge that was taken on, and what its driver saw of it last."""

    charge: Charge
    driver: Driver
    place: Json
    session: Json
    by_fleet: bool

    @property
    def key(self) -> UUID:
        """The id of the session as the books have it."""
        return UUID(ids.decode(self.session["id"])[1])


class Drivers:
    """All who charge in a run."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.stage, self.plan = stage, plan
        self.asked_again, self.refused = Counter[str](), Counter[str]()
        self.left_behind = Counter[str]()
        self.started: list[Started] = []
        self.finished = self.rescued = 0
        self.problems: list[str] = []
        self.fleet_id = ""
        self._codes = Codes(stage.log_of("api"))
        self._drivers: dict[int, asyncio.Task[Driver]] = {}
        self.places = Places(stage, random.Random(f"places {plan.seed}"), self.asked_again)

    async def arrive(self) -> None:
        """The fleet is made, and everything that can be charged at is found."""
        manager = await self._new_driver("manager@example.com")
        self.manager = manager
        self.fleet_id = (await manager.app.ask(CREATE_FLEET))["createFleet"]["fleet"]["id"]
        await self.places.find(manager.app)

    async def all(self, at_once: int) -> None:
        """Every charge of the plan, a few at a time."""
        few = asyncio.Semaphore(at_once)

        async def one(charge: Charge) -> None:
            async with few:
                try:
                    await self._live(charge)
                except (GaveUp, AssertionError, httpx.HTTPError) as error:
                    self.problems.append(f"charge {charge.number}: {type(error).__name__} {error}")
                finally:
                    self.finished += 1

        await asyncio.gather(*(one(charge) for charge in self.plan.charges))

    async def _live(self, charge: Charge) -> None:
        driver = await self._driver(charge.driver)
        async with driver.busy:
            by_fleet = await self._ready(driver, charge)
            for attempt in range(TRIES):
                started = await self._try(driver, charge, attempt, by_fleet)
                if started is None or AWAY not in str(started.session.get("stateReason")):
                    break
                await asyncio.sleep(LOOK_EVERY_S)

    async def _try(self, driver: Driver, charge: Charge, attempt: int, by_fleet: bool) -> Started | None:
        """One start, and what came of it; None when it was refused."""
        place, quote = await self.places.take(driver.app, charge)
        await self.places.behave(place, charge)
        started = await self._start(driver, charge, f"charge {charge.number}-{attempt}", place, quote, by_fleet)
        if started:
            self.started.append(started)
            await self._charge(started)
        self.places.give_back(place)
        return started

    async def _driver(self, number: int) -> Driver:
        if number not in self._drivers:
            email = f"driver{number}@example.com"
            self._drivers[number] = asyncio.create_task(self._new_driver(email))
        return await self._drivers[number]

    async def _new_driver(self, email: str) -> Driver:
        app = App(self.stage.url("api"), self.stage.url("cards"), self._codes, self.asked_again)
        await app.sign_in(email)
        me = (await app.ask(ME))["viewer"]["driver"]
        return Driver(app, ids.decode(me["id"])[1], email)

    async def _ready(self, driver: Driver, charge: Charge) -> bool:
        """The way to pay is there; whether it is the fleet's."""
        if charge.by_fleet and not driver.in_fleet:
            await self.manager.app.ask(ADD_MEMBER, fleetId=self.fleet_id, email=driver.email)
            driver.in_fleet = True
        if not charge.by_fleet and not driver.cards:
            await driver.app.add_card(charge.card)
            driver.cards.add(charge.card)
        await fill_balance(driver.app, charge, has_card=bool(driver.cards))
        return charge.by_fleet

    async def _start(
        self, driver: Driver, charge: Charge, key: str, place: Json, quote: Json, by_fleet: bool
    ) -> Started | None:
        wish = {"quoteId": quote["id"], "connectorId": place["id"], "idempotencyKey": key}
        wish |= {"fleetId": self.fleet_id} if by_fleet else {}
        if charge.loses_answer:
            try:
                await driver.app.ask_once(START, within_s=HASTY_S, input=wish)
            except (httpx.TransportError, NoAnswer):
                self.asked_again["an answer that the app did not wait for"] += 1
        answer = (await driver.app.ask(START, input=wish))["startCharging"]
        if answer["errors"]:
            self.refused[answer["errors"][0]["code"]] += 1
            return None
        return Started(charge, driver, place, answer["session"], by_fleet)

    async def _charge(self, started: Started) -> None:
        """Until it is over for the driver: the car is full, unplugged or stopped, or nothing came of it."""
        charge, deadline = started.charge, time.monotonic() + STAYS_AT_MOST_S
        asked, tells_of_lapse = 0, charge.hold_lapses
        while time.monotonic() < deadline:
            session = await self.look(started)
            if session["state"] == "PAYMENT_DUE" and charge.pays_what_is_due:
                await self.pay(started)
            if session["state"] in (*OVER, "ENDED"):
                return
            if session["state"] == "CHARGING":
                if tells_of_lapse:
                    tells_of_lapse = not await self._lapse(started)
                if charge.ends != "full" and session["energyWh"] >= charge.stop_wh:
                    asked += 1
                    await self._end(started, by_hand=charge.ends == "unplug" or asked > 2)
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self, started: Started) -> Json:
        """The session as the driver sees it now."""
        started.session = (await started.driver.app.ask(LOOK, id=started.session["id"]))["chargingSession"]
        return started.session

    async def _end(self, started: Started, *, by_hand: bool) -> None:
        """By the app, or by pulling the plug."""
        if not by_hand:
            await started.driver.app.ask(STOP, id=started.session["id"])
            return
        known = self.stage.rows("SELECT external_id FROM charging_session WHERE id = %s", started.key)
        if known and known[0][0]:
            await self.places.pull("operator", "unplug", session_id=known[0][0])

    async def pay(self, started: Started) -> None:
        """What is due, in the app."""
        self.rescued += 1
        await pay_due(started.driver.app, started.session["id"], started.charge.number)

    async def _lapse(self, started: Started) -> bool:
        """The bank lets go of the hold while the car still charges."""
        query = "SELECT processor_id FROM hold WHERE reference = %s AND state = 'HELD'"
        held = self.stage.rows(query, str(started.key))
        if not held:
            return started.by_fleet
        return await self.places.pull("cards", "holds/lapse", payment_intent=held[0][0]) == 200

    async def go_home(self) -> None:
        """Whoever still stands at a charge point pulls the plug, also if their start was told to have failed."""
        for started in self.not_over():
            await self.look(started)
        states = {started.key.hex: started.session["state"] for started in self.started}
        for session in await self.places.charging():
            state = states.get(str(session.get("authorization_reference")), "unknown")
            self.left_behind[f"unplugged at the end, {state}"] += 1
            await self.places.pull("operator", "unplug", session_id=session["id"])

    def not_over(self) -> list[Started]:
        """Those whose state may still change."""
        return [one for one in self.started if one.session["state"] not in ("SETTLED", "FAILED")]

    def told(self) -> list[Told]:
        """What every driver knows at the end."""
        fleet = ids.decode(self.fleet_id)[1]
        return [
            Told(
                session=str(one.key),
                payer=f"fleet:{fleet}" if one.by_fleet else f"driver:{one.driver.id}",
                driver=one.driver.id,
                state=one.session["state"],
                number=one.charge.number,
            )
            for one in self.started
        ]

    async def close(self) -> None:
        await self.places.close()
        for task in self._drivers.values():
            if task.done() and not task.exception():
                await task.result().app.close()
        await self.manager.app.close()
