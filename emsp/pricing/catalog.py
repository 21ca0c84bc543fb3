"""The partners' tariffs: kept as they change, and found for connectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Select, Subquery, Text, any_, func, literal, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.pricing.choice import Missing, best_tariff, outlet_rows, why_missing
from emsp.pricing.facts import TariffFacts
from emsp.pricing.tables import TariffRow
from emsp.stations.asking import Outlet
from emsp.stations.changes import Counts
from emsp.stations.rows import ReportKey, Row, folded_key, newest
from emsp.stations.tables import Connector, Evse, Station
from emsp.stations.upserts import listed, recordset, replaced, run

__all__ = [
    "Missing",
    "put_tariffs",
    "tariffs_of_connectors",
    "tariffs_of_outlets",
    "withdraw_tariff",
    "withdraw_tariffs",
]

KEY = {"country_code": "text", "party_id": "text", "external_key": "text"}
CONTENT = {
    "partner_id": "uuid",
    "external_id": "text",
    "currency": "text",
    "document": "jsonb",
    "alt_text": "jsonb",
    "valid_from": "timestamptz",
    "valid_until": "timestamptz",
    "withdrawn": "bool",
}
COLUMNS = {**KEY, **CONTENT, "source_updated_at": "timestamptz", "updated_at": "timestamptz"}


async def put_tariffs(db: Db, partner_id: UUID, tariffs: Sequence[TariffFacts]) -> Counts:
    """Store what a partner says of some of its tariffs.

    A report older than the stored one is refused; a withdrawn tariff that is reported again is back. Of several
    reports of one tariff in a bulk, the newest counts and the others are older.
    """
    reports = newest(tariffs)
    stored = await _times(db, reports)
    current = {key: tariff for key, tariff in reports.items() if key not in stored or tariff.updated_at >= stored[key]}
    rows = [_row(partner_id, key, tariff) for key, tariff in sorted(current.items(), key=lambda item: item[0])]
    written = await run(
        db,
        f"INSERT INTO tariff ({listed(COLUMNS)}) SELECT {listed(COLUMNS)} FROM {recordset(COLUMNS)}"
        f" ON CONFLICT (country_code, party_id, external_key) {replaced('tariff', COLUMNS, compared=CONTENT)}"
        " AND tariff.source_updated_at <= excluded.source_updated_at RETURNING id",
        rows,
    )
    changed = len(written.all())
    await _move_times(db, [row for row, key in zip(rows, sorted(current), strict=True) if key in stored])
    return Counts(changed, len(current) - changed, len(tariffs) - len(current))


async def _times(db: Db, keys: Iterable[ReportKey]) -> dict[ReportKey, datetime]:
    found = await run(
        db,
        f"SELECT t.country_code, t.party_id, t.external_key, t.source_updated_at FROM tariff t"
        f" JOIN {recordset(KEY)} USING (country_code, party_id, external_key) ORDER BY t.id FOR UPDATE OF t",
        [dict(zip(KEY, key, strict=True)) for key in keys],
    )
    return {(row[0], row[1], row[2]): row[3] for row in found}


async def _move_times(db: Db, rows: list[Row]) -> None:
    """What was said again later is as old as the later time; a report between the two is then older."""
    times = {**KEY, "source_updated_at": "timestamptz"}
    await run(
        db,
        f"UPDATE tariff t SET source_updated_at = r.source_updated_at FROM {recordset(times)}"
        " WHERE (t.country_code, t.party_id, t.external_key) = (r.country_code, r.party_id, r.external_key)"
        " AND t.source_updated_at < r.source_updated_at",
        [{name: row[name] for name in times} for row in rows],
    )


def _row(partner_id: UUID, key: ReportKey, facts: TariffFacts) -> Row:
    return {
        **dict(zip(KEY, key, strict=True)),
        "partner_id": partner_id,
        "external_id": facts.external_id,
        "currency": facts.tariff.currency,
        "document": msgspec.to_builtins(facts.tariff),
        "alt_text": facts.alt_text,
        "valid_from": facts.tariff.valid_from,
        "valid_until": facts.tariff.valid_until,
        "withdrawn": False,
        "source_updated_at": facts.updated_at,
        "updated_at": clock.now(),
    }


async def withdraw_tariff(db: Db, country_code: str, party_id: str, external_id: str) -> bool:
    """The partner no longer offers a tariff; its row stays for the charges it was promised to. False: not known."""
    key = dict(zip(KEY, folded_key(country_code, party_id, external_id), strict=True))
    statement = (
        "UPDATE tariff SET withdrawn = true, updated_at = :now WHERE country_code = :country_code"
        " AND party_id = :party_id AND external_key = :external_key RETURNING id"
    )
    return (await db.execute(text(statement), {**key, "now": clock.now()})).one_or_none() is not None


async def withdraw_tariffs(db: Db, tariffs: Iterable[tuple[str, str, str]]) -> int:
    """As `withdraw_tariff` for many, given by country code, party id and the partner's id; how many were there.

    Whatever is reported of one later, be it what was known, is taken as new.
    """
    gone = await run(
        db,
        "WITH gone AS (SELECT t.id FROM tariff t"
        f" JOIN {recordset(KEY)} USING (country_code, party_id, external_key) ORDER BY t.id FOR UPDATE OF t)"
        " UPDATE tariff SET withdrawn = true, source_updated_at = to_timestamp(0), updated_at = :now"
        " FROM gone WHERE tariff.id = gone.id RETURNING tariff.id",
        [dict(zip(KEY, folded_key(*tariff), strict=True)) for tariff in tariffs],
        now=clock.now(),
    )
    return len(gone.all())


async def tariffs_of_connectors(db: Db, connector_ids: Iterable[int], at: datetime) -> dict[int, TariffRow | Missing]:
    """The tariff that applies at each connector for drivers who charge by app, or why there is none; one query.

    Of the tariffs that a connector names, those of its own party count, and where there are none, those of
    other parties of the same partner; of these the regular ones (or those of no stated kind) that are valid at
    `at`, and of these the one that became valid last. A connector that does not exist names none.
    """
    ids = list(connector_ids)
    answers: dict[int, TariffRow | Missing] = dict.fromkeys(ids, Missing.NO_TARIFF_PUBLISHED)
    for tariff, missing, group in await db.execute(_with_tariff(_grouped(ids, at))):
        answers.update(dict.fromkeys(group, Missing(missing) if missing else tariff))
    return answers


async def tariffs_of_outlets(db: Db, outlets: Iterable[Outlet], at: datetime) -> dict[Outlet, bytes | Missing]:
    """As `tariffs_of_connectors`, for many connectors that are told apart by no more than a price depends on.

    A tariff is given as the JSON of its document, so that who has seen the same before need not read it again.
    """
    asked = list(outlets)
    named = outlet_rows(asked)
    best = best_tariff(at, named)
    document = func.convert_to(best.c.document.cast(Text), "UTF8")
    query = select(named.c.number, why_missing(named, best), document).outerjoin_from(named, best, true())
    found = await db.execute(query)
    return {asked[number]: Missing(missing) if missing else document for number, missing, document in found}


def _with_tariff(groups: Subquery) -> Select[Any]:
    return (
        select(TariffRow, groups.c.reason, groups.c.connector_ids)
        .select_from(groups)
        .outerjoin(TariffRow, col(TariffRow.id) == groups.c.tariff_id)
    )


def _grouped(connector_ids: list[int], at: datetime) -> Subquery:
    """Connectors with the same answer together, so that a tariff is read once however many name it."""
    station = (col(Station.partner_id), col(Station.country_code), col(Station.party_id))
    connectors = (
        select(col(Connector.id).label("connector_id"), *station, col(Connector.tariff_keys))
        .join(Evse, col(Evse.id) == col(Connector.evse_id))
        .join(Station, col(Station.id) == col(Evse.station_id))
        .where(col(Connector.id) == any_(literal(connector_ids, ARRAY(BigInteger))))
        .subquery("outlet")
    )
    best = best_tariff(at, connectors)
    number = connectors.c.connector_id
    ids = func.array_agg(aggregate_order_by(number, number)).label("connector_ids")
    query = select(best.c.id.label("tariff_id"), why_missing(connectors, best).label("reason"), ids)
    return query.outerjoin_from(connectors, best, true()).group_by(best.c.id, text("reason")).subquery()
