"""Which charge points are one, and which of them is shown, as rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.stations import words
from emsp.stations.twins.rules import Published, Twin, same_by_id, same_by_place

NOW = datetime(2026, 6, 2, tzinfo=UTC)
T2, CCS = ("IEC_62196_T2", 11_000), ("IEC_62196_T2_COMBO", 150_000)


def published(evse_id: int, written: str | None = "NL*ABC*E100*1", **facts: Any) -> Published:
    """A charge point of NL-ABC, alone at a station with the same number, unless told otherwise."""
    usual = {
        "station_id": evse_id,
        "party": "NLABC",
        "key": words.evse_key(written) if written else None,
        "uid_key": f"uid {evse_id}",
        "latitude": 52.37,
        "longitude": 4.9,
        "heard_at": NOW,
        "equipment": (T2,),
    }
    return Published(evse_id=evse_id, **usual | facts)


def pairs(*several: Published) -> dict[int, int]:
    """Pins by the twins that they stand for."""
    return {twin.evse_id: twin.pin_evse_id for twin in same_by_id(several)}


def test_that_separators_and_case_do_not_tell_charge_points_apart() -> None:
    assert same_by_id([published(1), published(2, "nl-abc-e100-1", party="NLHUB")]) == [Twin(2, 1, "EVSE_ID", 99)]
    assert pairs(published(1), published(2, "NLABCE1001")) == {2: 1}
    assert pairs(published(1), published(2, "NL*ABC*E100*2")) == {}


def test_that_the_party_that_the_evse_id_names_is_the_pin() -> None:
    old = NOW - timedelta(days=400)
    assert pairs(published(1, party="NLHUB", station_evses=9), published(2, heard_at=old)) == {1: 2}


def test_that_else_who_was_heard_lately_is_then_who_has_more_then_who_was_first() -> None:
    hub: dict[str, Any] = {"party": "NLHUB"}
    silent = {**hub, "heard_at": NOW - timedelta(days=15), "station_evses": 9}
    assert pairs(published(1, **silent), published(2, **hub)) == {1: 2}
    assert pairs(published(1, **hub), published(2, **hub, station_evses=2)) == {1: 2}
    assert pairs(published(1, **hub), published(2, **hub)) == {2: 1}


def test_that_the_same_id_far_away_is_not_taken_to_be_the_same() -> None:
    kilometre = 1 / 111.2
    near, far = published(2, latitude=52.37 + 0.9 * kilometre), published(3, latitude=52.37 + 1.1 * kilometre)
    assert same_by_id([published(1), near, far]) == [Twin(2, 1, "EVSE_ID", 95)]


def test_that_an_id_of_another_make_counts_in_its_neighbourhood_and_a_short_one_nowhere() -> None:
    def here(written: str) -> list[Twin]:
        return same_by_id([published(1, written), published(2, written)])

    assert here("+49*810*000*438") == [Twin(2, 1, "EVSE_ID", 90)]
    assert here("1") == here("A-12") == here("UNKNOWN") == []
    away = published(2, "+49*810*000*438", latitude=52.372)
    assert pairs(published(1, "+49*810*000*438"), away) == {}


def test_that_another_plug_makes_it_less_sure() -> None:
    assert same_by_id([published(1), published(2, equipment=(CCS,))]) == [Twin(2, 1, "EVSE_ID", 84)]
    assert same_by_id([published(1), published(2, equipment=(T2, CCS))]) == [Twin(2, 1, "EVSE_ID", 99)]


def test_that_an_id_that_a_station_has_twice_needs_the_same_uid() -> None:
    here: dict[str, Any] = {"station_id": 10, "station_evses": 2}
    once, again = published(1, uid_key="a", **here), published(2, uid_key="b", **here)
    assert pairs(once, again) == {}
    assert pairs(once, again, published(3, uid_key="b")) == {3: 2}
    assert pairs(once, again, published(3, uid_key="c")) == {}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda number, station, written, hub, uid, away, days: published(
                number,
                written,
                station_id=station,
                party=hub,
                uid_key=uid,
                latitude=52.37 + away,
                heard_at=NOW - timedelta(days=days),
            ),
            st.integers(1, 40),
            st.integers(1, 6),
            st.sampled_from(["NL*ABC*E1", "NLABCE1", "NL*ABC*E2", "1", None]),
            st.sampled_from(["NLABC", "NLHUB"]),
            st.sampled_from("ab"),
            st.sampled_from([0.0, 0.005, 0.02]),
            st.integers(0, 30),
        ),
        max_size=14,
        unique_by=lambda one: one.evse_id,
    ),
    st.randoms(),
)
def test_what_always_holds(several: list[Published], chance: Any) -> None:
    twins = same_by_id(several)
    by_id = {one.evse_id: one for one in several}
    pins = {twin.pin_evse_id for twin in twins}
    assert not pins & {twin.evse_id for twin in twins}, "a pin is nobody's twin"
    for pin in pins:
        group = [by_id[pin], *(by_id[twin.evse_id] for twin in twins if twin.pin_evse_id == pin)]
        assert len({one.key for one in group}) == 1
        assert len({one.station_id for one in group}) == len(group), "two of one station are never the same"
    shuffled = list(several)
    chance.shuffle(shuffled)
    assert sorted(same_by_id(shuffled), key=lambda twin: twin.evse_id) == sorted(twins, key=lambda twin: twin.evse_id)


def place_pairs(nameless: list[Published], others: list[Published]) -> list[Twin]:
    several = [*nameless, *others]
    around = {one.evse_id: [other for other in several if other.station_id != one.station_id] for one in nameless}
    return same_by_place(nameless, around)


def nameless(evse_id: int, **facts: Any) -> Published:
    return published(evse_id, None, **{"party": "NLHUB", "operator_id": 7, "address": "1011abdam1", **facts})


def named(evse_id: int, written: str = "NL*ABC*E100*1", **facts: Any) -> Published:
    return published(evse_id, written, **{"operator_id": 7, "address": "1011abdam1", **facts})


def test_that_without_an_id_place_and_equipment_tell() -> None:
    assert place_pairs([nameless(2)], [named(1)]) == [Twin(2, 1, "PLACE", 95)]
    assert place_pairs([nameless(2, equipment=(("IEC_62196_T2", 11_040),))], [named(1)]) == [Twin(2, 1, "PLACE", 95)]
    assert place_pairs([nameless(2, address=None, latitude=52.3702)], [named(1)]) == [], "75 percent is too little"


def test_that_they_do_not_where_anything_speaks_against_it() -> None:
    assert place_pairs([nameless(2, equipment=(CCS,))], [named(1)]) == []
    assert place_pairs([nameless(2, equipment=(("IEC_62196_T2", 22_000),))], [named(1)]) == []
    assert place_pairs([nameless(2, equipment=(T2, T2))], [named(1)]) == []
    assert place_pairs([nameless(2, equipment=())], [named(1, equipment=())]) == []
    assert place_pairs([nameless(2, latitude=52.3704)], [named(1)]) == [], "farther than 30 metres"
    assert place_pairs([nameless(2, party="NLABC")], [named(1)]) == [], "a party knows its own charge points"


def test_that_nothing_is_matched_where_another_could_be_meant() -> None:
    assert place_pairs([nameless(2)], [named(1), named(3, "NL*ABC*E100*2", station_id=1)]) == []
    assert place_pairs([nameless(2), nameless(4, station_id=2)], [named(1)]) == []


def test_that_of_two_without_an_id_one_is_the_pin() -> None:
    assert place_pairs([nameless(2), nameless(5, party="NLOTH")], []) == [Twin(5, 2, "PLACE", 95)]
