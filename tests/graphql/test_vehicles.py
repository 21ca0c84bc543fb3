"""A driver's vehicles, and quotes for them, as an app reads them."""

from typing import Any
from uuid import uuid4

from emsp.accounts.tables import Vehicle
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.pricing.tables import Quote
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

ADD = """mutation ($input: AddVehicleInput!) { addVehicle(input: $input) {
  vehicle { id name batteryCapacityWh maxAcPowerKw maxDcPowerKw } errors { code field message }
} }"""
CHANGE = """mutation ($input: ChangeVehicleInput!) { changeVehicle(input: $input) {
  vehicle { name batteryCapacityWh maxAcPowerKw maxDcPowerKw } errors { code field }
} }"""
REMOVE = """mutation ($input: RemoveVehicleInput!) { removeVehicle(input: $input) {
  vehicle { name } errors { code field }
} }"""
MINE = "{ viewer { vehicles { name } } }"
BEE = {"name": " Bee ", "batteryCapacityWh": 57_000, "maxAcPowerKw": 7.4, "maxDcPowerKw": 100}
QUOTE = """mutation ($input: QuoteChargeInput!) { quoteCharge(input: $input) {
  quote {
    id energyWh plannedUntil total { amount } worstCase { amount } worstCaseUntil assumptions evidence guaranteed
    missingReason
  }
  errors { code field message }
} }"""
NODE = "query ($id: ID!) { node(id: $id) { ... on Vehicle { name } } }"


async def _bee(api: Api, token: str = "ada-token", **facts: Any) -> str:
    answer = (await api.ask(ADD, token, input=BEE | facts))["addVehicle"]
    assert answer["errors"] == []
    return str(answer["vehicle"]["id"])


async def test_that_a_driver_s_cars_are_kept_changed_and_removed(api: Api, town: Town) -> None:
    added = (await api.ask(ADD, "ada-token", input=BEE))["addVehicle"]["vehicle"]
    id_ = added.pop("id")
    assert added == {"name": "Bee", "batteryCapacityWh": 57_000, "maxAcPowerKw": 7.4, "maxDcPowerKw": 100.0}
    await api.ask(ADD, "ada-token", input=BEE | {"name": "Ant", "maxDcPowerKw": None})
    assert (await api.ask(MINE, "ada-token"))["viewer"]["vehicles"] == [{"name": "Bee"}, {"name": "Ant"}]
    assert (await api.ask(NODE, "ada-token", id=id_))["node"] == {"name": "Bee"}

    changed = await api.ask(CHANGE, "ada-token", input={"vehicleId": id_, "maxDcPowerKw": None, "maxAcPowerKw": 11})
    assert changed["changeVehicle"] == {
        "vehicle": {"name": "Bee", "batteryCapacityWh": 57_000, "maxAcPowerKw": 11.0, "maxDcPowerKw": None},
        "errors": [],
    }

    assert (await api.ask(REMOVE, "ada-token", input={"vehicleId": id_}))["removeVehicle"]["vehicle"] == {"name": "Bee"}
    assert (await api.ask(MINE, "ada-token"))["viewer"]["vehicles"] == [{"name": "Ant"}]
    assert (await api.ask(NODE, "ada-token", id=id_))["node"] is None
    again = (await api.ask(REMOVE, "ada-token", input={"vehicleId": id_}))["removeVehicle"]
    assert again == {"vehicle": None, "errors": [{"code": "VEHICLE_NOT_FOUND", "field": ["input", "vehicleId"]}]}


async def test_that_facts_that_no_car_has_are_refused_by_their_field(api: Api, town: Town) -> None:
    for wrong, field in (
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"batteryCapacityWh": 57}, "batteryCapacityWh"),
        ({"maxAcPowerKw": 0}, "maxAcPowerKw"),
        ({"maxAcPowerKw": 7400}, "maxAcPowerKw"),
        ({"maxDcPowerKw": -1}, "maxDcPowerKw"),
        ({"maxDcPowerKw": 1e300}, "maxDcPowerKw"),
    ):
        answer = (await api.ask(ADD, "ada-token", input=BEE | wrong))["addVehicle"]
        assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID_INPUT", ["input", field])]
    id_ = await _bee(api)
    for wrong, field in (({"maxAcPowerKw": 0.1}, "maxAcPowerKw"), ({"name": None}, "name")):
        answer = (await api.ask(CHANGE, "ada-token", input={"vehicleId": id_} | wrong))["changeVehicle"]
        assert answer == {"vehicle": None, "errors": [{"code": "INVALID_INPUT", "field": ["input", field]}]}
    assert (await api.ask(MINE, "ada-token"))["viewer"]["vehicles"] == [{"name": "Bee"}]


async def test_that_twenty_cars_are_enough(api: Api, town: Town) -> None:
    async with transaction() as db:
        for number in range(20):
            await rows.added(
                db,
                Vehicle(driver_id=town.ada.id, name=f"{number}", battery_capacity_wh=50_000, max_ac_power_w=11_000),
            )
    answer = (await api.ask(ADD, "ada-token", input=BEE))["addVehicle"]
    assert [error["code"] for error in answer["errors"]] == ["TOO_MANY_VEHICLES"]
    assert (await api.ask(ADD, "ben-token", input=BEE))["addVehicle"]["errors"] == []


