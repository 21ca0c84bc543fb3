"""Quotes, charges, receipts, points and fleets as an app reads them."""

from typing import Any
from uuid import uuid4

from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.loyalty.points import award
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

QUOTE = """mutation ($input: QuoteChargeInput!) {
  quoteCharge(input: $input) {
    quote {
      id guaranteed missingReason assumptions validUntil
      connector { id }
      total { amount currency } worstCase { amount }
      lines { kind text from until measured { amount unit } billed { amount unit }
              unitPrice { amount currency per } amount { amount } tax { amount } }
    }
    errors { __typename code reason message field }
  }
}"""


async def test_that_a_quote_shows_its_lines_and_they_sum_to_its_total(api: Api, town: Town) -> None:
    wish = {"connectorId": ids.encode("Connector", town.connector.id), "energyWh": 10_000}

    answer = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]

    quote = answer["quote"]
    assert answer["errors"] == []
    assert quote["total"] == {"amount": "5.45", "currency": "EUR"}
    assert quote["guaranteed"] is True
    [line] = quote["lines"]
    assert line["kind"] == "ENERGY"
    assert line["measured"] == line["billed"] == {"amount": "10000", "unit": "WH"}
    assert line["unitPrice"] == {"amount": "0.45", "currency": "EUR", "per": "KWH"}
    assert (line["amount"]["amount"], line["tax"]["amount"]) == ("5.45", "0.95")
    assert float(quote["worstCase"]["amount"]) > 5.45
    assert any("11 kW" in sentence for sentence in quote["assumptions"])


async def test_that_a_place_without_a_tariff_has_no_price_and_says_why(api: Api, town: Town) -> None:
    async with transaction() as db:
        connector = await rows.connector(db, town.evse, 2, tariff_keys=[])
    wish = {"connectorId": ids.encode("Connector", connector.id), "energyWh": 10_000}

    quote = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]["quote"]

    assert quote["total"] is None
    assert quote["worstCase"] is None
    assert quote["lines"] == []
    assert quote["guaranteed"] is False
    assert quote["missingReason"] == "NO_TARIFF_PUBLISHED"


async def test_that_an_amount_that_makes_no_sense_is_told_as_data(api: Api, town: Town) -> None:
    wish = {"connectorId": ids.encode("Connector", town.connector.id), "energyWh": 0}

    answer = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]

    assert answer["quote"] is None
    [error] = answer["errors"]
    assert error["message"] == "Must be more than 0 and at most 1000000 Wh"
    assert {name: error[name] for name in ("__typename", "code", "reason", "field")} == {
        "__typename": "QuoteChargeError",
        "code": "INVALID_INPUT",
        "reason": "INVALID_INPUT",
        "field": ["input", "energyWh"],
    }


async def test_that_a_moment_without_an_offset_is_refused_by_graphql_itself(api: Api, town: Town) -> None:
    wish = {"connectorId": "x", "energyWh": 1, "stayUntil": "2026-06-02T20:00:00"}
    wrong = await api.wrong(QUOTE, "ada-token", input=wish)
    assert wrong["extensions"]["code"] == "INVALID_INPUT"
    assert "offset from UTC" in wrong["message"]


START = """mutation ($input: StartChargingInput!) {
  startCharging(input: $input) { session { id state quote { id } } errors { code field message } }
}"""


async def _startable(town: Town) -> dict[str, str]:
    """What is needed to start at a free charge point on a fresh quote of Ben's."""
    async with transaction() as db:
        connector = await rows.connector(db, await rows.evse(db, town.station, 9))
        quote = await rows.quote(db, town.ben, connector)
        await rows.card(db, town.ben)
    return {"connectorId": ids.encode("Connector", connector.id), "quoteId": ids.encode("PriceQuote", quote.id)}


async def test_that_a_start_sent_twice_is_one_session(api: Api, town: Town) -> None:
    wish = await _startable(town) | {"idempotencyKey": "once"}

    first = (await api.ask(START, "ben-token", input=wish))["startCharging"]
    second = (await api.ask(START, "ben-token", input=wish))["startCharging"]

    assert first["errors"] == []
    assert first["session"]["state"] == "REQUESTED"
    assert first["session"]["quote"]["id"] == wish["quoteId"]
    assert second == first


