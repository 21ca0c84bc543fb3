"""One charge as partners of 2.1.1, 2.2.1 and 2.3.0 would tell it: the engine comes to the same report.

Each version is written by hand here, in the words of its own specification; only what 2.1.1 can say is said.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from emsp.charging.records.record import Record
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.translate_charge import record_of
from emsp.pricing.engine.price import price, price_by_period
from emsp.pricing.engine.report import Report
from tests.pricing.generated import many

OWNER = ("NL", "ABC")
OWNED = {"country_code": "NL", "party_id": "ABC"}
START = datetime(2026, 6, 5, 19, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

Json = dict[str, Any]
clock = st.sampled_from(["00:00", "06:00", "20:15", "22:00", "23:59"])
components = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]),
        "price": st.decimals(0, 3, places=4),
        "step_size": st.sampled_from([0, 1, 300, 500]),
    }
)
restrictions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["start_time", "end_time"]), clock),
        st.tuples(st.sampled_from(["start_date", "end_date"]), st.sampled_from(["2026-06-05", "2026-06-06"])),
        st.tuples(st.sampled_from(["min_kwh", "max_kwh"]), st.integers(1, 30)),
        st.tuples(st.sampled_from(["min_power", "max_power"]), st.sampled_from([Decimal("3.7"), Decimal(11)])),
        st.tuples(st.sampled_from(["min_duration", "max_duration"]), st.integers(1, 15_000)),
        st.tuples(st.just("day_of_week"), st.lists(st.sampled_from(DAYS), min_size=1, max_size=3)),
    ),
    max_size=3,
).map(dict)
elements = st.lists(
    st.builds(
        lambda found, restricted: {"price_components": found} | ({"restrictions": restricted} if restricted else {}),
        st.lists(components, min_size=1, max_size=3),
        restrictions,
    ),
    min_size=1,
    max_size=4,
)
stretches = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from(["TIME", "PARKING_TIME"]), st.integers(0, 20_000)),
    min_size=1,
    max_size=4,
)


def _at(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _periods(told: list[tuple[int, str, int]]) -> list[Json]:
    """Charging periods, which are the same in all three."""
    found, at = [], 0
    for minutes, kind, wh in told:
        dimensions = [{"type": kind, "volume": Decimal(minutes) / 60}]
        if kind == "TIME":
            dimensions += [{"type": "ENERGY", "volume": Decimal(wh) / 1000}, {"type": "MAX_CURRENT", "volume": 32}]
        found.append({"start_date_time": _at(at), "dimensions": dimensions})
        at += minutes
    return found


def _in_2_1_1(tariff: list[Json], told: list[tuple[int, str, int]], kwh: Decimal) -> Json:
    return {
        "id": "C1",
        "start_date_time": _at(0),
        "stop_date_time": _at(sum(minutes for minutes, *_ in told)),
        "auth_id": "NL-DRV-C1",
        "auth_method": "WHITELIST",
        "currency": "EUR",
        "tariffs": [{"id": "T1", "currency": "EUR", "elements": tariff, "last_updated": _at(0)}],
        "charging_periods": _periods(told),
        "total_cost": Decimal("1.00"),
        "total_energy": kwh,
        "last_updated": _at(9_000),
    }


def _in_2_2_1(tariff: list[Json], told: list[tuple[int, str, int]], kwh: Decimal) -> Json:
    return {
        **OWNED,
        "id": "C1",
        "start_date_time": _at(0),
        "end_date_time": _at(sum(minutes for minutes, *_ in told)),
        "cdr_token": {**OWNED, "uid": "NL-DRV-C1", "type": "APP_USER", "contract_id": "NL-DRV-C1"},
        "auth_method": "WHITELIST",
        "currency": "EUR",
        "tariffs": [{**OWNED, "id": "T1", "currency": "EUR", "elements": tariff, "last_updated": _at(0)}],
        "charging_periods": [period | {"tariff_id": "T1"} for period in _periods(told)],
        "total_cost": {"excl_vat": Decimal("1.00")},
        "total_energy": kwh,
        "last_updated": _at(9_000),
    }


def _in_2_3_0(tariff: list[Json], told: list[tuple[int, str, int]], kwh: Decimal) -> Json:
    cdr = _in_2_2_1(tariff, told, kwh)
    tariffs = [each | {"tax_included": "NO"} for each in cdr["tariffs"]]
    return cdr | {"tariffs": tariffs, "total_cost": {"before_taxes": Decimal("1.00")}}


def _record(version: str, cdr: Json) -> Record:
    lifted = bridge.lift("cdrs", version, cdr, OWNER)
    return record_of(msgspec.convert(lifted, messages.Cdr, strict=False))


@many(60)
@given(elements, stretches)
def test_that_a_charge_costs_the_same_in_every_version(tariff: list[Json], told: list[tuple[int, str, int]]) -> None:
    kwh = sum((Decimal(wh) / 1000 for _, kind, wh in told if kind == "TIME"), Decimal(0))
    records = [
        _record("2.1.1", _in_2_1_1(tariff, told, kwh)),
        _record("2.2.1", _in_2_2_1(tariff, told, kwh)),
        _record("2.3.0", _in_2_3_0(tariff, told, kwh)),
    ]

    reports = [price_by_period(r.tariffs, r.periods, time_zone=ZONE) for r in records]

    assert reports[0] == reports[1] == reports[2]
    assert reports[0] == price(records[0].tariffs[0], records[0].periods, time_zone=ZONE)
    assert _without_tax(reports[0])


def _without_tax(report: Report) -> bool:
    """2.1.1 says nothing of VAT: net is known, and gross is unless there is something to be taxed."""
    return report.net is not None and (report.gross is None or report.gross == report.net == 0)
