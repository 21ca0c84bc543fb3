"""What several partners publish becomes one pin, and several again when one of them lets go."""

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.stations import loaders
from emsp.stations.changes import set_evse_status
from emsp.stations.facts import StationFacts
from emsp.stations.twins import match, report, shown
from emsp.stations.twins.ways import Way, ways_to
from emsp.stations.withdraw import withdraw_stations
from tests.stations.places import at, connector, evse, partner, put, station

OWN, HUB = {"party_id": "ABC"}, {"party_id": "HUB"}


async def look() -> int:
    """Look at everything for twins; how many changed."""
    return sum([changed async for changed in match.looks_at_everything()])


async def look_at(*external_ids: str) -> None:
    """What the job does that follows a report."""
    async with transaction() as db:
        query = text("SELECT id FROM station WHERE external_id = ANY(:ids)")
        found = list((await db.execute(query, {"ids": list(external_ids)})).scalars())
    await match.match_reported(found)


async def asked(query: str, **arguments: Any) -> list[Any]:
    async with transaction() as db:
        found: Any = await db.execute(text(query), arguments)
        return [tuple(row) for row in found] if found.returns_rows else []


async def pins() -> dict[str, str]:
    """The stations on show with their EVSEs: "L1: E1 AVAILABLE, E2 CHARGING"."""
    async with transaction() as db:
        query = f"SELECT s.id, s.external_id FROM station s WHERE {shown.IS_PIN} ORDER BY s.external_id"
        stations = {row.id: row.external_id for row in await db.execute(text(query))}
        evses = await loaders.evses_of(db, stations)
    return {name: ", ".join(f"{row.uid} {row.status}" for row in evses[id_]) for id_, name in stations.items()}


async def noted() -> set[str]:
    """Whose changes were noted since the last call."""
    found = await asked(
        "WITH gone AS (DELETE FROM station_change RETURNING station_ids)"
        " SELECT DISTINCT s.external_id FROM gone JOIN station s ON s.id = ANY(gone.station_ids)"
    )
    return {name for (name,) in found}


async def both() -> tuple[UUID, UUID]:
    """An operator with a station of two, and a hub that publishes the same."""
    own, hub = await partner("Operator"), await partner("Hub")
    await put(hub, station("H1", evse("h1", evse_id="NLABCE1"), evse("h2", evse_id="nl-abc-e2"), **HUB))
    await put(own, station("L1", evse("E1"), evse("E2"), **OWN))
    return own, hub


async def test_that_the_operator_s_own_station_is_the_pin(database: str) -> None:
    await both()
    await noted()
    assert await pins() == {"H1": "h1 AVAILABLE, h2 AVAILABLE", "L1": "E1 AVAILABLE, E2 AVAILABLE"}
    await look_at("H1")
    assert await pins() == {"L1": "E1 AVAILABLE, E2 AVAILABLE"}
    assert await noted() == {"H1", "L1"}
    assert await asked("SELECT matched_by, confidence_percent FROM evse_twin") == [("EVSE_ID", 99)] * 2
    await look_at("H1", "L1")
    assert (await look(), await noted()) == (0, set()), "what is decided is not decided again"


async def test_that_the_freshest_status_is_shown_at_the_pin(database: str) -> None:
    await both()
    await look()
    await noted()
    async with transaction() as db:
        await set_evse_status(db, "NL", "HUB", "H1", "h1", "CHARGING", at(5))
    assert (await pins(), await noted()) == ({"L1": "E1 CHARGING, E2 AVAILABLE"}, {"H1", "L1"})
    async with transaction() as db:
        await set_evse_status(db, "NL", "ABC", "L1", "E1", "OUTOFORDER", at(6))
    assert await pins() == {"L1": "E1 OUTOFORDER, E2 AVAILABLE"}
    async with transaction() as db:
        await set_evse_status(db, "NL", "HUB", "H1", "h1", "UNKNOWN", at(7))
    assert await pins() == {"L1": "E1 OUTOFORDER, E2 AVAILABLE"}, "not to know is no news"
    fresh = await asked(shown.FRESHEST)
    query = "SELECT id, status, status_as_of FROM evse WHERE uid IN ('E1', 'E2') ORDER BY id"
    assert sorted(fresh) == await asked(query)


