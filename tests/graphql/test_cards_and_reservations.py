"""Cards, contracts and reservations as an app reads and changes them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from emsp import clock, timetable
from emsp.accounts import charge_tokens
from emsp.accounts.charge_tokens import NewToken, add_token
from emsp.charging.tables import Reservation
from emsp.db.engine import transaction
from emsp.graphql import ids
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

TOKEN = "id kind name visualNumber contractId blockedAt addedAt paysFleet"
ADD = f"""mutation ($number: String!, $ending: String!) {{
  addChargeToken(input: {{visualNumber: $number, uidEnding: $ending}}) {{ token {{ {TOKEN} }} errors {{ code field }} }}
}}"""
MINE = f"{{ viewer {{ tokens {{ {TOKEN} }} reservations {{ id state stateReason expiresAt evse {{ id }} }} }} }}"
RESERVE = """mutation ($input: ReserveEvseInput!) {
  reserveEvse(input: $input) { reservation { id state } errors { code field } }
}"""
CANCEL = "mutation ($id: ID!) { cancelReservation(reservationId: $id) { reservation { state } errors { code } } }"
PREFER = """mutation ($id: ID!, $input: SetChargingPreferencesInput!) {
  setChargingPreferences(sessionId: $id, input: $input) { session { id } errors { code field } }
}"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


def change(what: str) -> str:
    """The mutation that does this with a card."""
    return (
        f"mutation ($id: ID!) {{ {what}(input: {{tokenId: $id}}) {{ token {{ {TOKEN} }} errors {{ code field }} }} }}"
    )


@pytest.fixture(autouse=True)
def _fresh(api: Api) -> Iterator[None]:
    timetable.set_up()
    charge_tokens._tries.clear()
    yield
    charge_tokens._tries.clear()


@pytest.fixture
async def card(town: Town) -> dict[str, str]:
    async with transaction() as db:
        new = NewToken(uid="04A2B3C4", contract_id="NLEMPC00000001", visual_number="12345678")
        await add_token(db, town.volt.id, new)
    return {"number": "1234 5678", "ending": "b3c4"}


async def test_that_a_card_is_added_blocked_and_taken_away(api: Api, town: Town, card: dict[str, str]) -> None:
    added = (await api.ask(ADD, "ada-token", **card))["addChargeToken"]["token"]
    assert (added["kind"], added["visualNumber"], added["blockedAt"], added["paysFleet"]) == (
        "RFID",
        "12345678",
        None,
        False,
    )
    assert (await api.ask(MINE, "ada-token"))["viewer"]["tokens"] == [added]
    assert (await api.ask(NODE, "ada-token", id=added["id"]))["node"] == {
        "__typename": "ChargeToken",
        "id": added["id"],
    }
    blocked = (await api.ask(change("blockChargeToken"), "ada-token", id=added["id"]))["blockChargeToken"]
    assert blocked["token"]["blockedAt"] is not None
    free = (await api.ask(change("unblockChargeToken"), "ada-token", id=added["id"]))["unblockChargeToken"]
    assert free["token"] == added
    gone = (await api.ask(change("removeChargeToken"), "ada-token", id=added["id"]))["removeChargeToken"]
    assert (gone["errors"], gone["token"]["addedAt"]) == ([], None)
    assert (await api.ask(MINE, "ada-token"))["viewer"]["tokens"] == []


async def test_that_a_card_is_its_driver_s_own(api: Api, town: Town, card: dict[str, str]) -> None:
    id_ = (await api.ask(ADD, "ada-token", **card))["addChargeToken"]["token"]["id"]
    for token, brand in (("ben-token", None), ("zoe-token", "stroom")):
        assert (await api.ask(NODE, token, brand, id=id_))["node"] is None
        for what in ("blockChargeToken", "unblockChargeToken", "removeChargeToken"):
            answer = (await api.ask(change(what), token, brand, id=id_))[what]
            assert answer == {
                "token": None,
                "errors": [{"code": "TOKEN_NOT_FOUND", "field": ["input", "tokenId"]}],
            }
        added = (await api.ask(ADD, token, brand, **card))["addChargeToken"]
        assert added == {"token": None, "errors": [{"code": "TOKEN_NOT_FOUND", "field": ["input"]}]}
    assert (await api.wrong(ADD, **card))["extensions"]["code"] == "UNAUTHENTICATED"
    [own] = (await api.ask(MINE, "ada-token"))["viewer"]["tokens"]
    assert own["blockedAt"] is None


