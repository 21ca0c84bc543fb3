"""Made-up stations ..."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emsp.sandbox.cpo import CpoOptions, build_app
from emsp.sandbox.cpo.made_up import StreetPlan

BORN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def evses(locations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [evse for location in locations for evse in location["evses"]]


def test_are_the_same_for_the_same_seed() -> None:
    assert list(StreetPlan(1, BORN).locations(40)) == list(StreetPlan(1, BORN).locations(40))
    assert list(StreetPlan(1, BORN).locations(40)) != list(StreetPlan(2, BORN).locations(40))


def test_name_tariffs_that_exist_or_none() -> None:
    plan = StreetPlan(1, BORN)
    known = {(tariff["country_code"], tariff["party_id"], tariff["id"]) for tariff in plan.tariffs()}
    named = {
        (location["country_code"], location["party_id"], *connector["tariff_ids"])
        for location in plan.locations(300)
        for evse in location["evses"]
        for connector in evse["connectors"]
    }
    assert {name for name in named if len(name) == 3} <= known
    assert any(len(name) == 2 for name in named)


def test_are_of_every_kind() -> None:
    locations = list(StreetPlan(1, BORN).locations(300))
    connectors = [connector for evse in evses(locations) for connector in evse["connectors"]]
    assert {c["standard"] for c in connectors} == {"IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO"}
    assert {evse["status"] for evse in evses(locations)} >= {"AVAILABLE", "CHARGING", "OUTOFORDER", "UNKNOWN"}
    assert len({location["country"] for location in locations}) == 11
    assert len({evse["uid"] for evse in evses(locations)}) == len(evses(locations))


def test_can_do_different_things() -> None:
    extras = ("RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE")
    made = evses(list(StreetPlan(1, BORN).locations(300)))
    for name in extras:
        assert 0 < len([evse for evse in made if name in evse["capabilities"]]) < len(made)
    assert all("REMOTE_START_STOP_CAPABLE" in evse["capabilities"] for evse in made)


def test_are_served_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        CpoOptions(host="0.0.0.0")


def test_a_feed_that_cannot_be_read_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"country_code":"NL","party_id":"SBX","id":"1","last_updated":"2026-01-01T00:00:00Z"}\n{"id":2}\n')
    with pytest.raises(ValueError, match=r"bad\.jsonl line 2"):
        build_app(CpoOptions(locations=path))