async def test_that_both_ways_of_asking_for_the_status_agree(database: str) -> None:
    await both()
    await look()
    async with transaction() as db:
        await set_evse_status(db, "NL", "HUB", "H1", "h2", "CHARGING", at(5))
        stations = (await db.execute(text("SELECT id FROM station WHERE external_id = 'L1'"))).scalars().all()
        rows = (await loaders.evses_of(db, stations))[stations[0]]
        of_these = (await db.execute(text(shown.FRESHEST_OF), {"station_ids": list(stations)})).all()
    said = {row.id: (row.status, row.status_as_of) for row in rows}
    assert said == {row.pin_evse_id: (row.status, row.status_as_of) for row in of_these}
    assert [status for status, _ in said.values()] == ["AVAILABLE", "CHARGING"]
    assert await asked("SELECT status FROM evse WHERE uid = 'E2'") == [("AVAILABLE",)], "what is stored stays"


async def test_that_a_station_that_has_more_stays_with_the_rest(database: str) -> None:
    _, hub = await both()
    await put(hub, station("H1", evse("h1", evse_id="NLABCE1"), evse("h9", evse_id="NLABCE9"), minutes=1, **HUB))
    await look()
    assert await pins() == {"H1": "h9 AVAILABLE", "L1": "E1 AVAILABLE, E2 AVAILABLE"}


async def test_that_a_pin_that_goes_away_leaves_its_twin(database: str) -> None:
    own, _ = await both()
    await look()
    async with transaction() as db:
        await withdraw_stations(db, [("NL", "ABC", "L1")])
    await look_at("L1")
    assert await pins() == {"H1": "h1 AVAILABLE, h2 AVAILABLE"}
    assert (
        await asked("SELECT * FROM evse_twin UNION ALL SELECT station_id, 0, '', 0, decided_at FROM station_twin") == []
    )
    await put(own, station("L1", evse("E1"), minutes=2, **OWN))
    await look_at("L1")
    assert await pins() == {"H1": "h2 AVAILABLE", "L1": "E1 AVAILABLE"}


async def test_that_a_twin_that_goes_away_or_is_another_now_is_none(database: str) -> None:
    _, hub = await both()
    await look()
    await put(hub, station("H1", evse("h1", evse_id="NL*XYZ*E7"), evse("h2", "REMOVED"), minutes=1, **HUB))
    await look_at("H1")
    assert await pins() == {"H1": "h1 AVAILABLE", "L1": "E1 AVAILABLE, E2 AVAILABLE"}
    assert await asked("SELECT * FROM evse_twin") == []


async def test_that_a_look_at_everything_finds_what_no_report_told(database: str) -> None:
    await both()
    await look()
    async with transaction() as db:
        await db.execute(text("UPDATE evse SET removed = true WHERE uid = 'E1'"))
    assert await look() == 1
    assert await pins() == {"H1": "h1 AVAILABLE", "L1": "E2 AVAILABLE"}


async def test_that_without_an_id_place_and_equipment_tell(database: str) -> None:
    own, hub = await partner("Operator"), await partner("Hub")
    here = {"street": "Dam 1", "postal_code": "1011 AB"}
    await put(own, station("L1", evse("E1"), **OWN, **here))
    await put(hub, station("H1", evse("h1", evse_id=None), **HUB, **here))
    await look_at("L1")
    assert await pins() == {"L1": "E1 AVAILABLE"}
    assert await asked("SELECT matched_by, confidence_percent FROM evse_twin") == [("PLACE", 95)]
    assert await look() == 0
    fast = [connector(standard="IEC_62196_T2_COMBO")]
    await put(hub, station("H1", evse("h1", evse_id=None, connectors=fast, minutes=1), minutes=1, **HUB, **here))
    await look_at("H1")
    assert await pins() == {"H1": "h1 AVAILABLE", "L1": "E1 AVAILABLE"}


