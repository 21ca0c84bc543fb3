"""`emsp price`: one charge from files, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.pricing import cdr, component, emsp_price, old_cdr, period, tariff

BY_DAY = {"start_time": "08:00", "end_time": "20:00"}
TARIFF = tariff(
    id="18",
    country_code="BE",
    elements=[
        {"price_components": [component("FLAT", 0.50, vat=20), component("ENERGY", 0.25)]},
        {"price_components": [component("PARKING_TIME", 2.00, vat=20, step_size=900)], "restrictions": BY_DAY},
    ],
)
CDR = cdr(
    id="C-2031",
    country_code="BE",
    cdr_location={"country": "BEL"},
    start_date_time="2026-03-10T16:20:00Z",
    end_date_time="2026-03-10T19:20:00Z",
    charging_periods=[
        period("2026-03-10T16:20:00Z", ENERGY=20, TIME=2),
        period("2026-03-10T18:20:00Z", PARKING_TIME=1),
    ],
    total_time=3,
    total_cost={"excl_vat": 7.50, "incl_vat": 8.50},
    total_energy_cost={"excl_vat": 5.00, "incl_vat": 5.50},
    total_parking_cost={"excl_vat": 2.00, "incl_vat": 2.40},
    total_fixed_cost={"excl_vat": 0.50},
)
"""Parking is free from eight in the evening, in Belgium; the operator asks for it in UTC."""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a document; gives its path."""

    def written(document: Any, name: str = "document.json") -> str:
        path = tmp_path / name
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return str(path)

    return written


def shown(*arguments: str, **options: Any) -> dict[str, Any]:
    """The report as JSON."""
    result = emsp_price(*arguments, "--json", **options)
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_a_report_for_people(file: Any) -> None:
    result = emsp_price("--tariff", file(TARIFF, "t.json"), "--cdr", file(CDR, "c.json"))
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "CDR C-2031, 2026-03-10 17:20 to 2026-03-10 20:20 Europe/Brussels, amounts in EUR",
        "Tariff 18: €0.60 per session, plus €0.275 per kWh. "
        "€0.04 per minute while parked after charging; 08:00–20:00. Prices include VAT.",
        "",
        "line                                                            element  before tax   tax  after tax",
        "Start fee                                                             1        0.50  0.10       0.60",
        "20 kWh at €0.275 per kWh (Mar 10, 2026 17:20–19:20)                   1        5.00  0.50       5.50",
        "45 min parked at €0.04 per minute (Mar 10, 2026 19:20–20:00;          2        1.50  0.30       1.80",
        "08:00–20:00; 40 min used, billed in steps of 15 min)",
        "total                                                                          7.00  0.90       7.90",
        "",
        "in all    measured     billed  before tax  after tax  asked before  asked after",
        "energy      20 kWh     20 kWh        5.00       5.50          5.00         5.50",
        "time           2 h        0 h        0.00       0.00",
        "parking        1 h     0.75 h        1.50       1.80          2.00         2.40",
        "fixed    1 session  1 session        0.50       0.60          0.50            ?",
        "total                                7.00       7.90          7.50         8.50",
        "",
        "The CDR asks 7.50 EUR before tax where the tariff gives 7.00 EUR: 0.50 EUR too much.",
        "The CDR asks 8.50 EUR after tax where the tariff gives 7.90 EUR: 0.60 EUR too much.",
    ]
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_report_for_programs(file: Any) -> None:
    report = shown("--tariff", file(TARIFF, "t.json"), "--cdr", file(CDR, "c.json"))
    lines, dimensions, difference = (report.pop(name) for name in ("lines", "dimensions", "difference"))
    assert report == {
        "cdr_id": "C-2031",
        "currency": "EUR",
        "before_tax": "7",
        "after_tax": "7.9",
        "energy_before_tax": "5",
        "time_before_tax": "0",
        "parking_before_tax": "1.5",
        "fixed_before_tax": "0.5",
        "billed_energy_kwh": "20",
        "billed_time_h": "0",
        "billed_parking_h": "0.75",
        "tax": "0.9",
        "estimated": False,
        "assumptions": [],
        "remarks": [],
        "tariff_ids": ["18"],
        "time_zone": "Europe/Brussels",
        "error": None,
    }
    assert dimensions["parking"] == {
        "unit": "h",
        "measured": "1",
        "billed": "0.75",
        "before_tax": "1.5",
        "tax": "0.3",
        "after_tax": "1.8",
    }
    assert list(dimensions) == ["energy", "time", "parking", "fixed", "reservation"]
    assert lines[2] == {
        "kind": "PARKING_TIME",
        "dimension": "parking",
        "tariff_id": None,
        "element_index": 1,
        "applied_because": {"start_time": "08:00:00", "end_time": "20:00:00"},
        "start": "2026-03-10T18:20:00Z",
        "end": "2026-03-10T19:00:00Z",
        "unit": "h",
        "measured": "0.666666666667",
        "billed": "0.75",
        "step_size": 900,
        "unit_price": "2",
        "vat_percent": "20",
        "before_tax": "1.5",
        "tax": "0.3",
        "after_tax": "1.8",
        "text": "45 min parked at €0.04 per minute (Mar 10, 2026 19:20–20:00; 08:00–20:00; 40 min used, "
        "billed in steps of 15 min)",
    }
    parts = difference.pop("dimensions")
    assert difference == {
        "asked_before_tax": "7.5",
        "asked_after_tax": "8.5",
        "before_tax": "0.5",
        "after_tax": "0.6",
    }
    assert (parts["parking"]["before_tax"], parts["parking"]["after_tax"]) == ("0.5", "0.6")
    assert parts["fixed"] == {
        "asked_before_tax": "0.5",
        "asked_after_tax": None,
        "before_tax": "0",
        "after_tax": None,
    }
    assert set(parts["reservation"].values()) == {None}


