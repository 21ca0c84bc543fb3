"""One driver's charge and one fleet's bill, told step by step as they happen."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console

from emsp.demo import documents, shown
from emsp.demo.app_client import AppClient
from emsp.demo.processes import DemoFailed

DRIVER, MANAGER = "driver@example.com", "manager@example.com"
WHERE = {"latitude": 52.0907, "longitude": 5.1214}
ENERGY_WH = 20_000
FLEET_ENERGY_WH = 5_000
PATIENCE_S = 180
OVER = ("SETTLED", "FAILED", "PAYMENT_DUE", "IN_REVIEW")


class Story:
    """Plays against the API at `base_url`; reads sign-in codes from the API's log, as no mail is sent."""

    def __init__(self, base_url: str, api_log: Path, console: Console, energy_wh: int = ENERGY_WH) -> None:
        self._base_url, self._log, self._energy_wh = base_url, api_log, energy_wh
        self._console, self._step = console, 0
        self.sign_in_hint = ""

    async def play(self) -> None:
        """The whole way; raises DemoFailed at the first thing that goes wrong."""
        driver = await self.signed_in(DRIVER)
        await self._save_card(driver)
        connector = await self._find(driver)
        session = await self._charge(driver, connector, self._energy_wh, fleet_id=None)
        await self._receipt(driver, session)
        await self._points(driver)
        await self._fleet(driver)
        await driver.close()

    async def signed_in(self, email: str, headers: dict[str, str] | None = None) -> AppClient:
        """A person's app, signed in with the code that was sent."""
        self.say(f"{email} signs in", documents.REQUEST_CODE)
        app = AppClient(self._base_url, headers=headers)
        asked_at = time.time()
        await app.ask(documents.REQUEST_CODE, email=email)
        code = await self._code_for(email, asked_at)
        signed_in = await app.ask(documents.SIGN_IN, email=email, code=code)
        app.token = signed_in["signIn"]["accessToken"]
        self.tell(f"the code in the mail is [bold]{code}[/bold]; signed in")
        return app

    async def _code_for(self, email: str, since: float) -> str:
        for _ in range(100):
            whole_lines, _, _ = self._log.read_text().rpartition("\n")
            for line in reversed(whole_lines.splitlines()):
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("email") == email and "code" in entry and _at(entry) >= since - 1:
                    return str(entry["code"])
            await asyncio.sleep(0.1)
        raise DemoFailed(f"no sign-in code for {email} came; see {self._log}")

    async def _save_card(self, driver: AppClient) -> None:
        self.say("The driver saves a card", documents.ADD_CARD)
        card = (await driver.ask(documents.ADD_CARD))["addPaymentMethod"]["paymentMethod"]
        self.tell(f"{card['brandName']} ending in {card['last4']}, good until {card['expiresAt']}")

    async def _find(self, driver: AppClient) -> dict[str, Any]:
        self.say("Six percent left: what is free near Utrecht?", documents.FIND)
        found = (await driver.ask(documents.FIND, **WHERE))["stations"]
        self.tell(f"{found['totalCount']} stations have something free; the nearest ones:")
        self.tell(*(shown.station(station) for station in found["nodes"][:3]))
        for connector in _startable(found["nodes"]):
            if await self._has_price(driver, connector):
                self.tell(f"Chosen: [bold]{connector['station']['name']}[/bold], {connector['tariff']['summary']}")
                return connector
        raise DemoFailed("no free connector with a price was found")

    async def _has_price(self, driver: AppClient, connector: dict[str, Any]) -> bool:
        """Some stations are free of charge; the demo wants one that shows a payment."""
        quote = await self._quote(driver, connector["id"], self._energy_wh)
        return bool(quote["total"]) and quote["total"]["amount"].strip("0.") != ""

    async def _quote(self, app: AppClient, connector_id: str, energy_wh: int) -> dict[str, Any]:
        asked = await app.ask(documents.QUOTE, connectorId=connector_id, energyWh=energy_wh)
        quote: dict[str, Any] = asked["quoteCharge"]["quote"]
        return quote

    async def _charge(self, app: AppClient, connector: dict[str, Any], energy_wh: int, *, fleet_id: str | None) -> str:
        self.say(f"What will {energy_wh / 1000:g} kWh cost?", documents.QUOTE)
        quote = await self._quote(app, connector["id"], energy_wh)
        self.tell(*shown.quote(quote, await app.keys()))
        self.say("Start charging", documents.START)
        wish = {"connectorId": connector["id"], "quoteId": quote["id"], "idempotencyKey": str(uuid4())}
        started = await app.ask(documents.START, input=wish | ({"fleetId": fleet_id} if fleet_id else {}))
        session_id: str = started["startCharging"]["session"]["id"]
        self.say("Watch it live", documents.WATCH)
        async with asyncio.timeout(PATIENCE_S):
            await self._watch(app, session_id, energy_wh)
        return session_id

    async def _watch(self, app: AppClient, session_id: str, energy_wh: int) -> None:
        stopped, last = False, None
        async for value in app.follow(documents.WATCH, id=session_id):
            session = value["chargingSessionChanged"]
            line = shown.live(session)
            if line != last:
                self.tell(line)
                last = line
            if session["state"] == "CHARGING" and session["energyWh"] >= energy_wh and not stopped:
                stopped = True
                self.say("Enough: stop charging", documents.STOP)
                await app.ask(documents.STOP, id=session_id, key=str(uuid4()))
            if session["state"] in OVER:
                if session["state"] != "SETTLED":
                    raise DemoFailed(f"the charge ended {session['state']}: {session['stateReason']}")
                return
        raise DemoFailed("the live view ended before the charge was settled")

    async def _receipt(self, driver: AppClient, session_id: str) -> None:
        self.say("The receipt", documents.RECEIPT)
        session = (await driver.ask(documents.RECEIPT, id=session_id))["chargingSession"]
        receipt = session["receipt"]
        self._console.print(shown.receipt(receipt))
        self.tell(*shown.about_receipt(session), f"as PDF, as it was sent by e-mail: {receipt['pdfUrl']}")
        if receipt["paid"] != receipt["total"]:
            raise DemoFailed(f"paid {receipt['paid']} but the receipt says {receipt['total']}")

    async def _points(self, driver: AppClient) -> None:
        self.say("Points", documents.POINTS)
        points = (await driver.ask(documents.POINTS))["viewer"]["loyalty"]["pointsBalance"]
        self.tell(f"The driver has [bold]{points} points[/bold]")

    async def _fleet(self, driver: AppClient) -> None:
        manager = await self.signed_in(MANAGER)
        fleet = await self._ensured_fleet(manager)
        connector = await self._find(driver)
        self.tell(f"The same driver now charges for {fleet['name']}")
        await self._charge(driver, connector, FLEET_ENERGY_WH, fleet_id=fleet["id"])
        self.say("The fleet manager opens the bill of the month", documents.FLEET_BILL)
        month = f"{datetime.now(shown.ZONE):%Y-%m}"
        bill = (await manager.ask(documents.FLEET_BILL, id=fleet["id"], month=month))["node"]["bill"]
        self._console.print(shown.bill(fleet, bill))
        self.tell(f"as CSV: {bill['csvUrl']}")
        await manager.close()

    async def _ensured_fleet(self, manager: AppClient) -> dict[str, Any]:
        fleets = (await manager.ask(documents.MY_FLEETS))["viewer"]["fleets"]
        if not fleets:
            self.say("The fleet manager makes a fleet and adds the driver", documents.CREATE_FLEET)
            fleets = [(await manager.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]]
            await manager.ask(documents.ADD_MEMBER, fleetId=fleets[0]["id"], email=DRIVER)
        fleet: dict[str, Any] = fleets[0]
        return fleet

    def say(self, what: str, document: str) -> None:
        """A step, with the document that the app sends."""
        self._step += 1
        self._console.rule(f"[bold cyan]{self._step}. {what}", align="left")
        first = " ".join(document.split())
        self._console.print(
            f"[dim]{first if len(first) < 160 else first[:157] + '...'}[/dim]", highlight=False, soft_wrap=True
        )

    def tell(self, *lines: str) -> None:
        """What came back."""
        for line in lines:
            self._console.print(line, highlight=False, soft_wrap=True)


def _startable(stations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Connectors of free EVSEs that have a price, nearest first."""
    return [
        connector | {"station": station}
        for station in stations
        for evse in station["evses"]
        if evse["status"] == "AVAILABLE"
        for connector in evse["connectors"]
        if connector["tariff"] and not connector["tariff"]["missingReason"]
    ]


def _at(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["timestamp"]).timestamp()
