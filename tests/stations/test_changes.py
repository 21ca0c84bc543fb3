"""What partners report becomes rows that keep their ids, and only what is new wakes anyone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from emsp import hearing
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound
from emsp.stations import bulk
from emsp.stations.changes import Counts, put_all_stations, set_evse_status
from emsp.stations.facts import StationFacts
from emsp.stations.tables import Connector, Evse, Operator, Station
from emsp.stations.waking import MANY
from tests.stations.places import at, connector, evse, ids_of, partner, put, rows, station, statuses, the_station


async def set_status(status: str, minutes: float, uid: str = "E1", location: str = "L1") -> bool:
    async with transaction() as db:
        return await set_evse_status(db, "NL", "ABC", location, uid, status, at(minutes))


class Heard(list[Any]):
    """What the watchers of the stations were told, in order."""


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Heard]:
    heard = Heard()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {hearing.CHANNEL}")
        yield heard
        async for notice in connection.notifies(timeout=0.2):
            message = msgspec.json.decode(notice.payload)
            heard.extend(message["ids"] if message["topic"] == "stations" else [])


async def test_that_a_report_is_stored_whole(database: str) -> None:
    combo = connector("2", standard="IEC_62196_T2_COMBO", power_type="DC", max_power_w=150_000, tariff_ids=["T-Ä"])
    facts = station("Loc-1", evse("uid-1", connectors=[connector(), combo]), operator_website="https://volt.example")
    assert await put(await partner(), facts) == Counts(changed=1, unchanged=0, older=0)
    stored, (stored_evse,), (first, second) = await the_station(), await rows(Evse), await rows(Connector)
    assert (stored.external_id, stored.external_key, stored.shown) == ("Loc-1", "loc-1", True)
    assert (stored.longitude, stored.latitude, stored.source_updated_at) == (4.9, 52.37, at(0))
    assert (stored_evse.uid_key, stored_evse.evse_key, stored_evse.status_as_of) == ("uid-1", "NLABCUID1", at(0))
    assert (first.position, second.position, second.max_power_w, second.tariff_keys) == (0, 1, 150_000, ["t-ä"])
    assert [(row.name, row.website) for row in await rows(Operator)] == [("Volt & Co", "https://volt.example")]


async def test_that_the_same_report_changes_nothing(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station())
    before = await the_station()
    assert await put(partner_id, station()) == Counts(changed=0, unchanged=1, older=0)
    assert (await the_station()).model_dump() == before.model_dump()


async def test_that_ids_in_another_case_mean_the_same_station(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("Loc-A", evse("uid-a", connectors=[connector("c")])))
    before = [row.id for table in (Station, Evse, Connector) for row in await rows(table)]
    other = station("LOC-a", evse("UID-A", connectors=[connector("C")]), country_code="nl", party_id="abc", minutes=1)
    assert (await put(partner_id, other)).changed == 1
    assert [row.id for table in (Station, Evse, Connector) for row in await rows(table)] == before


async def test_that_an_older_report_is_refused(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station(name="New", minutes=5))
    assert await put(partner_id, station(name="Old", minutes=4)) == Counts(changed=0, unchanged=0, older=1)
    assert (await the_station()).name == "New"


async def test_that_a_change_without_a_new_time_is_taken(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station(name="Before"))
    assert (await put(partner_id, station(name="After"))).changed == 1
    assert (await the_station()).name == "After"


async def test_that_saying_the_same_again_later_moves_the_time(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station(name="Same"))
    assert (await put(partner_id, station("L1", evse(minutes=9), name="Same", minutes=9))).unchanged == 1
    assert (await rows(Evse))[0].status_as_of == at(9)
    assert (await put(partner_id, station(name="Late", minutes=8))).older == 1
    assert (await the_station()).name == "Same"


async def test_that_of_two_reports_in_a_bulk_the_newest_counts(database: str) -> None:
    reports = [station(name="B", minutes=2), station(name="A", minutes=1), station("L2", name="C")]
    assert await put(await partner(), *reports) == Counts(changed=2, unchanged=0, older=1)
    assert [row.name for row in await rows(Station)] == ["B", "C"]


async def test_that_what_is_no_longer_reported_is_removed_and_comes_back_under_its_id(database: str) -> None:
    partner_id = await partner()
    both = evse("E1", connectors=[connector("1"), connector("2")]), evse("E2", connectors=[connector("3")])
    await put(partner_id, station("L1", *both))
    before = await ids_of(Evse), await ids_of(Connector)
    await put(partner_id, station("L1", evse("E1", connectors=[connector("1")]), minutes=1))
    assert {row.uid: (row.removed, row.status) for row in await rows(Evse)} == {
        "E1": (False, "AVAILABLE"),
        "E2": (True, "REMOVED"),
    }
    assert [row.removed for row in await rows(Connector)] == [False, True, True]
    await put(partner_id, station("L1", *both, minutes=2))
    assert [row.removed for row in [*await rows(Evse), *await rows(Connector)]] == [False] * 5
    assert (await ids_of(Evse), await ids_of(Connector)) == before


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        (station("L1", evse(status="REMOVED"), evse("E2", "PLANNED")), True),
        (station("L1", evse(status="REMOVED")), False),
        (station("L1", evses=[]), False),
        (station("L1", publish=False), False),
    ],
)
async def test_that_a_station_is_shown_when_published_and_there(
    database: str, facts: StationFacts, shown: bool
) -> None:
    await put(await partner(), facts)
    assert (await the_station()).shown is shown


async def test_that_a_pull_does_not_undo_a_newer_status(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1", evse(minutes=1), minutes=1))
    assert await set_status("CHARGING", 5) is True
    await put(partner_id, station("L1", evse(minutes=1), name="Renamed", minutes=3))
    assert ((await the_station()).name, await statuses()) == ("Renamed", {"E1": "CHARGING"})
    await put(partner_id, station("L1", evse(minutes=6), name="Renamed", minutes=6))
    assert await statuses() == {"E1": "AVAILABLE"}


async def test_that_a_status_that_was_pushed_and_missed_is_pulled(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1", evse()))
    await set_status("CHARGING", 5)
    assert (await put(partner_id, station("L1", evse(minutes=6), minutes=6))).changed == 1
    assert await statuses() == {"E1": "AVAILABLE"}


async def test_that_an_older_status_is_refused(database: str) -> None:
    await put(await partner(), station("L1", evse(minutes=5)))
    assert await set_status("CHARGING", 4) is False
    assert await statuses() == {"E1": "AVAILABLE"}


async def test_that_a_status_in_any_case_of_ids_reaches_its_evse(database: str) -> None:
    await put(await partner(), station("Loc", evse("uid-a")))
    assert await set_status("BLOCKED", 1, uid="UID-A", location="LOC") is True
    (row,) = await rows(Evse)
    assert (row.status, row.status_as_of, row.source_updated_at) == ("BLOCKED", at(1), at(1))


async def test_that_removing_the_last_evse_hides_the_station_until_it_is_back(database: str) -> None:
    await put(await partner(), station())
    await set_status("REMOVED", 1)
    assert (await the_station()).shown is False
    await set_status("AVAILABLE", 2)
    assert (await the_station()).shown is True


async def test_that_the_status_of_an_evse_nobody_knows_is_not_found(database: str) -> None:
    await put(await partner(), station())
    with pytest.raises(NotFound, match="E9"):
        await set_status("AVAILABLE", 1, uid="E9")
    with pytest.raises(NotFound, match="L9"):
        await set_status("AVAILABLE", 1, location="L9")


async def test_that_a_status_that_does_not_exist_is_refused(database: str) -> None:
    with pytest.raises(Invalid, match="status: SLEEPING"):
        await set_status("SLEEPING", 1)


async def test_that_watchers_hear_of_changed_availability_only(database: str) -> None:
    partner_id = await partner()
    async with listening(database) as heard:
        await put(partner_id, station("L1"), station("L2", evse(), evse("E2")))
        await put(partner_id, station("L1", name="Renamed", minutes=1))
        await set_status("AVAILABLE", 2)
        await set_status("CHARGING", 3, location="L2")
        await put(partner_id, station("L2", evse(status="CHARGING", minutes=3), minutes=4))
    first, second = [row.id for row in await rows(Station)]
    assert sorted(heard[:2]) == sorted([[first, 4.9, 52.37], [second, 4.9, 52.37]])
    assert heard[2:] == [[second, 4.9, 52.37], [second, 4.9, 52.37]]


async def test_that_a_flood_of_changes_is_one_word(database: str) -> None:
    async with listening(database) as heard:
        await put(await partner(), *(station(f"L{number}") for number in range(501)))
    assert heard == [MANY]


async def test_that_partners_share_a_bulk_and_each_keeps_its_own(database: str) -> None:
    one, other = await partner("One"), await partner("Other")
    both = {one: [station("A"), station("B")], other: [station("A", party_id="XYZ"), station("A", party_id="XYZ")]}
    async with transaction() as db:
        assert await put_all_stations(db, both) == Counts(changed=3, unchanged=0, older=1)
    async with transaction() as db:
        assert await put_all_stations(db, both) == Counts(changed=0, unchanged=3, older=1)
    stored = {(row.party_id, row.external_id): row.partner_id for row in await rows(Station)}
    assert stored == {("ABC", "A"): one, ("ABC", "B"): one, ("XYZ", "A"): other}


async def test_that_bulks_of_the_same_partners_in_any_order_do_not_block_each_other_for_good(database: str) -> None:
    one, other = await partner("One"), await partner("Other")

    async def bulk(number: int) -> Counts:
        reports = [(one, [station(f"L{number % 3}")]), (other, [station(f"L{number % 3}", party_id="XYZ")])]
        async with transaction() as db:
            return await put_all_stations(db, dict(reports if number % 2 else reversed(reports)))

    async with asyncio.timeout(30):
        counts = await asyncio.gather(*map(bulk, range(6)))
    assert (sum(each.changed for each in counts), sum(each.unchanged for each in counts)) == (6, 6)


async def test_that_nothing_is_no_trouble(database: str) -> None:
    assert await put(uuid4()) == Counts()


async def test_that_bulks_and_statuses_at_once_do_not_block_each_other_for_good(database: str) -> None:
    ours, theirs = await partner("Ours"), await partner("Theirs")
    names = [f"L{number}" for number in range(30)]

    def bulk(minutes: int, party_id: str) -> list[StationFacts]:
        ordered = names if minutes % 2 else list(reversed(names))
        return [station(name, evse(minutes=minutes), minutes=minutes, party_id=party_id) for name in ordered]

    await put(ours, *bulk(0, "ABC"))
    await asyncio.gather(
        *(put(ours, *bulk(minutes, "ABC")) for minutes in (1, 2, 3, 4)),
        *(put(theirs, *bulk(minutes, "XYZ")) for minutes in (1, 2, 3, 4)),
        *(set_status("CHARGING", 100, location=name) for name in names),
    )
    assert sorted(row.status for row in await rows(Evse)) == ["AVAILABLE"] * 30 + ["CHARGING"] * 30


async def made_of(partner_id: UUID, *reports: StationFacts) -> bulk.Made:
    async with transaction() as db:
        return await bulk.make(db, [(partner_id, report) for report in reports])


async def test_that_rows_made_ahead_are_those_that_are_stored(database: str) -> None:
    partner_id, reports = await partner(), [station("A", evse("1"), evse("1"), evse("2")), station("B")]
    made = await made_of(partner_id, *reports)
    async with transaction() as db:
        assert await put_all_stations(db, {partner_id: reports}, made) == Counts(changed=2, unchanged=0, older=0)
    assert {row.external_id: row.id for row in await rows(Station)} == {
        new.facts.external_id: new.id for new in made.values()
    }
    assert await put(partner_id, *reports) == Counts(changed=0, unchanged=2, older=0)


async def test_that_rows_made_ahead_of_another_report_or_partner_are_not_used(database: str) -> None:
    one, other = await partner("One"), await partner("Other")
    made = await made_of(one, station("A", name="Before"), station("B"), station("C"))
    await put(one, station("C"))
    kept = (await the_station()).id
    async with transaction() as db:
        now = {one: [station("A", name="After"), station("C")], other: [station("B")]}
        assert await put_all_stations(db, now, made) == Counts(changed=2, unchanged=1, older=0)
    stored = {row.external_id: row for row in await rows(Station)}
    assert (stored["A"].name, stored["B"].partner_id, stored["C"].id) == ("After", other, kept)
    assert {new.id for new in made.values()}.isdisjoint(row.id for row in stored.values())
