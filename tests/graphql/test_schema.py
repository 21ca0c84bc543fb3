"""The shape of the public schema: what apps rely on."""

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, build_schema

from emsp.graphql.nodes import FINDERS
from emsp.graphql.schema import schema_text

TEXT = schema_text()
SCHEMA: Any = build_schema(TEXT)
OURS = {name: kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")}
GIVEN_BY_GRAPHQL = {"Boolean", "Float", "ID", "Int", "String"}
WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)


def _undescribed() -> list[str]:
    found = [name for name, kind in OURS.items() if name not in GIVEN_BY_GRAPHQL and not kind.description]
    for name, kind in OURS.items():
        if isinstance(kind, GraphQLEnumType):
            found += [f"{name}.{word}" for word, value in kind.values.items() if not value.description]
        if isinstance(kind, WITH_FIELDS):
            for field_name, field in kind.fields.items():
                found += [] if field.description else [f"{name}.{field_name}"]
                arguments = getattr(field, "args", {})
                found += [f"{name}.{field_name}({word})" for word, arg in arguments.items() if not arg.description]
    return found


def test_that_everything_is_described() -> None:
    assert _undescribed() == []


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("Query.brand", "Brand!"),
        ("Query.viewer", "Viewer"),
        ("Query.node", "Node"),
        ("Query.nodes", "[Node]!"),
        ("Query.stations", "StationConnection!"),
        ("Query.stationClusters", "[StationCluster!]!"),
        ("Query.station", "Station"),
        ("Query.searchPlaces", "StationConnection!"),
        ("Query.chargingSession", "ChargingSession"),
        ("StationConnection.totalCount", "Int!"),
        ("Station.operator", "Operator!"),
        ("Station.availability", "Availability!"),
        ("Availability.asOf", "DateTime"),
        ("Evse.statusAsOf", "DateTime!"),
        ("Connector.maxPowerKw", "Float"),
        ("Connector.tariff", "Tariff"),
        ("Money.amount", "Decimal!"),
        ("PriceLine.from", "DateTime"),
        ("PriceQuote.missingReason", "MissingPriceReason"),
        ("ChargingSession.timeline", "[SessionEvent!]!"),
        ("Receipt.verification", "CdrVerification!"),
        ("UserError.code", "String!"),
        ("UserError.field", "[String!]"),
        ("FleetBill.lines", "FleetBillLineConnection!"),
        ("Subscription.stationAvailabilityChanged", "StationAvailabilityEvent!"),
        ("Subscription.chargingSessionChanged", "ChargingSession!"),
    ],
)
def test_that_the_names_and_nullability_apps_rely_on_are_kept(path: str, shape: str) -> None:
    kind, _, name = path.partition(".")
    assert str(OURS[kind].fields[name].type) == shape


def test_that_a_place_is_exactly_one_of_its_kinds() -> None:
    assert OURS["StationPlace"].is_one_of
    assert list(OURS["StationPlace"].fields) == ["box", "near", "along", "ids"]


def test_that_money_never_touches_a_float() -> None:
    floats = {
        f"{name}.{field_name}"
        for name, kind in OURS.items()
        if isinstance(kind, WITH_FIELDS)
        for field_name, field in kind.fields.items()
        if str(field.type).startswith("Float")
    }
    assert {path for path in floats if not path.startswith(("BoxInput", "NearInput", "PointInput", "Coordinates"))} == {
        "AddVehicleInput.maxAcPowerKw",
        "AddVehicleInput.maxDcPowerKw",
        "ChangeVehicleInput.maxAcPowerKw",
        "ChangeVehicleInput.maxDcPowerKw",
        "ChargingSession.stateOfChargePercent",
        "Connector.maxPowerKw",
        "Share.highest",
        "Share.lowest",
        "Share.value",
        "StationCluster.latitude",
        "StationCluster.longitude",
        "StationCluster.maxPowerKw",
        "StationFilter.minPowerKw",
        "Vehicle.maxAcPowerKw",
        "Vehicle.maxDcPowerKw",
    }


def test_that_everything_with_an_id_can_be_asked_for_again() -> None:
    nodes = {kind.name for kind in SCHEMA.get_possible_types(OURS["Node"])}
    assert nodes == set(FINDERS)


def test_that_a_state_says_what_may_follow() -> None:
    states = OURS["ChargingSessionState"].values
    assert states["AWAITING_PLUG"].description.endswith("Next: CHARGING, ENDED, FAILED.")
    assert states["SETTLED"].description.endswith("It is final.")