async def test_that_every_way_to_start_is_kept(database: str) -> None:
    own, hub = await both()
    await look()

    async def ways(uid: str) -> list[tuple[UUID, bool]]:
        ((connector_id,),) = await asked(
            "SELECT c.id FROM connector c JOIN evse e ON e.id = c.evse_id WHERE uid = :u", u=uid
        )
        async with transaction() as db:
            found: list[Way] = (await ways_to(db, [connector_id]))[connector_id]
        return [(way.partner_id, way.is_pin) for way in found]

    assert await ways("E1") == await ways("h1") == [(own, True), (hub, False)]
    local = evse("E1", capabilities=["RFID_READER"], minutes=1)
    await put(own, station("L1", local, evse("E2"), minutes=1, **OWN))
    assert await ways("E1") == [(hub, False)], "the operator's own cannot be started by app"
    ccs = connector(standard="IEC_62196_T2_COMBO")
    await put(hub, station("H1", evse("h2", evse_id="NLABCE2", connectors=[ccs]), minutes=1, **HUB))
    await look()
    assert await ways("E2") == [(own, True)], "another plug is not started instead"


async def test_what_is_told_of_it(database: str) -> None:
    await both()
    await put(await partner("Far"), station("F1", evse("f1", evse_id="NLABCE1"), latitude=53.0, party_id="FAR"))
    await look()
    async with transaction() as db:
        (counted,), (doubtful,) = await report.counted(db), await report.doubtful(db, 10)
    assert (counted["matched_by"], counted["twins"], counted["stations_hidden"]) == ("EVSE_ID", 2, 1)
    assert (doubtful["charge_points"], doubtful["stations"]) == (2, 2)


PARTIES = ("ABC", "HUB", "OTH")
REPORTS = st.lists(
    st.tuples(
        st.sampled_from(PARTIES),
        st.sampled_from("12"),
        st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from(["NLABCE1", "NL*ABC*E2", "NLABCE3", None])), max_size=3
        ),
    ),
    min_size=1,
    max_size=8,
)


def _facts(party: str, number: str, evses: list[tuple[str, str | None]], minutes: int) -> StationFacts:
    by_uid = {uid: evse(uid, evse_id=written, minutes=minutes) for uid, written in evses}
    there = list(by_uid.values()) or [evse("gone", "REMOVED", minutes=minutes)]
    return station(f"{party}{number}", *there, minutes=minutes, party_id=party)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REPORTS)
async def test_that_looking_at_what_was_reported_is_enough(
    database: str, reports: list[tuple[str, str, list[tuple[str, str | None]]]]
) -> None:
    await asked("TRUNCATE station, partner CASCADE")
    partners = {party: await partner(party) for party in PARTIES}
    for minutes, (party, number, evses) in enumerate(reports):
        await put(partners[party], _facts(party, number, evses, minutes))
        await look_at(f"{party}{number}")
    bit_by_bit = await asked("SELECT evse_id, pin_evse_id, matched_by, confidence_percent FROM evse_twin ORDER BY 1")
    hidden = await asked("SELECT station_id, pin_id FROM station_twin ORDER BY 1")
    assert await look() == 0
    await asked("TRUNCATE evse_twin, station_twin")
    await look()
    query = "SELECT evse_id, pin_evse_id, matched_by, confidence_percent FROM evse_twin ORDER BY 1"
    assert await asked(query) == bit_by_bit
    assert await asked("SELECT station_id, pin_id FROM station_twin ORDER BY 1") == hidden