def test_a_plan_is_quoted(file: Any) -> None:
    plan = ("--energy-wh", "20000", "--power-w", "11000", "--start", "2026-11-22T14:00:00Z", "--stay-min", "180")
    quoted = shown("--tariff", file(TARIFF), *plan)
    assert (quoted["before_tax"], quoted["after_tax"], quoted["time_zone"]) == ("8", "9.1", "Europe/Brussels")
    assert (quoted["dimensions"]["time"]["measured"], quoted["billed_parking_h"]) == ("1.818333333333", "1.25")
    assert (quoted["difference"], quoted["cdr_id"]) == (None, None)
    said = emsp_price("--tariff", file(TARIFF), *plan).stdout
    assert said.startswith("A plan, times in Europe/Brussels, amounts in EUR\n")
    assert "asked" not in said


def test_a_plan_may_begin_with_a_reservation(file: Any) -> None:
    kept = {"price_components": [component("TIME", 4)], "restrictions": {"reservation": "RESERVATION"}}
    path = file(tariff(elements=[{"price_components": [component("ENERGY", 0.25)]}, kept]))
    quoted = shown("--tariff", path, "--energy-wh", "1000", "--start", "2026-11-22 18:00", "--reserved-min", "15")
    assert quoted["dimensions"]["reservation"]["before_tax"] == "1"
    assert quoted["before_tax"] == "1.25"


def test_the_tariff_inside_the_cdr_and_standard_input() -> None:
    report = shown("--cdr", "-", given=json.dumps(cdr(tariffs=[tariff()])))
    assert (report["before_tax"], report["difference"]["before_tax"]) == ("5", "0")


def test_a_response_with_many_cdrs(file: Any) -> None:
    wrong = cdr(id="wrong", charging_periods=[period(ENERGY=-1)])
    path = file({"data": [CDR, wrong, old_cdr(id="old")], "status_code": 1000, "timestamp": "2026-06-02T00:00:00Z"})
    result = emsp_price("--tariff", file([TARIFF], "t.json"), "--cdr", path, "--json")
    told = json.loads(result.stdout)
    assert [(each["cdr_id"], each.get("before_tax"), each["error"]) for each in told] == [
        ("C-2031", "7", None),
        ("wrong", None, told[1]["error"]),
        ("old", "5.5", None),
    ]
    assert told[1]["error"].startswith("cdr.charging_periods: period starting")
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("members", "remark"),
    [
        ({"total_energy": 21}, "The charging periods hold 20 kWh, total_energy is 21 kWh: the periods were priced."),
        ({"total_energy": 9}, "The charging periods hold 20 kWh, total_energy is 9 kWh: the total was priced."),
        (
            {"charging_periods": [period(TIME=2)]},
            "The charging periods hold no energy: total_energy, 20 kWh, was shared out by the time of charging.",
        ),
        ({"charging_periods": []}, "The CDR has no charging periods: its totals were taken as one."),
        ({"currency": "CHF"}, "The CDR is in CHF and the tariff in EUR: they are not compared."),
        (
            {"credit": True, "total_cost": {"excl_vat": -5, "incl_vat": -5.5}},
            "The CDR is a credit: what it takes back was compared with what the charge costs.",
        ),
        ({"total_energy": 20_000}, "total_energy: 20000 was taken to be in Wh"),
    ],
)
def test_what_is_odd_about_a_cdr_is_said(file: Any, members: dict[str, Any], remark: str) -> None:
    report = shown("--tariff", file(tariff(), "t.json"), "--cdr", file(cdr(**members), "c.json"))
    assert report["remarks"] == [remark]
    assert report["difference"] is None or report["difference"]["before_tax"] in ("0", "2.75")


