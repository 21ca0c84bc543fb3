"""Tariffs and sessions as OCPI documents, made up: everything a tariff can say, with turns on whole minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.pricing.second.sessions import Stretch, parked, reserved, session
from tests.pricing.second.walk import DAYS, Document

time_zones = st.sampled_from(["Europe/Amsterdam", "Europe/London", "America/St_Johns", "Asia/Kolkata"])

EVENINGS = [
    datetime(2026, 3, 28, 16, tzinfo=UTC),
    datetime(2026, 6, 5, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 18, tzinfo=UTC),
]
_lengths = st.sampled_from([3, 12, 30, 33, 90, 216, 480])
_charging = st.builds(Stretch, _lengths, st.sampled_from(["3.6", "7.2", "11", "22", "48"]))
_starts = st.builds(
    lambda evening, minutes: evening + timedelta(minutes=minutes), st.sampled_from(EVENINGS), st.integers(0, 600)
)
sessions = st.builds(
    lambda start, before, stretches: session(start, *before, *stretches),
    _starts,
    st.lists(st.builds(reserved, _lengths), max_size=1),
    st.lists(_charging | st.builds(parked, _lengths), max_size=4),
).filter(lambda cdr: cdr["charging_periods"])

_clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 30, 59]))
_dates = st.sampled_from(["2026-03-28", "2026-03-29", "2026-06-05", "2026-06-06", "2026-10-24", "2026-10-25"])
_kwh = st.sampled_from(["0", "1", "7", "10.5", "30"]).map(Decimal)
_powers_kw = st.sampled_from(["3.6", "7", "11", "12", "48"]).map(Decimal)
_currents_a = st.sampled_from([0, 16, 32, 48])
_durations_s = st.integers(0, 20).map(lambda quarters: quarters * 900)
RESTRICTIONS: dict[str, st.SearchStrategy[object]] = {
    "start_time": _clocks,
    "end_time": _clocks,
    "start_date": _dates,
    "end_date": _dates,
    "day_of_week": st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True),
    "min_kwh": _kwh,
    "max_kwh": _kwh,
    "min_power": _powers_kw,
    "max_power": _powers_kw,
    "min_current": _currents_a,
    "max_current": _currents_a,
    "min_duration": _durations_s,
    "max_duration": _durations_s,
    "reservation": st.sampled_from(["RESERVATION", "RESERVATION_EXPIRES"]),
}
_restrictions = st.lists(st.sampled_from(list(RESTRICTIONS)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: RESTRICTIONS[name] for name in names})
)
_components = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]),
        "price": st.sampled_from(["0", "0.05", "0.4321", "1", "2.5"]).map(Decimal),
        "step_size": st.sampled_from([0, 1, 60, 500, 600, 900, 3600]),
    },
    optional={"vat": st.sampled_from([0, 9, 21])},
)
_elements = st.fixed_dictionaries(
    {"price_components": st.lists(_components, min_size=1, max_size=4), "restrictions": _restrictions}
)


def _limits(net: str, gross: str) -> st.SearchStrategy[Document]:
    amounts = st.sampled_from([1, 4, 12, 15])
    return st.fixed_dictionaries({net: amounts}, optional={gross: amounts})


def _tariffs(net: str, gross: str, tax_included: list[str]) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries(
        {"elements": st.lists(_elements, min_size=1, max_size=5), "tax_included": st.sampled_from(tax_included)},
        optional={"min_price": _limits(net, gross), "max_price": _limits(net, gross)},
    )


tariffs_2_2_1 = _tariffs("excl_vat", "incl_vat", ["NO"])
tariffs_2_3_0 = _tariffs("before_taxes", "after_taxes", ["YES", "NO", "N/A"])