async def test_that_a_reservation_is_its_driver_s_own(api: Api, town: Town) -> None:
    until = clock.now().replace(microsecond=0) + timedelta(minutes=10)
    async with transaction() as db:
        row = await rows.added(
            db,
            Reservation(
                brand_id=town.volt.id,
                driver_id=town.ada.id,
                partner_id=town.station.partner_id,
                station_id=town.station.id,
                evse_id=town.evse.id,
                idempotency_key="k",
                state="CONFIRMED",
                state_reason="It is kept free.",
                authorization_reference=uuid4().hex,
                token_uid="RES1",
                expires_at=until,
            ),
        )
    id_ = ids.encode("Reservation", row.id)
    [shown] = (await api.ask(MINE, "ada-token"))["viewer"]["reservations"]
    assert shown == {
        "id": id_,
        "state": "CONFIRMED",
        "stateReason": "It is kept free.",
        "expiresAt": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "evse": {"id": ids.encode("Evse", town.evse.id)},
    }
    for token, brand in (("ben-token", None), ("zoe-token", "stroom")):
        assert (await api.ask(NODE, token, brand, id=id_))["node"] is None
        refused = (await api.ask(CANCEL, token, brand, id=id_))["cancelReservation"]
        assert refused == {"reservation": None, "errors": [{"code": "RESERVATION_NOT_FOUND"}]}
    assert (await api.ask(CANCEL, "ada-token", id=id_))["cancelReservation"]["reservation"] == {"state": "CANCELING"}


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"minutes": 15}, {"code": "RESERVATION_NOT_POSSIBLE", "field": ["input", "evseId"]}),
        ({"evseId": "nonsense", "minutes": 15}, {"code": "EVSE_NOT_FOUND", "field": ["input", "evseId"]}),
        ({}, {"code": "INVALID_INPUT", "field": ["input", "minutes"]}),
        ({"minutes": 241}, {"code": "INVALID_INPUT", "field": ["input", "minutes"]}),
        ({"until": "2020-01-01T00:00:00Z"}, {"code": "INVALID_INPUT", "field": ["input", "until"]}),
        ({"minutes": 1, "idempotencyKey": ""}, {"code": "INVALID_INPUT", "field": ["input", "idempotencyKey"]}),
    ],
)
async def test_that_what_cannot_be_reserved_says_why(
    api: Api, town: Town, wish: dict[str, Any], error: dict[str, Any]
) -> None:
    wanted = {"evseId": ids.encode("Evse", town.evse.id), "idempotencyKey": "k"} | wish
    assert (await api.ask(RESERVE, "ada-token", input=wanted))["reserveEvse"] == {
        "reservation": None,
        "errors": [error],
    }


async def test_that_wishes_are_for_one_s_own_charge(api: Api, town: Town) -> None:
    id_ = ids.encode("ChargingSession", town.session.id)
    answer = (await api.ask(PREFER, "ada-token", id=id_, input={"profile": "CHEAP"}))["setChargingPreferences"]
    assert [error["code"] for error in answer["errors"]] in (["NOT_CHARGING"], ["NOT_SUPPORTED"])
    wrong = (await api.ask(PREFER, "ada-token", id=id_, input={"energyNeedWh": 0}))["setChargingPreferences"]
    assert wrong["errors"] == [{"code": "INVALID_INPUT", "field": ["input", "energyNeedWh"]}]
    error = await api.wrong(PREFER, "ben-token", id=id_, input={"profile": "CHEAP"})
    assert error["extensions"]["code"] == "NOT_FOUND"
