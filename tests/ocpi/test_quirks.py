"""What partners plainly got wrong is corrected, with a remark; what is merely odd stays."""

from typing import Any

import pytest

from emsp.ocpi.wire import decode, encode
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.quirks import corrected
from emsp.ocpi.words.reading import convert
from tests.ocpi import people


def location(latitude: float, longitude: float, country: str | None) -> messages.Location:
    place = {"latitude": str(latitude), "longitude": str(longitude)}
    return convert(people.location(coordinates=place, country=country), messages.Location)


def cdr(**members: Any) -> messages.Cdr:
    return convert(bridge.lift("cdrs", "2.2.1", decode(encode(people.cdr(**members)))), messages.Cdr)


def session(**members: Any) -> messages.Session:
    return convert(decode(encode(people.session(**members))), messages.Session)


def period(*dimensions: tuple[str, float], start: str = "2026-06-01T10:00:00Z") -> dict[str, Any]:
    return {"start_date_time": start, "dimensions": [{"type": kind, "volume": volume} for kind, volume in dimensions]}


def amounts(charge: messages.Cdr | messages.Session) -> list[Any]:
    """The energy of the whole, and the volumes of all periods."""
    total = charge.total_energy if isinstance(charge, messages.Cdr) else charge.kwh
    return [total, *(d.volume for period in charge.charging_periods or [] for d in period.dimensions or [])]


@pytest.mark.parametrize("country", ["NLD", "nl"])
def test_swapped_coordinates_change_places(country: str) -> None:
    found, remarks = corrected(location(5.12, 52.09, country))
    assert (found.coordinates.latitude, found.coordinates.longitude) == (52.09, 5.12)
    assert remarks == [f"coordinates: latitude and longitude were swapped; 5.12, 52.09 is not in {country}"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "country"),
    [
        (52.09, 5.12, "NLD"),
        (54.0, 6.0, "NLD"),
        (5.12, 52.09, None),
        (5.12, 52.09, "FRA"),
        (5.12, 52.09, "ATA"),
        (12.1, -68.9, "NLD"),
        (-21.1, 55.5, "FRA"),
        (64.8, -147.7, "USA"),
        (61.2, -149.9, "USA"),
        (36.2, 41.9, "TUR"),
        (float("nan"), 5.12, "NLD"),
    ],
)
def test_places_that_are_merely_odd_stay(latitude: float, longitude: float, country: str | None) -> None:
    stated = location(latitude, longitude, country)
    assert corrected(stated) == (stated, [])


def test_watt_hours_in_periods_only() -> None:
    told = cdr(total_energy=12, charging_periods=[period(("ENERGY", 5000), ("TIME", 0.5)), period(("energy", 7000))])
    found, remarks = corrected(told)
    assert amounts(found) == [12, 5, 0.5, 7]
    assert remarks == ["charging_periods: ENERGY volumes of 12000 in all were taken to be in Wh"]


def test_watt_hours_everywhere() -> None:
    found, remarks = corrected(cdr(total_energy=12000, charging_periods=[period(("ENERGY", 12000), ("TIME", 1))]))
    assert amounts(found) == [12, 12, 1]
    assert remarks == [
        "total_energy: 12000 was taken to be in Wh",
        "charging_periods: ENERGY volumes of 12000 in all were taken to be in Wh",
    ]


def test_watt_hours_in_the_total_only() -> None:
    found, remarks = corrected(cdr(total_energy=12000, charging_periods=[period(("ENERGY", 12))]))
    assert amounts(found) == [12, 12]
    assert remarks == ["total_energy: 12000 was taken to be in Wh"]


def test_a_long_stay_does_not_hide_how_strong_the_charger_would_have_been() -> None:
    stay = {"start_date_time": "2026-06-01T02:00:00Z", "end_date_time": "2026-06-01T11:00:00Z"}
    parked = [period(("PARKING_TIME", 8), start="2026-06-01T02:00:00Z")]
    assert corrected(cdr(total_energy=11000, charging_periods=[], **stay))[1] == []
    assert corrected(cdr(total_energy=11000, charging_periods=parked, **stay))[0].total_energy == 11


@pytest.mark.parametrize(
    "members",
    [
        {"kwh": 1.5},
        {"kwh": 0, "charging_periods": []},
        {"kwh": 0, "charging_periods": [period(("ENERGY", 1500))]},
        {"kwh": 20, "charging_periods": [period(("ENERGY", 60))]},
        {"kwh": 300, "charging_periods": None},
        {"kwh": 48, "charging_periods": None, "last_updated": "2026-06-01T10:00:02Z"},
        {"kwh": 900_000, "charging_periods": None},
        {"kwh": 50, "charging_periods": None, "last_updated": "2026-06-01T10:00:00Z"},
        {"kwh": 9000, "charging_periods": None, "start_date_time": "1970-01-01T00:00:00Z"},
    ],
)
def test_energy_that_may_be_true_or_means_nothing_stays(members: dict[str, Any]) -> None:
    stated = session(**members)
    assert corrected(stated) == (stated, [])


def test_a_credit_whose_energy_is_negative_too() -> None:
    told = [period(("ENERGY", -12), ("TIME", -1))]
    found, remarks = corrected(cdr(credit=True, total_cost={"excl_vat": -3}, total_energy=-12, charging_periods=told))
    assert [*amounts(found), found.total_cost.before_taxes] == [12, 12, 1, -3]
    assert remarks == ["total_energy: -12 of a credit was taken without its sign"]
    debit = cdr(total_energy=-12, charging_periods=told)
    assert corrected(debit) == (debit, []), "nobody knows what that means"


def test_a_running_session_in_watt_hours() -> None:
    found, remarks = corrected(session(kwh=1500, charging_periods=[period(("ENERGY", 1500))]))
    assert [*amounts(found), len(remarks)] == [1.5, 1.5, 2]


def test_what_nothing_is_known_of_to_go_wrong() -> None:
    tariff = messages.Tariff(id="T", currency="EUR", elements=[])
    assert corrected(tariff) == (tariff, [])
