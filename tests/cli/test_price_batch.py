"""`emsp price --batch`: a line of JSON in, a line of JSON out, whatever comes in."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.pricing import (
    START,
    answers,
    cdr,
    component,
    emsp_price,
    old_cdr,
    period,
    priced,
    refused,
    tariff,
)

KEYS = [
    "id",
    "before_tax",
    "after_tax",
    "energy_before_tax",
    "time_before_tax",
    "parking_before_tax",
    "fixed_before_tax",
    "billed_energy_kwh",
    "billed_time_h",
    "billed_parking_h",
    "error",
]
"""Exactly these, in this order."""


def case(cdr: Any = None, tariff: Any = None, **members: Any) -> dict[str, Any]:
    """A case of 2.2.1 in Brussels."""
    return {
        "id": "c1",
        "version": "2.2.1",
        "time_zone": "Europe/Brussels",
        "tariff": tariff or globals()["tariff"](),
        "cdr": cdr or globals()["cdr"](),
        **members,
    }


def test_every_figure_of_a_session() -> None:
    charge = [
        period(ENERGY=20.45, TIME=1.5),
        period("2026-06-01T11:30:00Z", PARKING_TIME=0.7),
    ]
    components = [
        component("FLAT", 0.50, vat=20),
        component("ENERGY", 0.25, step_size=100),
        component("PARKING_TIME", 5.00, step_size=300),
    ]
    answer = priced(case(cdr(charging_periods=charge, end_date_time="2026-06-01T12:12:00Z"), tariff(*components)))
    assert answer == {
        "id": "c1",
        "before_tax": "9.375",
        "after_tax": "10.3625",
        "energy_before_tax": "5.125",
        "time_before_tax": "0",
        "parking_before_tax": "3.75",
        "fixed_before_tax": "0.5",
        "billed_energy_kwh": "20.5",
        "billed_time_h": "0",
        "billed_parking_h": "0.75",
        "error": None,
    }
    assert list(answer) == KEYS


def test_dimensions_are_before_limits_and_the_whole_is_after_them() -> None:
    capped = priced(case(tariff=tariff(max_price={"excl_vat": 4, "incl_vat": 4.4})))
    assert (capped["energy_before_tax"], capped["before_tax"], capped["after_tax"]) == ("5", "4", "4.4")
    reserved = [
        period("2026-06-01T09:45:00Z", RESERVATION_TIME=0.25),
        period(ENERGY=20, TIME=2),
    ]
    elements = [
        {"price_components": [component("ENERGY", 0.25)]},
        {"price_components": [component("TIME", 4)], "restrictions": {"reservation": "RESERVATION"}},
    ]
    kept = priced(case(cdr(charging_periods=reserved), tariff(elements=elements)))
    assert (kept["energy_before_tax"], kept["time_before_tax"], kept["before_tax"]) == ("5", "0", "6")


def test_what_cannot_be_known_is_null() -> None:
    no_vat = priced(case(tariff=tariff({"type": "ENERGY", "price": 0.25, "step_size": 1})))
    assert (no_vat["before_tax"], no_vat["after_tax"]) == ("5", None)
    included = tariff({"type": "ENERGY", "price": 0.25, "step_size": 1}, tax_included="YES")
    gross = priced(case(tariff=included, version="2.3.0"))
    assert (gross["before_tax"], gross["energy_before_tax"], gross["after_tax"]) == (None, None, "5")
    assert gross["time_before_tax"] == "0"


def test_the_three_versions() -> None:
    of_2_1_1 = tariff({"type": "ENERGY", "price": "0.25", "step_size": 1})
    of_2_3_0 = cdr(total_cost={"before_taxes": 5.00, "taxes": [{"name": "VAT", "amount": 0.5}]})
    told = answers(
        case(old_cdr(), of_2_1_1, version="2.1.1"),
        case(cdr(), version="2.2.1"),
        case(of_2_3_0, tariff(tax_included="NO"), version="2.3.0"),
        case(old_cdr(), of_2_1_1, version=None),
        case(cdr(), version=None),
        case(of_2_3_0, tariff(tax_included="NO"), version=None),
    )
    assert [(answer["before_tax"], answer["after_tax"]) for answer in told] == [
        ("5", None),
        ("5", "5.5"),
        ("5", "5.5"),
    ] * 2


def test_words_of_another_version_are_understood() -> None:
    mixed = cdr(stop_date_time="2026-06-01T12:00:00Z", location={"country": "BEL"}, total_cost=5.0)
    del mixed["end_date_time"]
    evening = tariff(
        elements=[
            {"price_components": [component("ENERGY", 1)], "restrictions": {"start_time": "14:00"}},
            {"price_components": [component("ENERGY", 2)]},
        ],
        max_price=100,
    )
    at_noon = period("2026-06-01T12:00:00Z", ENERGY=20, TIME=2)
    afternoon = {**mixed, "start_date_time": "2026-06-01T12:00:00Z", "stop_date_time": "2026-06-01T14:00:00Z"}
    assert priced(case({**afternoon, "charging_periods": [at_noon]}, evening, time_zone=None))["before_tax"] == "20", (
        "12:00 UTC is 14:00 in Belgium"
    )


def test_the_tariff_is_the_one_given_else_the_one_inside_the_cdr() -> None:
    inside = cdr(tariffs=[tariff(component("ENERGY", 0.5))])
    told = answers(case(inside), {"id": 1, "cdr": inside}, {"id": 2, "cdr": inside, "tariff": None})
    assert [answer["before_tax"] for answer in told] == ["5", "10", "10"]
    assert priced(case(inside, [tariff()]))["before_tax"] == "5", "a list of one"
    assert priced(case(inside, {"data": [tariff()], "status_code": 1000}))["before_tax"] == "5", "a response"


def test_each_period_by_the_tariff_that_it_names() -> None:
    day, night = tariff(id="day"), tariff(component("ENERGY", 0.1), id="NIGHT")
    periods = [
        {**period(ENERGY=10, TIME=1), "tariff_id": "day"},
        {**period("2026-06-01T11:00:00Z", ENERGY=10, TIME=1), "tariff_id": "night"},
    ]
    assert priced(case(cdr(charging_periods=periods, tariffs=[day, night]), tariff=[day, night]))["before_tax"] == "3.5"
    assert priced({"cdr": cdr(charging_periods=periods, tariffs=[night, day])})["before_tax"] == "3.5"
    assert priced(case(cdr(charging_periods=periods), night))["before_tax"] == "2", "one tariff prices all"
    assert "dusk" in refused(case(cdr(charging_periods=[{**periods[0], "tariff_id": "dusk"}]), [day, night]))


def test_of_several_tariffs_the_one_that_was_valid() -> None:
    over = tariff(component("ENERGY", 9), id="over", end_date_time="2026-06-01T00:00:00Z")
    yet = tariff(component("ENERGY", 8), id="yet to come", start_date_time="2026-06-02T00:00:00Z")
    assert priced(case(tariff=[over, yet, tariff()]))["before_tax"] == "5"
    assert priced(case(tariff=over))["before_tax"] == "180", "who gives one tariff means it"


@pytest.mark.parametrize(
    "written",
    [
        {"start_date_time": "2026-06-01 10:00:00"},
        {"start_date_time": "2026-06-01T12:00:00+02:00"},
        {"start_date_time": "2026-6-1T10:00"},
        {"start_date_time": "2026-06-01T10:00:00.000"},
        {"total_energy": "20.0", "total_time": "2"},
        {"total_energy": 2e1},
        {"charging_periods": [period(energy="2E+1", time=2)]},
        {"charging_periods": period(ENERGY=20)},
        {"charging_periods": [period("2026-06-01T11:00:00Z", ENERGY=12), period(ENERGY=8)]},
        {"charging_periods": [{"start_date_time": START}, period(ENERGY=20)]},
        {"charging_periods": [period(Energy=20, STATE_OF_CHARGE=80, POWER=10, ANYTHING=1)]},
        {"charging_periods": None},
        {"charging_periods": []},
        {"total_energy": None},
        {"total_cost": 5},
        {"total_cost": "5.00"},
        {"total_cost": None},
        {"total_cost": ["5.00"]},
        {"total_energy_cost": "free", "total_time": "long", "cdr_token": 5, "id": {"a": 1}},
        {"end_date_time": None},
        {"end_date_time": None, "total_time": None, "last_updated": "2026-06-01T12:00:01Z"},
        {"currency": None},
        {"currency": "eur"},
        {"currency": "CHF"},
        {"start_date_time": None},
        {"tariffs": "nonsense", "cdr_location": "here", "credit": None},
    ],
    ids=str,
)
def test_twenty_kilowatt_hours_however_they_are_written(written: dict[str, Any]) -> None:
    answer = priced(case(cdr(**written)))
    assert (answer["before_tax"], answer["after_tax"], answer["billed_energy_kwh"]) == ("5", "5.5", "20")


@pytest.mark.parametrize(
    "written",
    [
        {"id": None, "last_updated": "yesterday", "tariff_alt_text": 5, "country_code": ["NL"]},
        {"currency": None},
        {"currency": "eur"},
        {"elements": [{"price_components": [{"type": "energy", "price": "2.5E-1", "vat": "10"}]}]},
        {"elements": {"price_components": {"type": "ENERGY", "price": 0.25, "vat": 10, "step_size": "1"}}},
        {"elements": [{"price_components": [component("ENERGY", 0.25)], "restrictions": {"day_of_week": []}}]},
        {"elements": [{"price_components": [component("ENERGY", 0.25)], "restrictions": None}], "max_price": {}},
        {"max_price": None, "min_price": "0.5", "type": "", "start_date_time": ""},
    ],
    ids=str,
)
def test_a_quarter_however_it_is_written(written: dict[str, Any]) -> None:
    assert priced(case(tariff=tariff(**written)))["after_tax"] == "5.5"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (b"{broken", "the line is not a JSON object"),
        (b"\xff\xfe{}", "the line is not a JSON object"),
        (b'{"id": NaN}', "the line is not a JSON object"),
        (b"[1, 2]", "the line is not a JSON object"),
        (b"[" * 100_000, "the line is not a JSON object"),
        (b'{"cdr": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "the line is not a JSON object"),
        ({"id": 1}, "cdr: required"),
        ({"id": 1, "cdr": 5, "tariff": tariff()}, "cdr: Expected"),
        ({"id": 1, "cdr": cdr()}, "tariff: required: there is none inside the CDR either"),
        ({"id": 1, "cdr": cdr(tariffs=[])}, "tariff: required"),
        ({"id": 1, "cdr": cdr(), "tariff": []}, "tariff: required"),
        ({"id": 1, "cdr": cdr(), "tariff": {"data": []}}, "tariff: required"),
        (case(tariff=5), "tariff: is not an object"),
        (case(tariff=[tariff(), None]), "tariff[1]: is not an object"),
        (case(tariff={"id": "T1"}), "tariff: Object missing required field elements"),
        (case(tariff=tariff(elements=[])), "tariff: the tariff has no price components"),
        (case(tariff=tariff(component("MILEAGE", 1))), "tariff: the price component type 'MILEAGE' is not known"),
        (case(tariff=tariff(component("ENERGY", None))), "tariff.elements[0].price_components[0].price:"),
        (case(tariff=tariff(component("ENERGY", "1e400"))), "tariff.elements[0].price_components[0].price:"),
        (case(tariff=tariff(max_price={"incl_vat": 9})), "tariff.max_price"),
        (case(tariff=tariff(currency="EURO")), "tariff.currency: 'EURO' is not a currency code"),
        (case(cdr(currency=None), tariff(currency=None)), "tariff.currency: required"),
        (case(tariff=tariff(tax_included="MAYBE")), "tariff: tax_included 'MAYBE' is not known"),
        (case(time_zone="Mars/Olympus"), "time_zone: there is no time zone 'Mars/Olympus'"),
        (case(time_zone=5), "time_zone: there is no time zone 5"),
        (case(version="1.0"), "version: '1.0' is not one of 2.1.1, 2.2.1, 2.3.0"),
        (case(cdr(start_date_time="soon")), "cdr.start_date_time:"),
        (case(cdr(end_date_time="2026-06-01T09:00:00Z")), "cdr.end_date_time: is before start_date_time"),
        (
            case(old_cdr(stop_date_time="2026-06-01T09:00:00Z"), version="2.1.1"),
            "cdr.stop_date_time: is before start_date_time",
        ),
        (case(cdr(end_date_time="9999-06-01T09:00:00Z")), "cdr.charging_periods: the session lasts"),
        (case(cdr(charging_periods=[period(ENERGY=-1)])), "cdr.charging_periods: period starting"),
        (case(cdr(charging_periods=[period(ENERGY=None)])), "cdr.charging_periods[0].dimensions[0].volume:"),
        (case(cdr(charging_periods=[period(ENERGY="lots")])), "cdr.charging_periods[0].dimensions[0].volume:"),
        (case(cdr(charging_periods=[period("noon", ENERGY=1)])), "cdr.charging_periods[0].start_date_time:"),
        (case(cdr(charging_periods=[period(ENERGY="1e999999999")])), "cdr.charging_periods[0].dimensions[0].volume:"),
        (case(cdr(charging_periods=None, total_energy=None)), "cdr.charging_periods: required"),
        (case(cdr(total_energy=-1)), "cdr.total_energy: -1 kWh is no amount of energy"),
        (case(cdr(start_date_time=None, end_date_time=None, charging_periods=None)), "cdr.start_date_time: required"),
        (case(cdr(remark="a\x00b")), "cdr: texts with NUL characters are not accepted"),
        (case(tariff=tariff(id="a\x00b")), "texts with NUL characters are not accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_price_says_which_field_is_to_blame(wrong: Any, sentence: str) -> None:
    assert refused(wrong).startswith(sentence)


def test_one_bad_line_never_stops_the_others() -> None:
    good = json.dumps(case(id=7)).encode()
    lines = b"\r\n".join([b"\xef\xbb\xbf" + good, b"", b"  ", b"{broken", b'{"id": {"any": "thing"}}', good])
    result = emsp_price("--batch", "-", given=lines)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(answer["id"], answer["before_tax"], answer["error"] is None) for answer in told] == [
        (7, "5", True),
        (None, None, False),
        ({"any": "thing"}, None, False),
        (7, "5", True),
    ]
    assert [list(answer) for answer in told] == [KEYS] * 4
    assert result.exit_code == 0
    assert result.stderr.startswith("2 priced, 2 errors, ")


def test_ids_come_back_as_they_were() -> None:
    ids = ["a", 1, 12345678901234567890123, 1.10, None, True, "ü", ""]
    assert [answer["id"] for answer in answers(*(case(id=each) for each in ids))] == ids


def test_a_figure_has_no_exponent_and_no_needless_zeros() -> None:
    small = priced(case(cdr(charging_periods=[period(ENERGY="0.000001", TIME=2)], total_energy=0), tariff()))
    assert small["billed_energy_kwh"] == "0.001", "a step of one Wh"
    tiny = tariff(component("ENERGY", "0.0000001", step_size=0))
    assert priced(case(tariff=tiny))["before_tax"] == "0.000002"
    large = tariff(component("ENERGY", 50_000_000, step_size=0))
    assert priced(case(tariff=large))["before_tax"] == "1000000000"


def test_policies_hold_for_every_line() -> None:
    no_vat = tariff({"type": "ENERGY", "price": 0.25, "step_size": 15_000})
    [answer] = answers(
        case(tariff=no_vat), options=("--policy", "vat_omitted=NOT_APPLICABLE", "--policy", "step_sizes=ignored")
    )
    assert (answer["before_tax"], answer["after_tax"]) == ("5", "5")


def test_a_file_that_is_not_there() -> None:
    result = emsp_price("--batch", "/nowhere/cases.jsonl")
    assert (result.exit_code, result.stderr) == (1, "/nowhere/cases.jsonl: No such file or directory\n")


def test_as_a_process_each_line_is_answered_before_the_next_one_comes() -> None:
    command = [sys.executable, "-m", "emsp", "price", "--batch", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for number in (1, 2):
            process.stdin.write(json.dumps(case(id=number)).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read().startswith(b"2 priced, 0 errors, ")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = (
    *(("cdr", name) for name in [*cdr(), "id", "tariffs", "last_updated", "cdr_location", "credit", "stop_date_time"]),
    *(("tariff", name) for name in [*tariff(), "type", "min_price", "max_price", "tax_included", "start_date_time"]),
    *((name,) for name in ("id", "version", "time_zone", "tariff", "cdr")),
    ("cdr", "charging_periods", 0),
    ("cdr", "charging_periods", 0, "dimensions"),
    ("cdr", "charging_periods", 0, "dimensions", 0, "volume"),
    ("tariff", "elements", 0),
    ("tariff", "elements", 0, "restrictions"),
    ("tariff", "elements", 0, "price_components"),
    ("tariff", "elements", 0, "price_components", 0, "price"),
    ("tariff", "elements", 0, "price_components", 0, "step_size"),
)
"""Where anything may stand in a case."""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), anything)
def test_any_value_anywhere_gives_a_line_back(place: tuple[Any, ...], value: Any) -> None:
    told = case()
    *way, last = place
    inner: Any = told
    for step in way:
        inner = inner[step]
    inner[last] = value
    before, answer, after = answers(case(id="before"), told, case(id="after"))
    assert list(answer) == KEYS
    assert (answer["error"] is None) == (answer["before_tax"] is not None or answer["after_tax"] is not None)
    assert (before["before_tax"], after["before_tax"]) == ("5", "5")


@settings(max_examples=100, deadline=None)
@given(anything | st.text(max_size=20).map(str.encode))
def test_any_line_gives_a_line_back(value: Any) -> None:
    line = value if isinstance(value, bytes) else json.dumps(value).encode()
    expected = 0 if not line.strip() else 1
    told = answers(line.replace(b"\n", b" ").replace(b"\r", b" "))
    assert [list(answer) for answer in told] == [KEYS] * min(expected, len(told))
