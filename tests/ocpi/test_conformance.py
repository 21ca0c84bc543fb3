"""Objects against the field tables of each version, and against what they mean."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.ocpi.conformance import tables
from emsp.ocpi.conformance.examine import examine
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding, Noted, grouped
from emsp.ocpi.conformance.lists import duplicates, unknown_tariffs
from tests.ocpi import people

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "ocpi" / "examples"
TIME = "2026-06-01T10:00:00Z"


def found(name: str, value: Any, version: str = "2.2.1") -> list[tuple[str, str, str]]:
    """Severity, path and text of every finding."""
    return [(finding.severity.name, finding.path, finding.text) for finding in examine(version, name, value)]


def severe(name: str, value: Any, version: str = "2.2.1") -> list[tuple[str, str, str]]:
    return [finding for finding in found(name, value, version) if finding[0] != "HINT"]


def token(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "uid": "U1",
        "type": "RFID",
        "contract_id": "NLABCC1",
        "issuer": "ABC",
        "valid": True,
        "whitelist": "ALWAYS",
        "last_updated": TIME,
        **members,
    }


def connector(**members: Any) -> dict[str, Any]:
    return {**people.evse("1")["connectors"][0], **members}


def test_the_tables_know_types_lengths_and_cardinalities() -> None:
    location = tables.fields("2.2.1", "Location")
    assert location["id"] == tables.Field("CiString", 36, required=True, many=False)
    assert location["evses"] == tables.Field("EVSE", None, required=False, many=True)
    assert tables.fields("2.1.1", "Location")["id"] == tables.Field("string", 39, required=True, many=False)
    assert tables.fields("2.3.0", "CDR")["charging_periods"].required
    assert tables.enum("2.2.1", "AuthMethod") == tables.Enum(("AUTH_REQUEST", "COMMAND", "WHITELIST"), open=False)
    assert tables.enum("2.3.0", "ConnectorType").open
    with pytest.raises(KeyError):
        tables.fields("2.1.1", "CdrToken")


@pytest.mark.parametrize("version", tables.VERSIONS)
def test_every_type_in_the_tables_is_a_class_an_enum_or_a_simple_one(version: str) -> None:
    simple = {"string", "CiString", "DateTime", "URL", "number", "int", "boolean"}
    known = simple | tables.classes(version) | tables.enums(version)
    assert {f.type for name in tables.classes(version) for f in tables.fields(version, name).values()} <= known


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Location", people.location()),
        ("Tariff", people.tariff()),
        ("Session", people.session()),
        ("Token", token()),
    ],
)
def test_objects_that_are_right_have_no_findings(name: str, value: dict[str, Any]) -> None:
    assert found(name, value) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"uid": None}, ("ERROR", "uid", "is required in Token")),
        ({"uid": "U" * 37}, ("ERROR", "uid", "is longer than 36 characters")),
        ({"uid": "Ü1"}, ("ERROR", "uid", "has characters other than printable ASCII")),
        ({"uid": "U/1"}, ("WARNING", "uid", "has characters that break the URLs that are made of it")),
        ({"issuer": " "}, ("WARNING", "issuer", "is blank; leave out what is not known")),
        ({"issuer": "A\nB"}, ("WARNING", "issuer", "has control characters, such as line breaks")),
        ({"valid": "true"}, ("ERROR", "valid", "should be a boolean, is a JSON string")),
        ({"uid": 7}, ("ERROR", "uid", "should be a string, is a JSON number")),
        ({"type": "CARD"}, ("ERROR", "type", "'CARD' is not a value of TokenType in 2.2.1")),
        ({"type": "rfid"}, ("ERROR", "type", "'rfid' is not a value of TokenType in 2.2.1; 'RFID' is")),
        ({"language": "nld"}, ("ERROR", "language", "is longer than 2 characters")),
        ({"colour": 1}, ("HINT", "colour", "is not a field of Token in 2.2.1; it is ignored")),
        ({"energy_contract": []}, ("ERROR", "energy_contract", "should be an object (EnergyContract), is a JSON list")),
        ({"energy_contract": {}}, ("ERROR", "energy_contract.supplier_name", "is required in EnergyContract")),
    ],
)
def test_what_the_field_table_does_not_allow_is_found(change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert expected in found("Token", token(**change))


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("2026-06-01T10:00:00.123Z", "2.2.1", []),
        ("2026-06-01T10:00:00", "2.2.1", [("HINT", "has no Z; it is read as UTC")]),
        ("2026-06-01T10:00:00.123Z", "2.1.1", [("WARNING", "has fractions of a second, which 2.1.1 does not know")]),
        ("2026-06-01T12:00:00+02:00", "2.2.1", [("ERROR", "has an offset; times are UTC, with Z at the end")]),
        ("2026-06-01T10:00:00.123456Z", "2.2.1", [("ERROR", "is longer than 25 characters")]),
        ("2026-02-30T10:00:00Z", "2.2.1", [("ERROR", "is not a DateTime")]),
        ("2026-06-01 10:00:00Z", "2.2.1", [("ERROR", "is not a DateTime as YYYY-MM-DDTHH:MM:SSZ")]),
        ("1970-1-1T00:00:00Z", "2.2.1", [("HINT", "1970-1-1T00:00:00Z stands for an unknown time")]),
    ],
)
def test_times(text: str, version: str, expected: list[tuple[str, str]]) -> None:
    period = {"period_begin": text, "period_end": TIME}
    assert [finding[::2] for finding in found("ExceptionalPeriod", period, version)] == expected


@pytest.mark.parametrize(
    ("latitude", "version", "expected"),
    [
        ("52.09000", "2.2.1", []),
        ("-52.0900001", "2.2.1", []),
        ("52.09000", "2.1.1", ["is not a latitude in degrees with 6 decimals"]),
        ("52,090000", "2.2.1", ["is not a latitude in degrees with 5 to 7 decimals"]),
        ("91.000000", "2.2.1", ["is not a latitude between -90 and 90"]),
        (52.09, "2.2.1", ["should be a string, is a JSON number"]),
    ],
)
def test_coordinates(latitude: Any, version: str, expected: list[str]) -> None:
    place = {"latitude": latitude, "longitude": "5.120000"}
    assert [text for _, _, text in found("GeoLocation", place, version)] == expected


def test_values_of_open_enums_are_hints_and_of_closed_ones_errors() -> None:
    assert found("Connector", connector(standard="HYPERPLUG"), "2.3.0") == [
        ("HINT", "standard", "'HYPERPLUG' is not a value of ConnectorType in 2.3.0")
    ]
    assert found("Connector", connector(standard="HYPERPLUG"), "2.2.1")[0][0] == "ERROR"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(230, []), (Decimal("230.0"), ["WARNING"]), (Decimal("230.5"), ["ERROR"]), ("230", ["ERROR"]), (True, ["ERROR"])],
)
def test_whole_numbers(number: Any, expected: list[str]) -> None:
    assert [severity for severity, _, _ in found("Connector", connector(max_voltage=number))] == expected


def test_null_and_absent_are_the_same_and_an_empty_list_is_not_at_least_one() -> None:
    assert found("Location", people.location(name=None, images=None, related_locations=[])) == []
    assert found("Tariff", people.tariff(elements=[])) == [
        ("ERROR", "elements", "is empty; at least one is required"),
    ]
    assert found("Tariff", people.tariff(elements={})) == [("ERROR", "elements", "should be a list, is a JSON object")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"coordinates": {"latitude": "5.120000", "longitude": "52.090000"}},
            (
                "WARNING",
                "coordinates",
                "are not in the country of the location; with latitude and longitude exchanged they are",
            ),
        ),
        ({"time_zone": "Utrecht"}, ("ERROR", "time_zone", "is not a time zone of the IANA database")),
        ({"country": "NL"}, ("ERROR", "country", "is not a country code of three capitals (ISO 3166-1 alpha-3)")),
        (
            {"publish": False},
            ("HINT", "publish", "is false and publish_allowed_to names nobody: no driver will ever see this location"),
        ),
        ({"evses": []}, ("HINT", "evses", "holds no EVSE in use: the location is shown to nobody")),
        ({"evses": [people.evse("A"), people.evse("a")]}, ("ERROR", "evses", "has the uid 'A' more than once")),
        (
            {"evses": [people.evse("1", last_updated="2026-06-02T00:00:00Z")]},
            ("WARNING", "last_updated", "is before that of one of the evses"),
        ),
        (
            {"evses": [people.evse("1", evse_id=None)]},
            ("WARNING", "evses[0].evse_id", "is missing: drivers cannot tell which one it is"),
        ),
        (
            {"evses": [people.evse("1", capabilities=[])]},
            (
                "HINT",
                "evses[0].capabilities",
                "lack REMOTE_START_STOP_CAPABLE: it may not be offered for a start from an app",
            ),
        ),
        (
            {"evses": [people.evse("1", connectors=[connector(max_amperage=0)])]},
            ("WARNING", "evses[0].connectors[0]", "max_voltage and max_amperage say nothing: no power can be shown"),
        ),
        (
            {"evses": [people.evse("1", connectors=[connector(max_electric_power=22)])]},
            ("WARNING", "evses[0].connectors[0].max_electric_power", "is in W; this looks like kW"),
        ),
        (
            {"evses": [people.evse("1", connectors=[connector(max_voltage=400)])]},
            (
                "WARNING",
                "evses[0].connectors[0].max_voltage",
                "is between line and neutral; this looks like line to line",
            ),
        ),
        (
            {"evses": [people.evse("1", connectors=[connector(tariff_ids=None)])]},
            (
                "HINT",
                "evses[0].connectors[0].tariff_ids",
                "names no tariff: no price can be shown before the start",
            ),
        ),
        (
            {"opening_times": {"twentyfourseven": False}},
            ("ERROR", "opening_times", "has neither twentyfourseven nor regular_hours"),
        ),
        (
            {
                "opening_times": {
                    "twentyfourseven": True,
                    "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
                }
            },
            ("WARNING", "opening_times", "has regular_hours although twentyfourseven is true"),
        ),
    ],
)
def test_what_a_location_means(change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found("Location", people.location(**change)) == [expected]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "Session",
            people.session(kwh=Decimal("0.0015")),
            ("ERROR", "charging_periods", "give ENERGY in Wh; it is in kWh, as kwh is"),
        ),
        (
            "Session",
            people.session(status="COMPLETED"),
            ("WARNING", "end_date_time", "is missing although the session is COMPLETED"),
        ),
        (
            "Session",
            people.session(end_date_time="2026-06-01T09:00:00Z"),
            ("ERROR", "end_date_time", "is before start_date_time"),
        ),
        ("CDR", people.cdr(total_time=60), ("WARNING", "total_time", "is in hours; this is more than the CDR lasted")),
        (
            "CDR",
            people.cdr(total_cost={"excl_vat": -3}),
            ("ERROR", "total_cost", "is negative, and the CDR is no credit"),
        ),
        ("CDR", people.cdr(credit=True), ("ERROR", "credit_reference_id", "is required in a credit CDR")),
        ("CDR", people.cdr(last_updated=TIME), ("WARNING", "last_updated", "is before end_date_time")),
        (
            "Tariff",
            people.tariff(elements=[{"price_components": []}]),
            ("ERROR", "elements", "has one without price components: it prices nothing"),
        ),
        (
            "PriceComponent",
            {"type": "ENERGY", "price": Decimal("0.2"), "step_size": 1},
            ("HINT", "vat", "is left out, which means that no VAT applies; state it, also as 0"),
        ),
    ],
)
def test_what_tariffs_sessions_and_cdrs_mean(name: str, value: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert expected in found(name, value)


def test_an_object_of_an_older_version_is_examined_by_its_own_table() -> None:
    older = {**connector(), "voltage": 230, "amperage": 16, "tariff_id": "T1"}
    for name in ("max_voltage", "max_amperage", "tariff_ids"):
        del older[name]
    assert found("Connector", older, "2.1.1") == []
    assert ("ERROR", "max_voltage", "is required in Connector") in found("Connector", older, "2.2.1")


def test_ids_are_compared_without_regard_to_case_and_per_party() -> None:
    tariffs = [people.tariff(), people.tariff(id="t1"), people.tariff(party_id="XYZ")]
    text = "is listed more than once; upper and lower case do not make ids differ"
    assert list(duplicates(tariffs)) == [("t1", Finding("id", ERROR, text, "duplicate"))]


def test_tariffs_that_nobody_has_are_found_at_the_location() -> None:
    assert [where for where, _ in unknown_tariffs([people.location()], [people.tariff(id="T2")])] == ["LOC1"]
    assert list(unknown_tariffs([people.location()], [people.tariff(id="t1")])) == []


def test_equal_findings_are_one_with_three_examples_the_worst_first() -> None:
    hint, error = Finding("evses[3].uid", HINT, "odd", "r"), Finding("id", ERROR, "wrong", "s")
    noted = [Noted("locations", f"L{n}", hint._replace(path=f"evses[{n}].uid")) for n in range(5)]
    first, second = grouped([*noted, Noted("locations", "L9", error)])
    assert (first.text, first.times, first.examples) == ("wrong", 1, ("L9",))
    assert (second.path, second.times, second.examples) == ("evses[].uid", 5, ("L0", "L1", "L2"))
    assert HINT < WARNING < ERROR


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(st.sampled_from(tables.VERSIONS), st.data())
def test_whatever_it_is_the_answer_is_findings(version: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(tables.classes(version))))
    fields = st.sampled_from(sorted(tables.fields(version, name)))
    value = data.draw(JSON | st.dictionaries(fields, JSON))
    assert all(isinstance(finding, Finding) for finding in examine(version, name, value))


def _specified() -> list[dict[str, str]]:
    if not (EXAMPLES / "INDEX.tsv").exists():
        return []
    with (EXAMPLES / "INDEX.tsv").open() as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    return [
        row
        for row in rows
        if row["version"] in tables.VERSIONS
        and row["parses y/n"] == "y"
        and row["object type"] in tables.classes(row["version"])
    ]


ALSO_FOUND = {"country", "charging_periods"}
"""What its index calls remarks: countries of two letters, energy in Wh."""


@pytest.mark.skipif(not _specified(), reason="the examples of the specification are not here")
@pytest.mark.parametrize("row", _specified(), ids=lambda row: f"{row['version']}-{row['file']}")
def test_the_examples_of_the_specification_are_wrong_where_its_tables_say_so(row: dict[str, str]) -> None:
    body = (EXAMPLES / row["version"] / row["file"]).read_text()
    noted = [part for part in row["note"].split(" | ") if part.startswith("INCONSISTENT: ")]
    stated = {item.partition(": ")[0] for part in noted for item in part.removeprefix("INCONSISTENT: ").split("; ")}
    findings = examine(row["version"], row["object type"], json.loads(body, parse_float=Decimal))
    errors = {f.path for f in findings if f.severity == ERROR and f.path.rpartition(".")[2] not in ALSO_FOUND}
    assert errors | {f.path for f in findings if f.rule == "unknown-field" and f.path in stated} == stated
