"""A driver's app, as it has to be on the road: whatever gets no answer is asked again, with the same key."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from emsp.demo import documents

Json = dict[str, Any]
AGAIN = ("UNAVAILABLE", "INTERNAL")
ASKED_S, PATIENCE_S, CODE_WITHIN_S = 25, 240, 20
HASTY_S = 0.02

ADD_CARD = """
mutation ($input: AddPaymentMethodInput!) {
  addPaymentMethod(input: $input) {
    paymentMethod { id } setup { id clientSecret status } errors { code message }
  }
}"""


class GaveUp(Exception):
    """The service gave no usable answer for minutes."""


class Codes:
    """The sign-in codes that the service writes to its log, as no mail is sent; read on from where it was read."""

    def __init__(self, log: Path) -> None:
        self._log, self._read, self._codes = log, 0, dict[str, list[str]]()

    def of(self, email: str) -> list[str]:
        """Every code for `email` so far."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        self._read += len(whole)
        for line in whole.splitlines():
            if b'"code"' in line and line.startswith(b"{"):
                entry = json.loads(line)
                self._codes.setdefault(entry.get("email"), []).append(entry["code"])
        return self._codes.get(email, [])


class App:
    """One driver's phone."""

    def __init__(self, url: str, cards_url: str, codes: Codes, asked_again: Counter[str]) -> None:
        self._url, self._cards_url, self._codes = f"{url}/graphql", cards_url, codes
        self._http = httpx.AsyncClient(timeout=ASKED_S, trust_env=False, limits=httpx.Limits(keepalive_expiry=3))
        self._token: str | None = None
        self._email = ""
        self._asked_again = asked_again

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, email: str) -> None:
        """With the code that is sent; a code that was used up by a lost answer is followed by another one."""
        self._email, self._token = email, None
        for _ in range(5):
            before = len(self._codes.of(email))
            await self.ask(documents.REQUEST_CODE, email=email)
            code = await self._code(email, before)
            signed_in = (await self.ask(documents.SIGN_IN, email=email, code=code))["signIn"] if code else {}
            if signed_in.get("accessToken"):
                self._token = signed_in["accessToken"]
                return
        raise GaveUp(f"{email} could not sign in")

    async def _code(self, email: str, before: int) -> str | None:
        deadline = time.monotonic() + CODE_WITHIN_S
        while time.monotonic() < deadline:
            codes = self._codes.of(email)
            if len(codes) > before:
                return codes[-1]
            await asyncio.sleep(0.1)
        return None

    async def add_card(self, card: str) -> str:
        """Save a card; where the bank asks, its owner says yes. The id of the card."""
        added = (await self.ask(ADD_CARD, input={"cardToken": card, "idempotencyKey": card}))["addPaymentMethod"]
        if added["setup"]:
            await self.authenticate(added["setup"]["clientSecret"])
            added = (await self.ask(ADD_CARD, input={"setupId": added["setup"]["id"]}))["addPaymentMethod"]
        if not added["paymentMethod"]:
            raise GaveUp(f"{card} was not saved: {added}")
        card_id: str = added["paymentMethod"]["id"]
        return card_id

    async def authenticate(self, client_secret: str) -> None:
        """The owner of the card answers the bank; answered before is as good."""
        intent = client_secret.partition("_secret_")[0]
        for pause_s in pauses():
            try:
                answer = await self._http.post(f"{self._cards_url}/sandbox/authenticate", json={"intent": intent})
            except httpx.TransportError:
                await asyncio.sleep(pause_s)
                continue
            if answer.status_code < 500:
                return

    async def ask(self, document: str, **variables: Any) -> Json:
        """The data of a document; asked again until there is some. Refusals are data."""
        last = ""
        for pause_s in pauses():
            try:
                return await self.ask_once(document, **variables)
            except (httpx.TransportError, NoAnswer) as error:
                last = f"{type(error).__name__} {error}"
            self._asked_again[last.split("\n")[0][:60]] += 1
            await asyncio.sleep(pause_s)
        raise GaveUp(last)

    async def ask_once(self, document: str, *, within_s: float | None = None, **variables: Any) -> Json:
        """One try. Raises httpx.TransportError or NoAnswer; an error that another try would meet again is a defect."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        wanted = {"query": document, "variables": variables}
        answer = await self._http.post(self._url, json=wanted, headers=headers, timeout=within_s or ASKED_S)
        if answer.status_code >= 500:
            raise NoAnswer(f"HTTP {answer.status_code}")
        body: Json = answer.json()
        codes = [error.get("extensions", {}).get("code") for error in body.get("errors") or []]
        if any(code in AGAIN for code in codes):
            raise NoAnswer(str(codes[0]))
        if "UNAUTHENTICATED" in codes and self._token:
            await self.sign_in(self._email)
            raise NoAnswer("the sign-in had ended")
        assert not codes, f"{document.split()[1]} {variables}: {body['errors']}"
        data: Json = body["data"]
        return data


class NoAnswer(Exception):
    """The service answered that it cannot answer now."""


def pauses() -> Iterator[float]:
    """Seconds between tries, for as long as a driver has patience."""
    deadline, pause_s = time.monotonic() + PATIENCE_S, 0.2
    while time.monotonic() < deadline:
        yield pause_s
        pause_s = min(pause_s * 1.6, 2.0)
