"""What changed at the stations: reports of partners become rows, and whoever watches the map is woken."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from emsp import clock
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.stations import bulk, log, rows, upserts
from emsp.stations.facts import EVSE_STATUSES, StationFacts
from emsp.stations.rows import EvseState, ReportKey
from emsp.stations.statuses import EvseKey, Outcome, set_status
from emsp.stations.waking import wake

NOTHING_MADE: bulk.Made = {}


class Counts(msgspec.Struct, frozen=True):
    """How many reports of a bulk were written, said nothing new, or were older than what is stored."""

    changed: int = 0
    unchanged: int = 0
    older: int = 0


class _Sorted(msgspec.Struct):
    """The reports of a bulk by what is to be done with them; owners and hashes are those of the changed ones."""

    owners: Mapping[ReportKey, UUID]
    ahead: Mapping[ReportKey, bulk.New]
    changed: dict[ReportKey, StationFacts] = {}
    hashes: dict[ReportKey, str] = {}
    unchanged: dict[int, StationFacts] = {}
    older: int = 0


async def put_stations(db: Db, partner_id: UUID, stations: Sequence[StationFacts]) -> Counts:
    """As `put_all_stations`, of one partner."""
    return await put_all_stations(db, {partner_id: stations})


async def put_all_stations(
    db: Db, stations: Mapping[UUID, Sequence[StationFacts]], made: bulk.Made = NOTHING_MADE
) -> Counts:
    """Store what partners say of some of their stations, each report being the whole station.

    A report older than the stored one is refused, one with the same content only moves the times forward.
    EVSEs and connectors that a report no longer has are marked removed; all rows keep their ids. A status that
    is newer than the reported one stays. Of several reports of one station in a bulk, the newest counts and
    the others are older. Bulks of one partner are written one after the other.

    What is `made` into rows already of these very reports is not made again.
    """
    newest = {partner_id: rows.newest(reports) for partner_id, reports in stations.items()}
    owners = {key: partner_id for partner_id, reports in newest.items() for key in reports}
    stored = await upserts.lock_stations(db, newest, owners)
    reports = {key: newest[partner_id][key] for key, partner_id in owners.items()}
    sorted_out = _sort(reports, owners, stored, _ahead(made, reports, owners))
    await _move_times(db, stored, sorted_out.unchanged)
    if sorted_out.changed:
        await _write(db, sorted_out, {key: stored[key].id for key in sorted_out.changed if key in stored})
    older = sorted_out.older + sum(map(len, stations.values())) - len(owners)
    return Counts(len(sorted_out.changed), len(sorted_out.unchanged), older)


def _ahead(made: bulk.Made, reports: Mapping[ReportKey, StationFacts], owners: Mapping[ReportKey, UUID]) -> bulk.Made:
    return {key: new for key, new in made.items() if new.facts is reports.get(key) and new.partner_id == owners[key]}


def _sort(
    newest: Mapping[ReportKey, StationFacts],
    owners: Mapping[ReportKey, UUID],
    stored: Mapping[ReportKey, upserts.StoredStation],
    ahead: bulk.Made,
) -> _Sorted:
    result = _Sorted(owners, ahead)
    for key, station in newest.items():
        known = stored.get(key)
        if known and station.updated_at < known.source_updated_at:
            result.older += 1
            continue
        content_hash = ahead[key].content_hash if key in ahead else rows.fingerprint(owners[key], station)
        if known and known.content_hash == content_hash:
            result.unchanged[known.id] = station
        else:
            result.changed[key], result.hashes[key] = station, content_hash
    return result


async def _move_times(
    db: Db, stored: Mapping[ReportKey, upserts.StoredStation], unchanged: Mapping[int, StationFacts]
) -> None:
    times = {known.id: known.source_updated_at for known in stored.values()}
    newer = {id_: station for id_, station in unchanged.items() if station.updated_at > times[id_]}
    if newer:
        await upserts.move_times(db, newer)
        await log.note(db, newer, whole=False)


async def _write(db: Db, report: _Sorted, known: Mapping[ReportKey, int]) -> None:
    evses = await upserts.evse_states(db, known.values()) if known else {}
    facts = {
        key: rows.with_newer_statuses(station, evses.get(known[key], {})) if key in known else station
        for key, station in report.changed.items()
    }
    await upserts.operators(db, rows.operator_rows(facts.values()))
    ids = await _insert(db, report, [key for key in facts if key not in known])
    if known:
        again = {key: station for key, station in facts.items() if key in known}
        ids |= await _replace(db, _station_rows(report, again), again, evses)
    await log.reported(db, ids.values())
    await wake(db, _whose_availability_changed({ids[key]: station for key, station in facts.items()}, evses))


async def _insert(db: Db, report: _Sorted, keys: Collection[ReportKey]) -> dict[ReportKey, int]:
    """Those without rows get them now, and their ids in the order in which they were told."""
    ahead = {key: report.ahead[key] for key in keys if key in report.ahead}
    if late := [(report.owners[key], report.changed[key]) for key in keys if key not in ahead]:
        ahead |= await bulk.make(db, late)
    if ahead:
        await bulk.insert(db, ahead.values())
    return {key: new.id for key, new in ahead.items()}


async def _replace(
    db: Db,
    station_rows: list[rows.Row],
    facts: Mapping[ReportKey, StationFacts],
    evses: Mapping[int, Mapping[str, EvseState]],
) -> dict[ReportKey, int]:
    ids = await upserts.stations(db, station_rows)
    connectors = await upserts.connector_ids(db, ids.values())
    evse_rows = [row for key, station in facts.items() for row in rows.evse_rows(ids[key], station)]
    connector_rows = [row for key, station in facts.items() for row in rows.connector_rows(ids[key], station)]
    await upserts.evses(db, evse_rows)
    await upserts.connectors(db, connector_rows)
    await upserts.remove_unseen(db, evses, evse_rows, connectors, connector_rows)
    return ids


def _station_rows(report: _Sorted, facts: Mapping[ReportKey, StationFacts]) -> list[rows.Row]:
    """Without the hash where a stored status was kept: the next report is then compared with nothing, but written."""
    now = clock.now()
    return [
        rows.station_row(
            report.owners[key],
            station,
            report.hashes[key] if rows.statuses(station) == rows.statuses(report.changed[key]) else "",
            now,
        )
        for key, station in facts.items()
    ]


def _whose_availability_changed(
    stations: Mapping[int, StationFacts], before: Mapping[int, Mapping[str, EvseState]]
) -> list[tuple[int, float, float]]:
    changed = []
    for station_id, station in stations.items():
        was = {key: state.status for key, state in before.get(station_id, {}).items() if state.status != "REMOVED"}
        evses = rows.evses_by_key(station).items()
        if was != {key: evse.status for key, evse in evses if evse.status != "REMOVED"}:
            changed.append((station_id, station.longitude, station.latitude))
    return changed


async def set_evse_status(
    db: Db, country_code: str, party_id: str, location_id: str, evse_uid: str, status: str, as_of: datetime
) -> bool:
    """Store the status that an EVSE had at `as_of`. Gives False when something newer is stored already.

    Raises NotFound when there is no such EVSE, Invalid when there is no such status.
    """
    if status not in EVSE_STATUSES:
        raise Invalid(f"{status} is no EVSE status", "status")
    key = EvseKey.of(country_code, party_id, location_id, evse_uid)
    outcome = await set_status(db, key, status, as_of)
    if outcome is Outcome.MISSING:
        raise NotFound(f"EVSE {evse_uid} of location {location_id} of {key.country_code}-{key.party_id}")
    return outcome is Outcome.SET
