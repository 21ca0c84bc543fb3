"""Our drivers' cards and cars as a CPO sees them: listed, pushed, and asked about in real time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from emsp import jobs
from emsp.accounts.charge_tokens import NewToken, add_token, block_token
from emsp.accounts.drivers import block
from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.charging.tables import Authorization
from emsp.db.engine import engine, transaction
from emsp.ocpi.send import push_tokens
from tests.graphql import rows
from tests.ocpi.askable import askable
from tests.ocpi.people import Cpo, values
from tests.ocpi.servers import envelope

UID = "04A2B3C4"
PLACE = {"location_id": "l1", "evse_uids": ["E1", "E2"]}
MARKS = "SELECT dirty_since IS NOT NULL, failure FROM ocpi_charge_token_push"


@pytest.fixture
async def ada(database: str) -> Driver:
    jobs.register(push_tokens.push)
    jobs.register(push_tokens.charge_token_changed)
    jobs.register(push_tokens.driver_changed)
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en", "nl"], is_default=True))
        ada = await rows.driver(db, brand.id, "ada")
        ada.language = "nl"
        return ada


@pytest.fixture
async def card(ada: Driver) -> ChargeToken:
    async with transaction() as db:
        await rows.card(db, ada)
        new = NewToken(uid=UID, contract_id="NLEMPC00000001", visual_number="1234 5678", driver_id=ada.id)
        return await add_token(db, ada.brand_id, new)


@pytest.fixture
async def station(cpo: Cpo) -> None:
    async with transaction() as db:
        station = await rows.station(db, cpo.connection.partner_id, 1)
        for number, power_w in ((1, 22_000), (2, 150_000)):
            await rows.connector(db, await rows.evse(db, station, number), max_power_w=power_w)


async def asked(cpo: Cpo, body: Any = None, uid: str = UID) -> dict[str, Any]:
    answer = await cpo.send("POST", f"/tokens/{uid}/authorize?type=RFID", body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def answers() -> list[Authorization]:
    async with transaction() as db:
        return list(await db.scalars(select(Authorization).order_by(Authorization.created_at)))  # type: ignore[arg-type]


async def test_a_card_is_listed_beside_the_app(cpo: Cpo, card: ChargeToken) -> None:
    app, listed = await cpo.gets("/tokens")
    assert app["type"] == "APP_USER"
    assert listed == {
        "country_code": "NL",
        "party_id": "EMP",
        "uid": UID,
        "type": "RFID",
        "contract_id": card.contract_id,
        "visual_number": "12345678",
        "issuer": app["issuer"],
        "valid": True,
        "whitelist": "NEVER",
        "language": "nl",
        "last_updated": listed["last_updated"],
    }


async def test_pages_hold_all_kinds_in_one_order(cpo: Cpo, ada: Driver, card: ChargeToken) -> None:
    async with transaction() as db:
        (await db.get_one(Driver, ada.id)).created_at = datetime(2026, 6, 2, tzinfo=UTC)
        (await db.get_one(ChargeToken, card.id)).created_at = datetime(2026, 6, 1, tzinfo=UTC)
        for number in range(3):
            await rows.added(db, Driver(brand_id=ada.brand_id, email=f"{number}@example.com"))
    first = await cpo.send("GET", "/tokens/?limit=2")
    rest = await cpo.gets("/tokens/?limit=3&offset=2")
    assert first.headers["X-Total-Count"] == "5"
    assert [token["type"] for token in first.json()["data"]] == ["RFID", "APP_USER"]
    assert len({token["uid"] for token in [*first.json()["data"], *rest]}) == 5


async def test_the_window_counts_what_changed_of_a_card_or_of_its_driver(
    cpo: Cpo, ada: Driver, card: ChargeToken
) -> None:
    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    async with transaction() as db:
        (await db.get_one(Driver, ada.id)).updated_at = old
        (await db.get_one(ChargeToken, card.id)).updated_at = new
    since = "/tokens?date_from=2026-02-01T00:00:00Z"
    assert [(token["type"], token["last_updated"]) for token in await cpo.gets(since)] == [
        ("RFID", "2026-02-01T00:00:00Z")
    ]
    async with transaction() as db:
        await block(db, ada.id)
    assert [(token["type"], token["valid"]) for token in await cpo.gets("/tokens?date_from=2026-02-02T00:00:00Z")] == [
        ("APP_USER", False),
        ("RFID", False),
    ]


async def test_a_car_is_an_emaid_where_the_version_has_the_word(cpo: Cpo, ada: Driver) -> None:
    async with transaction() as db:
        new = NewToken(kind="EMAID", contract_id="NLEMPC00000009", driver_id=ada.id)
        contract = (await add_token(db, ada.brand_id, new)).contract_id
    told = {}
    for version in ("2.3.0", "2.2.1", "2.1.1"):
        cpo.version = version
        told[version] = (await cpo.gets("/tokens"))[1]
    assert {version: token["type"] for version, token in told.items()} == {
        "2.3.0": "EMAID",
        "2.2.1": "OTHER",
        "2.1.1": "OTHER",
    }
    assert {token["uid"] for token in told.values()} == {contract}
    assert told["2.1.1"]["auth_id"] == contract


async def test_a_card_that_may_charge_is_allowed_with_a_reference_of_its_own(
    cpo: Cpo, card: ChargeToken, station: None
) -> None:
    first, second = await asked(cpo, PLACE), await asked(cpo, PLACE)
    assert (first["allowed"], first["location"]) == ("ALLOWED", {"location_id": "l1", "evse_uids": ["E1", "E2"]})
    assert first["token"]["uid"] == UID
    assert first["info"] == {"language": "nl", "text": "Welkom. De prijs staat in uw app."}
    assert first["authorization_reference"] != second["authorization_reference"]
    kept = await answers()
    assert [row.reference for row in kept] == [first["authorization_reference"], second["authorization_reference"]]
    assert (kept[0].charge_token_id, kept[0].location_id, kept[0].evse_uids) == (card.id, "l1", ["E1", "E2"])


async def test_only_the_charge_points_that_are_allowed_are_named(
    cpo: Cpo, ada: Driver, card: ChargeToken, station: None
) -> None:
    async with transaction() as db:
        (await db.get_one(Brand, ada.brand_id)).network_policy = {"max_power_w": 50_000}
    assert (await asked(cpo, PLACE))["location"] == {"location_id": "l1", "evse_uids": ["E1"]}
    refused = await asked(cpo, PLACE | {"evse_uids": ["E2"]})
    assert (refused["allowed"], "location" in refused) == ("NOT_ALLOWED", False)
    assert refused["info"]["text"] == "U kunt hier met deze pas niet laden."


@pytest.mark.parametrize("body", [None, {"location_id": "L99"}, {"location_id": "L1"}])
async def test_a_place_that_is_not_told_or_not_known_is_held_against_nobody(
    cpo: Cpo, card: ChargeToken, station: None, body: Any
) -> None:
    told = await asked(cpo, body)
    assert told["allowed"] == "ALLOWED"
    assert told.get("location") == body


@pytest.mark.parametrize("version", ["2.3.0", "2.2.1", "2.1.1"])
async def test_each_no_has_its_word_in_each_version(cpo: Cpo, ada: Driver, card: ChargeToken, version: str) -> None:
    cpo.version = version
    async with transaction() as db:
        await block_token(db, await db.get_one(ChargeToken, card.id))
    told = await asked(cpo)
    assert (told["allowed"], told["info"]["text"]) == ("BLOCKED", "Deze pas is geblokkeerd. Zie uw app.")
    assert ("token" in told) == (version != "2.1.1")
    assert "authorization_reference" not in told
    assert [row.reason for row in await answers()] == ["TOKEN_BLOCKED: The card is blocked."]


async def test_who_cannot_pay_has_no_credit(cpo: Cpo, ada: Driver) -> None:
    async with transaction() as db:
        await add_token(db, ada.brand_id, NewToken(uid=UID, contract_id="NLEMPC00000001", driver_id=ada.id))
    told = await asked(cpo)
    assert (told["allowed"], told["info"]["text"]) == ("NO_CREDIT", "Voeg eerst een betaalkaart toe in de app.")


async def test_a_card_of_nobody_is_not_allowed(cpo: Cpo, ada: Driver) -> None:
    async with transaction() as db:
        await add_token(db, ada.brand_id, NewToken(uid=UID, contract_id="NLEMPC00000001"))
    told = await asked(cpo)
    assert (told["allowed"], told["token"]["valid"], told["info"]["language"]) == ("NOT_ALLOWED", False, "en")


async def test_an_answer_takes_few_statements(cpo: Cpo, card: ChargeToken, station: None) -> None:
    """Each takes about a millisecond, and a charge point waits."""
    said: list[str] = []
    event.listen(engine().sync_engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    await asked(cpo, PLACE)
    assert 0 < len(said) <= 20


async def test_a_partner_learns_of_a_card_when_it_becomes_somebody_s(
    database: str, ada: Driver, card: ChargeToken
) -> None:
    async with transaction() as db:
        await add_token(db, ada.brand_id, NewToken(uid="04FFFFFF", contract_id="NLEMPC00000002"))
    async with askable(takes=[("tokens", "RECEIVER")]) as partner:
        partner.answer = envelope()
        await push_tokens.partner_connected(partner.connection.id)
        await push_tokens.push(partner.connection.id)
        assert [asked.query["type"] for asked in partner.received] == ["APP_USER", "RFID"], "none of those in stock"
        assert partner.received[1].path == f"/ocpi/tokens/NL/EMP/{UID}"
        assert partner.received[1].body["valid"] is True
        assert await values(MARKS) == [(False, None)]

        async with transaction() as db:
            await block_token(db, await db.get_one(ChargeToken, card.id))
        await push_tokens.charge_token_changed(card.id)
        assert await values(MARKS) == [(True, None)]
        await push_tokens.push(partner.connection.id)
        assert partner.received[-1].body["valid"] is False
        assert len(partner.received) == 3

        await push_tokens.driver_changed(ada.id)
        await push_tokens.push(partner.connection.id)
        assert [asked.query["type"] for asked in partner.received[3:]] == ["APP_USER", "RFID"]


async def test_a_card_that_is_refused_is_tried_again(database: str, card: ChargeToken) -> None:
    async with askable(takes=[("tokens", "RECEIVER")]) as partner:
        partner.answer = envelope(None, 3000)
        await push_tokens.charge_token_changed(card.id)
        await push_tokens.push(partner.connection.id)
        [(dirty, failure)] = await values(MARKS)
        assert dirty
        assert "OCPI 3000" in failure
        partner.answer = envelope()
        await push_tokens.push_what_is_due()
        await push_tokens.push(partner.connection.id)
        assert await values(MARKS) == [(False, None)]
