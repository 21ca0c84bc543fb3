"""What is checked of a record beside its amounts: its session, other charges, and what its own figures say."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from emsp.charging.records.checking import Checked, Decision, check_record, seen
from emsp.charging.records.readings import believed, readings
from emsp.charging.records.record import Asked, Cost, Record
from emsp.charging.records.suspicion import Odd, Seen, suspicions
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import transaction
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.engine.trace import Period
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station
from tests.charging.conftest import END, START, Place
from tests.charging.saying import record
from tests.graphql import rows

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def checked(
    place: Place, said: Record, session: ChargingSession, **options: Any
) -> tuple[Checked, dict[str, Any]]:
    """What comes of a record, and what is kept with it."""
    async with transaction() as db:
        row = ChargeRecord(
            partner_id=place.partner.id,
            country_code="NL",
            party_id="ABC",
            external_id=said.external_id,
            external_key=said.external_id.casefold(),
            session_id=session.id,
            document=msgspec.to_builtins(said),
            verification=seen(session),
        )
        row = await rows.added(db, row)
        quote, station = await db.get_one(Quote, session.quote_id), await db.get_one(Station, session.station_id)
        found = await check_record(db, session, row, quote, station, **options)
        return found, row.verification or {}


def dearer(price: str) -> Tariff:
    parts = (Component(Dimension.ENERGY, Decimal(price), Decimal(21)),)
    return Tariff(currency="EUR", elements=(Element(parts),))


async def test_that_the_report_of_our_side_is_kept_with_the_record(place: Place) -> None:
    session = await place.session(state="ENDED", energy_wh=10_000, started_at=START, ended_at=END)
    found, kept = await checked(place, record(session), session)
    assert (found.decision, found.reason, found.facts["result"]) == (Decision.ACCEPT, "", "AGREES")
    assert (kept["verdict"], kept["against"], kept["undisputed_net"]) == ("AGREES", "SNAPSHOT", "4.50")
    assert [line["net"] for line in kept["ours"]["lines"]] == ["4.5"]
    assert kept["seen"] == {
        "energy_wh": 10_000,
        "started_at": "2025-06-02T18:00:00Z",
        "ended_at": "2025-06-02T19:00:00Z",
    }


async def test_that_a_tariff_that_changed_is_told_from_a_mistake(place: Place) -> None:
    session = await place.session(state="ENDED", started_at=START, ended_at=END)
    found, _ = await checked(place, record(session, net="6.00", tariffs=[dearer("0.60")]), session)
    assert (found.facts["result"], found.facts["reason"]) == ("DIFFERS", "TARIFF_CHANGED")
    assert (found.decision, found.verification.own_tariffs) == (Decision.CLAIM, "AGREES")
    assert found.reason == "It asks for 6.00 EUR, and its tariff gives 4.50 EUR."


async def test_that_a_second_record_of_the_same_charge_is_not_owed(place: Place) -> None:
    session = await place.session(state="ENDED")
    found, _ = await checked(place, record(session), session, duplicate=True)
    assert (found.facts["result"], found.facts["reason"], found.decision) == ("DIFFERS", "DUPLICATE", Decision.CLAIM)
    assert found.verification.undisputed_net == 0


async def test_that_the_same_charge_for_another_start_is_looked_at(place: Place) -> None:
    over = {"energy_wh": 10_000, "started_at": START, "ended_at": END}
    await place.session(state="SETTLED", **over)
    later = await place.session(state="ENDED", created_at=START - MINUTE, **over)
    found, kept = await checked(place, record(later), later)
    assert (found.decision, found.reason) == (
        Decision.REVIEW,
        "It asks for 4.50 EUR, and its tariff gives 0.00 EUR. The same charge was billed before.",
    )
    assert [one["code"] for one in kept["suspicions"]] == ["DUPLICATE"]


async def test_that_another_charge_at_the_same_time_is_only_noted(place: Place) -> None:
    await place.session(state="SETTLED", energy_wh=3_000, started_at=START, ended_at=END + HOUR)
    session = await place.session(state="ENDED", energy_wh=10_000, started_at=START, ended_at=END)
    found, kept = await checked(place, record(session), session)
    assert (found.decision, [one["code"] for one in kept["suspicions"]]) == (Decision.ACCEPT, ["OVERLAPPING"])


async def test_that_far_more_energy_than_the_session_told_is_looked_at(place: Place) -> None:
    session = await place.session(state="ENDED", energy_wh=4_000, started_at=START, ended_at=END)
    found, _ = await checked(place, record(session), session)
    assert (found.decision, found.reason) == (
        Decision.REVIEW,
        "The session ended with 4.00 kWh, the record says 10.00 kWh.",
    )


def said(**facts: Any) -> Record:
    session = ChargingSession(authorization_reference="R1")
    return record(session, **facts)


HALF = START + HOUR / 2
PERIODS = [
    Period(START, HALF, Decimal(6_000), Decimal(1800)),
    Period(HALF, END, Decimal(4_000), Decimal(1800)),
]
TOLD = Seen(energy_wh=10_000, started_at=START, ended_at=END)


@pytest.mark.parametrize(
    ("facts", "before", "code"),
    [
        ({}, TOLD, None),
        ({"periods": PERIODS}, TOLD, None),
        ({"periods": PERIODS, "energy_wh": 9_000}, None, Odd.ENERGY_DOES_NOT_SUM),
        ({"periods": PERIODS, "energy_wh": 10_040}, None, None),
        ({"total_time_s": Decimal(7200)}, None, Odd.TIME_DOES_NOT_SUM),
        ({"total_time_s": Decimal(3601)}, None, None),
        ({"periods": [Period(START, END, Decimal(10_000), Decimal(216_000))]}, None, Odd.TIME_BEYOND_CLOCK),
        ({"periods": [Period(START - HOUR, END, Decimal(10_000), Decimal(3600))]}, None, Odd.PERIOD_OUTSIDE),
        ({"asked": Asked(energy=Cost(Decimal("4.50")), fixed=Cost(Decimal(1)))}, None, Odd.COSTS_DO_NOT_SUM),
        ({"asked": Asked(energy=Cost(Decimal("4.50")))}, None, None),
        ({"energy_wh": 0, "periods": []}, None, Odd.COST_WITHOUT_ENERGY),
        ({"energy_wh": 0, "periods": [], "net": "0.00"}, None, None),
        ({}, Seen(energy_wh=8_000, started_at=START, ended_at=END), Odd.OTHER_ENERGY),
        ({}, Seen(energy_wh=4_000, started_at=START, ended_at=END), Odd.FAR_OTHER_ENERGY),
        ({}, Seen(energy_wh=4_000, started_at=START), None),
        ({}, Seen(energy_wh=10_000, started_at=START - HOUR, ended_at=END), Odd.OTHER_TIMES),
        ({}, Seen(energy_wh=10_000, stop_requested_at=END - 31 * MINUTE), Odd.LONG_AFTER_STOP),
        ({}, Seen(energy_wh=10_000, stop_requested_at=END - 30 * MINUTE), None),
    ],
)
def test_that_what_is_odd_is_noted(facts: dict[str, Any], before: Seen | None, code: Odd | None) -> None:
    assert [one.code for one in suspicions(said(**facts), before)] == ([code] if code else [])


def test_that_no_bill_rests_on_more_than_can_be() -> None:
    minutes_for_hours = said(periods=[Period(START, END, Decimal(10_000), Decimal(216_000))])
    assert believed(minutes_for_hours) == [Period(START, END, Decimal(10_000), Decimal(3600))]
    more_than_told = said(periods=PERIODS, energy_wh=8_000)
    assert [period.energy_wh for period in believed(more_than_told)] == [4_800, 3_200]
    assert believed(said(periods=PERIODS, energy_wh=12_000)) == PERIODS


def test_that_few_digits_are_read_by_the_clock_and_the_total() -> None:
    left = START + 20 * MINUTE
    charging = Period(START, left, Decimal(3_330), Decimal(1188))
    parking = Period(left, END, Decimal(6_670), parking_s=Decimal(2412))
    rounded = said(periods=[charging, parking], energy_wh=10_004)
    first, by_clock, by_total, by_both = readings(rounded)
    assert first == rounded.periods
    assert [(period.charging_s, period.parking_s) for period in by_clock] == [(1200, 0), (0, 2400)]
    assert sum(period.energy_wh for period in by_total) == sum(period.energy_wh for period in by_both) == 10_004
    assert readings(said(periods=PERIODS)) == [PERIODS]