def test_what_is_odd_about_a_tariff_is_said(file: Any) -> None:
    evening = {"price_components": [component("TIME", 1)], "restrictions": {"start_time": "18:00"}}
    over = tariff(elements=[evening], end_date_time="2026-01-01T00:00:00Z")
    report = shown("--tariff", file(over, "t.json"), "--cdr", file(cdr(total_time=5), "c.json"))
    assert report["remarks"] == [
        "The time zone of the place is not known: the times of the tariff were taken to be UTC.",
        "By its dates, the tariff was not valid when the session started.",
        "The charging periods hold 2 h, total_time is 5 h: the periods were priced.",
    ]


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ({"cdr_location": {"country": "NLD"}}, "Europe/Amsterdam"),
        ({"cdr_location": {"country": "EST"}}, "Europe/Tallinn"),
        ({"cdr_location": {"country": "ESP", "time_zone": "Atlantic/Canary"}}, "Atlantic/Canary"),
        ({"cdr_location": {"country": "ESP", "time_zone": "Canary Islands"}}, "UTC"),
        ({"cdr_location": {"country": "ESP"}, "country_code": "PT"}, "UTC"),
        ({"country_code": "DK"}, "Europe/Copenhagen"),
        ({}, "UTC"),
    ],
)
def test_the_time_zone_of_a_place(file: Any, place: dict[str, Any], zone: str) -> None:
    path = file(tariff(), "t.json")
    assert shown("--tariff", path, "--cdr", file(cdr(**place)))["time_zone"] == zone
    assert (
        shown("--tariff", path, "--cdr", file(cdr(**place)), "--time-zone", "Asia/Tokyo")["time_zone"] == "Asia/Tokyo"
    )


def test_the_location_of_2_1_1_has_a_time_zone(file: Any) -> None:
    there = old_cdr(location={"country": "PRT", "time_zone": "Atlantic/Azores"})
    assert shown("--tariff", file(tariff(), "t.json"), "--cdr", file(there))["time_zone"] == "Atlantic/Azores"


@pytest.mark.parametrize(
    ("cost", "verdict"),
    [
        ({"excl_vat": 5.004, "incl_vat": 5.496}, "The CDR agrees with the tariff."),
        ({"excl_vat": 4.5}, "The CDR asks 4.50 EUR before tax where the tariff gives 5.00 EUR: 0.50 EUR too little."),
        (
            {"excl_vat": 5, "incl_vat": 6},
            "The CDR asks 6.00 EUR after tax where the tariff gives 5.50 EUR: 0.50 EUR too much.",
        ),
        (None, "The CDR does not say what it asks in all."),
    ],
)
def test_the_verdict(file: Any, cost: Any, verdict: str) -> None:
    result = emsp_price("--tariff", file(tariff(), "t.json"), "--cdr", file(cdr(total_cost=cost)))
    assert result.stdout.splitlines()[-1] == verdict


def test_sentences_in_another_language(file: Any) -> None:
    said = emsp_price("--tariff", file(tariff(), "t.json"), "--cdr", file(cdr()), "--language", "nl").stdout
    assert "20 kWh" in said
    assert "€\N{NO-BREAK SPACE}0,275 per kWh" in said


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"{broken", "document.json: the body is not JSON"),
        (b"[]", "there is no CDR in "),
        (b"\xff\xfe", "document.json: the body is not JSON"),
        (None, "document.json: No such file or directory"),
    ],
)
def test_documents_that_cannot_be_read(file: Any, document: bytes | None, error: str) -> None:
    path = file(document or b"")
    if document is None:
        Path(path).unlink()
    result = emsp_price("--tariff", file(tariff(), "t.json"), "--cdr", path)
    assert error in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "exactly one of --cdr, --energy-wh and --batch is needed"),
        (("--cdr", "a", "--batch", "b"), "exactly one of --cdr, --energy-wh and --batch is needed"),
        (("--energy-wh", "1000"), "a plan needs a --tariff"),
        (("--tariff", "-", "--cdr", "-"), "standard input holds one of --tariff and --cdr only"),
        (("--energy-wh", "much"), "'much' is not a number"),
        (("--energy-wh", "1e99"), "'1e99' is no amount"),
        (("--energy-wh", "1", "--start", "soon"), "'soon' is not a time such as 2026-11-22T18:00:00Z"),
        (("--cdr", "a", "--policy", "flats=SOME"), "Invalid enum value 'SOME'"),
        (("--cdr", "a", "--policy", "rounding=UP"), "unknown field `rounding`"),
    ],
)
def test_what_is_asked_wrongly(arguments: tuple[str, ...], error: str) -> None:
    result = emsp_price(*arguments, columns=200)
    assert error in result.stderr
    assert result.exit_code == 2


def test_as_a_process_without_a_database_or_settings(file: Any) -> None:
    command = [
        sys.executable,
        "-m",
        "emsp",
        "price",
        "--tariff",
        file(tariff(), "t.json"),
        "--cdr",
        file(cdr()),
        "--json",
    ]
    told = subprocess.run(command, capture_output=True, timeout=60, check=True, env={"EMSP_DATABASE_URL": "nowhere"})
    assert json.loads(told.stdout)["after_tax"] == "5.5"


def test_a_batch_starts_without_the_web_the_database_or_the_words_for_people() -> None:
    """What takes long to import, or opens something, is not needed to price."""
    heavy = ("sqlalchemy", "sqlmodel", "starlette", "strawberry", "httpx", "psycopg", "babel.dates")
    script = f"import sys, emsp.cli.price; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == "[]"