async def test_that_another_driver_s_car_looks_like_none(api: Api, town: Town) -> None:
    id_, unknown = await _bee(api), ids.encode("Vehicle", uuid4())
    connector = ids.encode("Connector", town.connector.id)
    strangers = [("ben-token", None), ("zoe-token", "stroom")]
    for token, brand in strangers:
        for wanted in (id_, unknown, ids.encode("Driver", town.ada.id), "bogus"):
            nothing = [{"code": "VEHICLE_NOT_FOUND", "field": ["input", "vehicleId"]}]
            changed = await api.ask(CHANGE, token, brand, input={"vehicleId": wanted, "name": "Mine"})
            removed = await api.ask(REMOVE, token, brand, input={"vehicleId": wanted})
            assert changed["changeVehicle"] == removed["removeVehicle"] == {"vehicle": None, "errors": nothing}
            wish = {"connectorId": connector, "vehicleId": wanted, "targetPercent": 80}
            quoted = (await api.ask(QUOTE, token, brand, input=wish))["quoteCharge"]
            assert quoted["quote"] is None
            assert [(error["code"], error["field"]) for error in quoted["errors"]] == [
                ("VEHICLE_NOT_FOUND", ["input", "vehicleId"])
            ]
    for token, brand in [*strangers, (None, None)]:
        assert (await api.ask(NODE, token, brand, id=id_))["node"] is None
    for document, wish in ((ADD, BEE), (CHANGE, {"vehicleId": id_}), (REMOVE, {"vehicleId": id_})):
        assert (await api.wrong(document, input=wish))["extensions"]["code"] == "UNAUTHENTICATED"
    assert (await api.ask(MINE, "ada-token"))["viewer"]["vehicles"] == [{"name": "Bee"}]


async def test_that_a_quote_for_a_car_tells_its_energy_its_worst_case_and_what_was_assumed(
    api: Api, town: Town
) -> None:
    wish = {
        "connectorId": ids.encode("Connector", town.connector.id),
        "vehicleId": await _bee(api),
        "targetPercent": 80,
    }
    quote = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]["quote"]
    assert quote["energyWh"] == 38_000  # 60 % of 57 kWh, and a tenth of what is metered is lost
    assert (quote["total"], quote["worstCase"]) == ({"amount": "20.69"}, {"amount": "25.86"})
    assert (quote["guaranteed"], quote["missingReason"]) == (True, None)
    assert quote["plannedUntil"] < quote["worstCaseUntil"]
    assert quote["assumptions"] == [
        "Charging at 7.4 kW throughout.",
        "The battery was taken to hold 20 % at the start.",
        "10 % of the energy is lost between the meter and the battery.",
        "The worst case allows for 47.5 kWh and for staying an hour longer than planned.",
    ]
    async with transaction() as db:
        row = await db.get_one(Quote, ids.uuid_of(quote["id"], "PriceQuote"))
        assert quote["evidence"] == row.signature


async def test_that_either_energy_or_a_car_and_its_target_is_wanted(api: Api, town: Town) -> None:
    car = {"vehicleId": await _bee(api)}
    for wish, field in (
        ({}, "energyWh"),
        ({"energyWh": 1000, "targetPercent": 80} | car, "energyWh"),
        ({"energyWh": 1000} | car, "targetPercent"),
        (car, "targetPercent"),
        ({"targetPercent": 80}, "targetPercent"),
        ({"energyWh": 1000, "currentPercent": 10}, "currentPercent"),
        ({"targetPercent": 20} | car, "targetPercent"),
        ({"targetPercent": 101} | car, "targetPercent"),
        ({"targetPercent": 80, "currentPercent": 80} | car, "targetPercent"),
        ({"targetPercent": 80, "currentPercent": -1} | car, "currentPercent"),
        ({"targetPercent": 80, "currentPercent": 100} | car, "currentPercent"),
    ):
        wish = wish | {"connectorId": ids.encode("Connector", town.connector.id)}
        answer = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]
        assert answer["quote"] is None
        assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID_INPUT", ["input", field])]


async def test_that_a_car_without_direct_current_is_told_so_at_a_fast_charger(api: Api, town: Town) -> None:
    async with transaction() as db:
        fast = await rows.connector(db, town.evse, 2, power_type="DC", max_power_w=150_000)
    wish = {
        "connectorId": ids.encode("Connector", fast.id),
        "vehicleId": await _bee(api, maxDcPowerKw=None),
        "targetPercent": 80,
    }
    answer = (await api.ask(QUOTE, "ada-token", input=wish))["quoteCharge"]
    assert answer["quote"] is None
    assert answer["errors"] == [
        {
            "code": "VEHICLE_CANNOT_CHARGE_HERE",
            "field": ["input", "vehicleId"],
            "message": "This connector gives direct current, which this car cannot take.",
        }
    ]


async def test_that_a_start_without_a_quote_makes_one_that_the_driver_can_read(api: Api, town: Town) -> None:
    async with transaction() as db:
        connector = await rows.connector(db, await rows.evse(db, town.station, 9))
        await rows.card(db, town.ben)
    document = """mutation ($input: StartChargingInput!) { startCharging(input: $input) {
      session { state quote { energyWh total { amount } worstCase { amount } guaranteed lines { text } evidence } }
      errors { code }
    } }"""
    wish = {"connectorId": ids.encode("Connector", connector.id), "idempotencyKey": "once"}

    session = (await api.ask(document, "ben-token", input=wish))["startCharging"]["session"]

    assert session["state"] == "REQUESTED"
    quote = session["quote"]
    assert (quote["energyWh"], quote["total"], quote["worstCase"]) == (
        20_000,
        {"amount": "10.89"},
        {"amount": "13.61"},
    )
    assert quote["guaranteed"] is True
    assert quote["evidence"].count(".") == 2
    assert len(quote["lines"]) == 1
