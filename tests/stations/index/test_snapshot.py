"""The index as a file."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.stations.index import snapshot
from emsp.stations.index.check import compared
from emsp.stations.index.columns import Segment
from tests.stations.places import connector, evse, partner, put, station


@pytest.fixture
async def standing(database: str) -> snapshot.Standing:
    plugs = [connector("1", tariff_ids=["T1"]), connector("2", standard="CHADEMO", max_power_w=None)]
    await put(
        await partner(),
        station("L1", evse("E1", connectors=plugs), evse("E2", "CHARGING", 3)),
        station("L2", name="Ä\\ö"),
    )
    return snapshot.from_database()


def test_what_is_read_is_what_was_written(standing: snapshot.Standing, tmp_path: Path) -> None:
    snapshot.write(tmp_path / "index", standing)
    kept = snapshot.read(tmp_path / "index")
    assert kept
    assert (kept.database, kept.position, kept.taken_at) == (standing.database, standing.position, standing.taken_at)
    assert compared([kept.segment], [standing.segment]) == []
    assert set(kept.segment.text) == set(standing.segment.text)
    for name, array in standing.segment.text.items():
        assert np.array_equal(kept.segment.text[name], array)


def test_a_change_stays_with_the_process_that_made_it(standing: snapshot.Standing, tmp_path: Path) -> None:
    snapshot.write(tmp_path / "index", standing)
    one, other = snapshot.read(tmp_path / "index"), snapshot.read(tmp_path / "index")
    assert one
    assert other
    one.segment.status[:] = 7
    assert compared([other.segment], [standing.segment]) == []
    assert {difference.column for difference in compared([one.segment], [other.segment])} == {"status"}


def test_an_index_without_stations_is_kept_as_well(tmp_path: Path) -> None:
    snapshot.write(tmp_path / "index", snapshot.Standing(Segment.empty(), "db", "1:1:", 1.0))
    kept = snapshot.read(tmp_path / "index")
    assert kept
    assert len(kept.segment) == 0


def test_what_cannot_be_read_is_not_used(standing: snapshot.Standing, tmp_path: Path) -> None:
    file = tmp_path / "index"
    assert snapshot.read(file) is None
    file.write_bytes(b"")
    assert snapshot.read(file) is None
    file.write_bytes(b"something else altogether, which is longer than the beginning of an index")
    assert snapshot.read(file) is None
    snapshot.write(file, standing)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert snapshot.read(file) is None


async def test_a_file_is_used_for_its_own_database_only(
    standing: snapshot.Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "path", lambda: tmp_path / "index")
    assert snapshot.usable() is None
    snapshot.make(0.0)
    assert snapshot.usable()
    assert snapshot.usable(standing.taken_at + 3600) is None
    snapshot.write(snapshot.path(), standing._replace(database="another"))
    assert snapshot.usable() is None
    snapshot.write(snapshot.path(), standing._replace(taken_at=standing.taken_at - 86_400))
    assert snapshot.usable() is None
    async with transaction() as db:
        await db.execute(text("SELECT 1"))


async def test_a_record_reads_like_a_row(standing: snapshot.Standing) -> None:
    from emsp.stations.index.kept import StationIndex
    from emsp.stations.tables import Connector, Evse, Station
    from tests.stations.places import rows

    index = StationIndex(standing.segment)
    plugs = {row.id: row for row in await rows(Connector)}
    evses = {row.id: row for row in await rows(Evse)}
    for row in await rows(Station):
        found = index.row_of(row.id)
        assert found
        record = index.record(*found)
        names = set(dir(type(record))) & set(Station.model_fields) - {"facilities", "id"}
        assert {name: getattr(record, name) for name in names} == {name: getattr(row, name) for name in names}
        assert list(record.facilities) == row.facilities
        for charge_point in record.evses:
            known = evses.pop(charge_point.id)
            for name in ("uid", "evse_id", "label", "status", "status_as_of", "station_id", "parking_restrictions"):
                assert getattr(charge_point, name) == getattr(known, name)
            assert list(charge_point.capabilities) == known.capabilities
            for plug in charge_point.connectors:
                socket = plugs.pop(plug.id)
                for name in ("evse_id", "standard", "format", "power_type", "max_power_w"):
                    assert getattr(plug, name) == getattr(socket, name)
                outlet = standing.segment.outlets[plug.outlet]
                assert list(outlet.tariff_keys) == socket.tariff_keys
    assert (evses, plugs) == ({}, {})
