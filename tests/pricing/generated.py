"""Made-up tariffs, sessions and agreements for the properties of the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.pricing.engine.policies import Durations, Flats, NightWindows, Policies, StepSizes, VatOmitted
from emsp.pricing.engine.price import Period
from emsp.pricing.engine.tariff import (
    Component,
    Day,
    Dimension,
    Element,
    PriceLimit,
    ReservationUse,
    Restrictions,
    Tariff,
    TaxIncluded,
)

ZONE = "Europe/Amsterdam"
EVENING = datetime(2026, 6, 5, 19, tzinfo=UTC)
"""A Friday: sessions from here go over midnight into a weekend."""
TENTHS = 10


def many(examples: int) -> settings:
    """The same examples each time, and not too many."""
    return settings(
        max_examples=examples, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


prices = st.decimals(0, 3, places=4)
vats = st.sampled_from([None, Decimal(0), Decimal("5.2"), Decimal(21)])
components = st.builds(
    Component,
    dimension=st.sampled_from(Dimension),
    price=prices,
    vat_percent=vats,
    step_size=st.sampled_from([0, 1, 60, 300, 500]),
)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 59]))
dates = st.sampled_from([date(2026, 6, 5), date(2026, 6, 6)])
wh = st.integers(0, 40_000).map(Decimal)
currents = st.sampled_from([Decimal(16), Decimal(32)])
powers = st.sampled_from([Decimal(3_700), Decimal(11_000)])
seconds = st.integers(0, 20_000)
one_restriction = st.one_of(
    *(st.tuples(st.just(name), times) for name in ("start_time", "end_time")),
    *(st.tuples(st.just(name), dates) for name in ("start_date", "end_date")),
    *(st.tuples(st.just(name), wh) for name in ("min_energy_wh", "max_energy_wh")),
    *(st.tuples(st.just(name), currents) for name in ("min_current_a", "max_current_a")),
    *(st.tuples(st.just(name), powers) for name in ("min_power_w", "max_power_w")),
    *(st.tuples(st.just(name), seconds) for name in ("min_duration_s", "max_duration_s")),
    st.tuples(st.just("days_of_week"), st.lists(st.sampled_from(Day), min_size=1, max_size=3).map(tuple)),
    st.tuples(st.just("reservation"), st.sampled_from(ReservationUse)),
)
restrictions = st.lists(one_restriction, min_size=1, max_size=4).map(lambda found: Restrictions(**dict(found)))
elements = st.builds(
    Element,
    components=st.lists(components, min_size=1, max_size=3).map(tuple),
    restrictions=st.none() | restrictions,
)
limits = st.none() | st.builds(PriceLimit, net=st.none() | prices, gross=st.none() | prices)
tariffs = st.builds(
    Tariff,
    currency=st.just("EUR"),
    elements=st.lists(elements, min_size=1, max_size=4).map(tuple),
    tax_included=st.sampled_from(TaxIncluded),
    min_price=limits,
    max_price=limits,
)
policies = st.builds(
    Policies,
    vat_omitted=st.sampled_from(VatOmitted),
    step_sizes=st.sampled_from(StepSizes),
    flats=st.sampled_from(Flats),
    durations=st.sampled_from(Durations),
    night_windows=st.sampled_from(NightWindows),
)


@st.composite
def sessions(draw: st.DrawFn, *, may_be_reserved: bool = True) -> tuple[Period, ...]:
    """Periods in a row: a reservation perhaps, then charging, parking, or some of both in one."""
    found, at = [], EVENING
    if may_be_reserved and draw(st.booleans()):
        found.append(Period(at, at := at + timedelta(minutes=draw(st.integers(1, 90))), reserved=True))
    for minutes in draw(st.lists(st.integers(1, 240), min_size=0 if found else 1, max_size=4)):
        end, length_s = at + timedelta(minutes=minutes), Decimal(60 * minutes)
        charging_s = length_s * draw(st.sampled_from([0, 1, 1, Decimal("0.5")]))
        energy_wh = Decimal(draw(st.integers(0, 18_000))) if charging_s else Decimal(0)
        power_w = draw(st.sampled_from([None, Decimal(3_700), Decimal(22_000)]))
        current_a = draw(st.sampled_from([None, Decimal(16), Decimal(40)]))
        found.append(Period(at, end, energy_wh, charging_s, length_s - charging_s, power_w, current_a))
        at = end
    return tuple(found)


def cut(period: Period, tenths: int) -> tuple[Period, Period]:
    """The period in two, evenly; the power that follows from its energy and time is that of both parts."""
    middle = period.start + (period.end - period.start) * tenths / TENTHS
    first, second = (
        {name: getattr(period, name) * part / TENTHS for name in ("energy_wh", "charging_s", "parking_s")}
        for part in (tenths, TENTHS - tenths)
    )
    return replace(period, end=middle, **first), replace(period, start=middle, **second)
