"""An operator that speaks for a party of the made continent: known to us by hand, sending locations and statuses."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

import _continent
import httpx
import orjson

TOKEN = "bench-token-of-the-operator"


class Place(NamedTuple):
    """An EVSE and where it is changed."""

    path: str
    uid: str


def connect(parties: Iterable[str] = ("NL-BEN",)) -> str:
    """Make the connection, over which these parties' objects may come; the token to send, as it is sent."""
    from emsp.db import engine
    from emsp.ocpi import wire
    from emsp.ocpi.connections import PartyId
    from emsp.ocpi.join import handshake

    async def story() -> None:
        try:
            await handshake.add_static(
                "Bench", version="2.2.1", token_out="-", token_in=TOKEN, encoding=wire.BASE64,
                endpoints=[], roles=[PartyId.parse(party) for party in parties],
            )  # fmt: skip
        finally:
            await engine.dispose()

    asyncio.run(story())
    return b64encode(TOKEN.encode()).decode()


def push(where: str, token: str, numbers: Iterable[int]) -> list[Place]:
    """PUT locations that were not there, one for each number; their EVSEs."""
    places = []
    numbers = list(numbers)
    made = list(_continent.locations(max(numbers) + 1, seed=77))
    with httpx.Client(base_url=where, headers={"authorization": f"Token {token}"}, timeout=60) as client:
        for number in numbers:
            location = made[number]
            path = f"/ocpi/2.2.1/locations/NL/BEN/B{number}"
            body = _continent.as_ocpi(location) | {"party_id": "BEN", "id": f"B{number}"}
            for evse in body["evses"]:
                evse["uid"] = f"B{evse['uid']}"
            answer = client.put(path, content=orjson.dumps(body), headers={"content-type": "application/json"})
            if answer.status_code not in (200, 201) or answer.json()["status_code"] != 1000:
                raise SystemExit(f"PUT {path}: {answer.status_code} {answer.text[:500]}")
            places += [Place(f"{path}/{evse['uid']}", evse["uid"]) for evse in body["evses"]]
    return places


def moment(seconds: int) -> str:
    """A time after all that the made continent says."""
    at = _continent.MADE_AT + timedelta(days=40, seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
