"""A card held to a charge point of the sandbox CPO ..."""

from typing import Any

from .fake_emsp import FakeEmsp
from .running import RunningCpo, sessions, until

URL = "NL/EMS/04A2B3C4?type=RFID"
PLACE = {"location_id": "LOC1", "evse_uid": "LOC1-1"}
CARD = {
    "country_code": "NL",
    "party_id": "EMS",
    "uid": "04A2B3C4",
    "type": "RFID",
    "contract_id": "NLEMSC00000001X",
    "issuer": "Fake eMSP",
    "valid": True,
    "whitelist": "ALLOWED_OFFLINE",
    "last_updated": "2026-01-01T00:00:00Z",
}


async def test_starts_a_charge_by_the_token_that_it_knows(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await emsp.data("PUT", emsp.endpoints["tokens"] + URL, CARD)

    told = await cpo.lever("tap", **PLACE, token_uid="04a2b3c4", auth="whitelist")

    assert told["allowed"] == "ALLOWED"
    [first, *_] = await until(lambda: sessions(emsp, "PUT"))
    assert (first["id"], first["auth_method"]) == (told["session_id"], "WHITELIST")
    assert first["cdr_token"]["uid"] == "04A2B3C4"
    assert "authorization_reference" not in first


async def test_starts_nothing_by_a_token_that_is_not_good(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await emsp.data("PUT", emsp.endpoints["tokens"] + URL, {**CARD, "valid": False})
    told: Any = await cpo.lever("tap", **PLACE, token_uid="04A2B3C4", auth="whitelist")
    assert (told["allowed"], told["session_id"]) == ("NOT_ALLOWED", None)
    assert sessions(emsp, "PUT") == []
