"""One charge as a driver lives through it: a price, a start, a look at the app now and then, a stop or a full car."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from emsp.graphql import ids
from tests.chaos.app import HASTY_S, App, Codes, GaveUp, _NoAnswer, pauses
from tests.chaos.books import Told
from tests.chaos.plan import Charge, Plan
from tests.chaos.stage import VOUCHER, Stage

Json = dict[str, Any]
OVER = ("SETTLED", "FAILED", "PAYMENT_DUE", "IN_REVIEW")
LOOK_EVERY_S = 1.0
STAYS_AT_MOST_S = 100
FAST_KW = 40

PLACES = """
query ($after: String) {
  stations(where: {box: {west: -30, south: 30, east: 40, north: 72}}, filter: {availableNow: true, remoteStart: true},
           first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { evses { evseId status connectors { id maxPowerKw tariff { missingReason } } } }
  }
}"""
QUOTE = """
mutation ($input: QuoteChargeInput!) {
  quoteCharge(input: $input) { quote { id total { amount currency } } errors { code message } }
}"""
START = """
mutation ($input: StartChargingInput!) {
  startCharging(input: $input) { session { id state } errors { code message } }
}"""
STOP = """
mutation ($id: ID!) {
  stopCharging(sessionId: $id, input: {idempotencyKey: "stop"}) { session { id state } errors { code message } }
}"""
REDEEM = """
mutation ($code: String!) { redeemVoucher(input: {code: $code}) { credit { amount } errors { code message } } }"""
TOP_UP = """
mutation ($input: TopUpBalanceInput!) {
  topUpBalance(input: $input) { topUp { state clientSecret } errors { code message } }
}"""
PAY_DUE = """
mutation ($input: PayDueInput!) { payDue(input: $input) { status clientSecret errors { code message } } }"""
GOOD_CARD = "pm_card_mastercard"
LOOK = """
query ($id: ID!) { chargingSession(id: $id) { id state stateReason energyWh receipt { total { amount currency } } } }"""
ME = "{ viewer { driver { id } } }"
CREATE_FLEET = """mutation { createFleet(input: {name: "Couriers"}) { fleet { id } errors { code message } } }"""
ADD_MEMBER = """
mutation ($fleetId: ID!, $email: String!) {
  addFleetMember(input: {fleetId: $fleetId, email: $email, role: DRIVER}) { errors { code message } }
}"""


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
        self.stage, self.plan, self.dice = stage, plan, random.Random(f"drivers {plan.seed}")
        self.asked_again, self.refused = Counter[str](), Counter[str]()
        self.left_behind = Counter[str]()
        self.started: list[Started] = []
        self.finished = self.rescued = 0
        self.problems: list[str] = []
        self.fleet_id = ""
        self._codes = Codes(stage.log_of("api"))
        self._drivers: dict[int, asyncio.Task[Driver]] = {}
        self._free: dict[bool, deque[Json]] = {True: deque(), False: deque()}
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def arrive(self) -> None:
        """The fleet is made, and everything that can be charged at is found."""
        manager = await self._new_driver("manager@example.com")
        self.manager = manager
        self.fleet_id = (await manager.app.ask(CREATE_FLEET))["createFleet"]["fleet"]["id"]
        after = None
        while True:
            page = (await manager.app.ask(PLACES, after=after))["stations"]
            for evse in (evse for station in page["nodes"] for evse in station["evses"] if _is_good(evse)):
                connector = evse["connectors"][0]
                self._free[connector["maxPowerKw"] >= FAST_KW].append({**connector, "evseId": evse["evseId"]})
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        for kind in self._free.values():
            self.dice.shuffle(kind)

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
            place, quote = await self._priced(driver, charge)
            await self._behave(place, charge)
            started = await self._start(driver, charge, place, quote, by_fleet)
            if started:
                self.started.append(started)
                await self._charge(started)
            self._free[place["maxPowerKw"] >= FAST_KW].append(place)

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
        if charge.balance == "voucher":
            await driver.app.ask(REDEEM, code=VOUCHER)
        if charge.balance == "top-up" and driver.cards:
            await self._top_up(driver, charge)
        return charge.by_fleet

    async def _top_up(self, driver: Driver, charge: Charge) -> None:
        """Fifteen euros; the bank may ask, and may say no."""
        wish = {"amount": {"amount": "15.00", "currency": "EUR"}, "idempotencyKey": f"top up {charge.number}"}
        for _ in range(3):
            topped_up = (await driver.app.ask(TOP_UP, input=wish))["topUpBalance"]["topUp"]
            if not topped_up or not topped_up["clientSecret"]:
                return
            await driver.app.authenticate(topped_up["clientSecret"])

    async def _priced(self, driver: Driver, charge: Charge) -> tuple[Json, Json]:
        """A charge point of one's own that costs something; a car that is to be full wants a fast one."""
        kind = self._free[charge.ends == "full" or self.dice.random() < 0.4]
        for _ in range(len(kind)):
            place = kind.popleft()
            wanted = {"connectorId": place["id"], "energyWh": charge.quoted_wh}
            quote = (await driver.app.ask(QUOTE, input=wanted))["quoteCharge"]["quote"]
            if quote and quote["total"] and quote["total"]["amount"].strip("0."):
                return place, quote
        raise GaveUp("nothing is left that costs something")

    async def _behave(self, place: Json, charge: Charge) -> None:
        where = place_of(place["evseId"])
        everything = {"start": "ok", "stop": "ok", "cdr": "ok", **charge.orders}
        await self._pull("operator", "behaviour", **where, **everything)
        await self._pull("operator", "lies", **where, lies=list(charge.lies))

    async def _pull(self, name: str, lever: str, **order: Any) -> int:
        """A lever of a sandbox, pulled until it gives; the status."""
        for pause_s in pauses():
            try:
                answer = await self._http.post(f"{self.stage.url(name)}/sandbox/{lever}", json=order)
                if answer.status_code < 500:
                    return answer.status_code
            except httpx.TransportError:
                self.asked_again[f"lever of the {name}"] += 1
            await asyncio.sleep(pause_s)
        raise GaveUp(f"the {name} gave no answer to {lever}")

    async def _start(self, driver: Driver, charge: Charge, place: Json, quote: Json, by_fleet: bool) -> Started | None:
        key = {"idempotencyKey": f"charge {charge.number}"}
        wish = {"quoteId": quote["id"], "connectorId": place["id"], **key}
        wish |= {"fleetId": self.fleet_id} if by_fleet else {}
        if charge.loses_answer:
            try:
                await driver.app.ask_once(START, within_s=HASTY_S, input=wish)
            except (httpx.TransportError, _NoAnswer):
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
            await self._pull("operator", "unplug", session_id=known[0][0])

    async def pay(self, started: Started) -> None:
        """What is due, with the card that is there; with another one if the bank says no."""
        self.rescued += 1
        number = started.charge.number
        wish = {"sessionId": started.session["id"], "idempotencyKey": f"pay {number}"}
        for attempt in range(4):
            answer = (await started.driver.app.ask(PAY_DUE, input=wish))["payDue"]
            if answer["clientSecret"]:
                await started.driver.app.authenticate(answer["clientSecret"])
            elif any(error["code"] == "CARD_DECLINED" for error in answer["errors"]):
                card_id = await started.driver.app.add_card(GOOD_CARD)
                wish |= {"paymentMethodId": card_id, "idempotencyKey": f"pay {number} again {attempt}"}
            else:
                return

    async def _lapse(self, started: Started) -> bool:
        """The bank lets go of the hold while the car still charges."""
        query = "SELECT processor_id FROM hold WHERE reference = %s AND state = 'HELD'"
        held = self.stage.rows(query, str(started.key))
        if not held:
            return started.by_fleet
        return await self._pull("cards", "holds/lapse", payment_intent=held[0][0]) == 200

    async def go_home(self) -> None:
        """Whoever still stands at a charge point pulls the plug, also if their start was told to have failed."""
        for started in self.started:
            await self.look(started)
        states = {started.key.hex: started.session["state"] for started in self.started}
        books = await self._http.get(f"{self.stage.url('operator')}/sandbox/books")
        for session in [one for one in books.json()["sessions"] if one["phase"] == "charging"]:
            state = states.get(str(session.get("authorization_reference")), "unknown")
            self.left_behind[f"unplugged at the end, {state}"] += 1
            await self._pull("operator", "unplug", session_id=session["id"])

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
        await self._http.aclose()
        for task in self._drivers.values():
            if task.done() and not task.exception():
                await task.result().app.close()
        await self.manager.app.close()


def place_of(evse_id: str) -> dict[str, str]:
    """Where the operator has a charge point, told from the EVSE-ID that is printed on it."""
    _, _, number, index = evse_id.split("*")
    location_id = f"SBX{int(number[1:]):05d}"
    return {"location_id": location_id, "evse_uid": f"{location_id}-{index}"}


def _is_good(evse: Json) -> bool:
    connectors = evse["connectors"]
    priced = bool(connectors) and connectors[0]["tariff"] and not connectors[0]["tariff"]["missingReason"]
    return bool(evse["status"] == "AVAILABLE" and evse["evseId"] and priced)