async def test_that_a_second_start_at_the_same_place_is_refused_as_data(api: Api, town: Town) -> None:
    wish = await _startable(town)
    await api.ask(START, "ben-token", input=wish | {"idempotencyKey": "once"})

    again = (await api.ask(START, "ben-token", input=wish | {"idempotencyKey": "twice"}))["startCharging"]

    assert again["session"] is None
    assert [(error["code"], error["field"]) for error in again["errors"]] == [
        ("ALREADY_CHARGING", ["input", "connectorId"])
    ]


async def test_that_starting_needs_a_driver_and_a_key(api: Api, town: Town) -> None:
    wish = await _startable(town) | {"idempotencyKey": ""}
    assert (await api.wrong(START, input=wish))["extensions"]["code"] == "UNAUTHENTICATED"
    answer = (await api.ask(START, "ben-token", input=wish))["startCharging"]
    assert answer["errors"][0]["field"] == ["input", "idempotencyKey"]


async def test_that_what_is_not_charging_cannot_be_stopped(api: Api, town: Town) -> None:
    wish = await _startable(town) | {"idempotencyKey": "once"}
    session = (await api.ask(START, "ben-token", input=wish))["startCharging"]["session"]
    document = (
        "mutation ($id: ID!) { stopCharging(sessionId: $id, input: {}) { session { id } errors { code field } } }"
    )

    answer = (await api.ask(document, "ben-token", id=session["id"]))["stopCharging"]

    assert answer == {"session": None, "errors": [{"code": "NOT_CHARGING", "field": ["sessionId"]}]}


SESSION = """query ($id: ID!) { chargingSession(id: $id) {
  state energyWh stateOfChargePercent startedAt endedAt powerW
  costSoFar { amount currency } hold { state } station { name } connector { standard } quote { total { amount } }
  timeline { text }
  receipt {
    number net { amount } total { amount } paid { amount }
    lines { text amount { amount } } taxes { percent net { amount } tax { amount } }
    verification { result reason }
  }
} }"""


async def test_that_a_session_shows_its_receipt(api: Api, town: Town) -> None:
    id_ = ids.encode("ChargingSession", town.session.id)

    session = (await api.ask(SESSION, "ada-token", id=id_))["chargingSession"]

    assert session["state"] == "CHARGING"
    assert session["energyWh"] == 10_000
    assert session["stateOfChargePercent"] == 64.0
    assert session["startedAt"] == "2026-06-02T18:30:00Z"
    assert session["endedAt"] is None
    assert session["costSoFar"] == {"amount": "5.45", "currency": "EUR"}
    assert session["station"] == {"name": "Station 1"}
    assert session["hold"] is None
    assert session["timeline"] == []
    receipt = session["receipt"]
    assert receipt["number"] == "VOLT-2026-000001"
    assert receipt["total"] == receipt["paid"] == {"amount": "5.45"}
    assert receipt["taxes"] == [{"percent": "21", "net": {"amount": "4.50"}, "tax": {"amount": "0.95"}}]
    assert receipt["verification"] == {"result": "AGREES", "reason": None}


async def test_that_a_driver_s_sessions_come_in_pages(api: Api, town: Town) -> None:
    async with transaction() as db:
        for _ in range(4):
            connector = await rows.connector(db, await rows.evse(db, town.station, 20 + _))
            await rows.session(db, town.ada, town.quote, connector)
    document = """query ($after: String) { viewer { sessions(first: 2, after: $after) {
      totalCount pageInfo { hasNextPage hasPreviousPage endCursor } nodes { id }
    } } }"""

    first = (await api.ask(document, "ada-token"))["viewer"]["sessions"]
    second = (await api.ask(document, "ada-token", after=first["pageInfo"]["endCursor"]))["viewer"]["sessions"]
    third = (await api.ask(document, "ada-token", after=second["pageInfo"]["endCursor"]))["viewer"]["sessions"]

    seen = [node["id"] for page in (first, second, third) for node in page["nodes"]]
    assert len(seen) == len(set(seen)) == first["totalCount"] == 5
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]
    assert [page["pageInfo"]["hasPreviousPage"] for page in (first, second, third)] == [False, True, True]
    wrong = await api.wrong(document, "ada-token", after="bogus")
    assert wrong["extensions"] | {"requestId": ""} == {"code": "INVALID_INPUT", "field": "after", "requestId": ""}


