"""What is written straight from the columns of an index is what the resolvers say of the same stations, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, get_named_type, is_leaf_type, parse
from graphql.execution.values import VariableValues

from emsp.graphql import station_sheets
from emsp.graphql.execution import fields
from emsp.graphql.execution.collect import Collector
from emsp.graphql.execution.kept import Kept, Rows
from emsp.graphql.execution.plan import Compiler
from emsp.graphql.execution.run import Run
from emsp.graphql.execution.selection import Selection
from emsp.graphql.loaders import Loaders
from emsp.graphql.schema import make_schema
from emsp.graphql.stations import Station, station_of
from emsp.graphql.viewer import Context
from emsp.stations.index.chosen import Records
from emsp.stations.tables import Station as StationRow
from tests.stations import places
from tests.stations.index.segments import index_of_database
from tests.stations.places import connector, evse, put, station

SCHEMA = make_schema(introspection=True)
TYPES: Any = SCHEMA._schema
NOT_WRITTEN = {"openingHours"}
SHEETS = {
    "Station": station_sheets.Stations,
    "Coordinates": station_sheets.Coordinates,
    "Address": station_sheets.Addresses,
    "Operator": station_sheets.Operators,
    "Availability": station_sheets.Availability,
    "Evse": station_sheets.Evses,
    "Connector": station_sheets.Connectors,
}


def _kept(kind: str) -> dict[str, Any]:
    """The fields of a type that depend on nothing but the object's row."""
    return {name: each for name, each in TYPES.get_type(kind).fields.items() if fields.is_kept(each)}


def _all(kind: str) -> str:
    """A selection of everything that a sheet writes, with other names here and there."""
    asked = ["__typename", "again: __typename"]
    for name, declared in _kept(kind).items():
        if name not in NOT_WRITTEN:
            inner = get_named_type(declared.type)
            asked.append(name if is_leaf_type(inner) else f"{name} {_all(inner.name)}")
    return "{ " + " ".join([*asked, "more: id" if "id" in _kept(kind) else "more: __typename"]) + " }"


def _selection(text: str) -> Selection:
    [operation] = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    [node] = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    assert node.selection_set
    compiler = Compiler(SCHEMA, Collector(TYPES, {}, VariableValues({}, {})))
    return compiler.selection(TYPES.get_type("Station"), [node.selection_set])


async def _stations() -> Records:
    """In three segments: ordinary ones, such with words that nobody knows, and such of which little is known."""
    await put(
        await places.partner(),
        station("L1", evse("E1", "CHARGING", 5), evse("E2", "OUTOFORDER", capabilities=["RESERVABLE", "RFID_READER"])),
        station("L2", name='Zum "Löwen" \\ \u2028\t🐎', street="Straße 1", postal_code="1017 GC", country="NLD"),
        station("L3", name=None, operator_name="N", operator_website="www.example.com", facilities=["HOTEL", "WIFI"]),
        station("L4", operator_name=None, facilities=["ODD", "ODDER"], latitude=-0.000001, longitude=5),
        station("L5", evse("E1", "UNKNOWN", evse_id=None, label="7", capabilities=["ODD"], connectors=[])),
        station(
            "L6",
            evse(connectors=[connector(standard="ODD", format="SOCKET", power_type="DC", max_power_w=None)]),
            evse("E2", connectors=[connector("1", max_power_w=22_080), connector("2", max_power_w=150_000)]),
            operator_website="https://example.com",
            operator_phone="+31 20",
        ),
    )
    index = await index_of_database(Random(3))
    ids = list((await places.ids_of(StationRow)).values())
    there = [found for id_ in ids if (found := index.row_of(id_))]
    return Records.at(there)


async def test_that_a_sheet_writes_what_resolvers_say(database: str) -> None:
    records, made = await _stations(), list[int]()

    def objects(numbers: Sequence[int]) -> list[Station]:
        made.extend(numbers)
        return [station_of(row) for row in records.read(numbers)]

    async def told(selection: Selection, sheets: Any) -> list[bytes]:
        rows = Rows(records.ids, records.versions, objects, sheets)
        return await selection.texts(rows, Run(Context("request", {}, Loaders()), VariableValues({}, {})), Kept())

    selection = _selection(f"{{ station {_all('Station')} }}")
    expected = await told(selection, None)
    assert sorted(made) == [0, 1, 2, 3, 4, 5]
    made.clear()
    assert await told(selection, partial(station_sheets.sheets, records)) == expected
    without_operator = [place for place, operator in enumerate(records.column("operator")) if not operator]
    assert made == without_operator == [3]

    made.clear()
    hours = _selection("{ station { id openingHours { twentyFourSeven } } }")
    for _ in range(2):
        assert await told(hours, partial(station_sheets.sheets, records)) == await told(hours, None)
    assert sorted(made) == sorted([0, 1, 2, 3, 4, 5] * 4)


def test_that_all_that_is_kept_of_stations_is_written() -> None:
    """A new field that is kept has a method in its sheet, or stands among those that are not written."""
    for kind, sheet in SHEETS.items():
        for name, declared in _kept(kind).items():
            python_name = declared.extensions["strawberry-definition"].python_name
            assert hasattr(sheet, python_name) is (name not in NOT_WRITTEN), f"{kind}.{name}"