BILL = """query ($id: ID!) { node(id: $id) { ... on Fleet { bill(month: "2026-06") {
  id month csvUrl net { amount } total { amount currency } taxes { percent net { amount } tax { amount } }
  driverTotals { driver { email } charges energyWh total { amount } }
  lines(first: 1) { totalCount pageInfo { hasNextPage endCursor }
                    nodes { receiptNumber driver { email } stationName country energyWh total { amount } } }
} } } }"""


async def test_that_a_fleet_s_bill_lists_every_charge_with_its_sums(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.fleet_charge(db, town.fleet, town.ben, "another charge")

    bill = (await api.ask(BILL, "ada-token", id=ids.encode("Fleet", town.fleet.id)))["node"]["bill"]

    assert bill["id"] == ids.encode("FleetBill", town.fleet.id, "2026-06", "EUR")
    assert bill["total"] == {"amount": "10.90", "currency": "EUR"}
    assert bill["net"] == {"amount": "9.00"}
    assert bill["taxes"] == [{"percent": "21", "net": {"amount": "9.00"}, "tax": {"amount": "1.90"}}]
    assert [(sums["driver"]["email"], sums["charges"]) for sums in bill["driverTotals"]] == [
        ("ada@example.com", 1),
        ("ben@example.com", 1),
    ]
    assert bill["lines"]["totalCount"] == 2
    assert bill["lines"]["pageInfo"]["hasNextPage"] is True
    assert "/fleets/" in bill["csvUrl"]


async def test_that_a_month_is_written_as_year_and_month(api: Api, town: Town) -> None:
    document = "query ($id: ID!, $month: String!) { node(id: $id) { ... on Fleet { bill(month: $month) { id } } } }"
    id_ = ids.encode("Fleet", town.fleet.id)
    for month in ("2026-6", "2026-13", "9999-12", "June", ""):
        wrong = await api.wrong(document, "ada-token", id=id_, month=month)
        assert wrong["extensions"]["field"] == "month"


async def test_that_a_manager_makes_a_fleet_and_lets_a_driver_in(api: Api, town: Town) -> None:
    made: Any = await api.ask('mutation { createFleet(input: {name: "Bakers"}) { fleet { id name } } }', "ben-token")
    fleet = made["createFleet"]["fleet"]
    document = """mutation ($id: ID!, $email: String!) {
      addFleetMember(input: {fleetId: $id, email: $email, role: MANAGER}) {
        member { role driver { email } } fleet { members { totalCount } } errors { code field }
      }
    }"""

    added = (await api.ask(document, "ben-token", id=fleet["id"], email="Ada@Example.com"))["addFleetMember"]
    refused = (await api.ask(document, "ben-token", id=fleet["id"], email="no address"))["addFleetMember"]

    assert added["member"] == {"role": "MANAGER", "driver": {"email": "ada@example.com"}}
    assert added["fleet"]["members"]["totalCount"] == 2
    assert refused["errors"] == [{"code": "INVALID_INPUT", "field": ["input", "email"]}]
    names = (await api.ask("{ viewer { fleets { name } } }", "ada-token"))["viewer"]["fleets"]
    assert names == [{"name": "Bakers"}, {"name": "Rainy Day Couriers"}]


async def test_that_points_are_shown_with_what_they_were_given_for(api: Api, town: Town) -> None:
    async with transaction() as db:
        await award(db, driver_id=town.ada.id, points=10, reference=str(uuid4()))
    document = "{ viewer { loyalty { pointsBalance entries { totalCount nodes { points reason at } } } } }"

    loyalty = (await api.ask(document, "ada-token"))["viewer"]["loyalty"]

    assert loyalty["pointsBalance"] == 10
    assert [(entry["points"], entry["reason"]) for entry in loyalty["entries"]["nodes"]] == [(10, "CHARGE")]
    assert (await api.ask(document, "ben-token"))["viewer"]["loyalty"]["pointsBalance"] == 0
