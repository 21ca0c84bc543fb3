"""Locations of a partner, from the bytes of its pages to rows: ours against COPY alone and against the ORM's merge.

Ours does what a pull does with a page once it is here: what differs from the kept documents is kept, understood,
checked and written with its EVSEs and connectors, while the next slice is read already. COPY gets the finished rows
of the same tables as one text for each, with all indexes and keys in place: nothing is faster. The real feed is taken
whole in each round, into a new database; the made one in as many parts as there are rounds, into one that grows, and on
a slow machine in smaller ones, so that there is an end within ten minutes. Afterwards ours and COPY's tables must be
equal.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import sys
from argparse import Namespace
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any
from uuid import UUID

import _continent
import _decoding
import _partner
import orjson
import psycopg
from _database import empty, use
from _report import Report, options, tell
from rivals.orm_merge import merge_all

BESIDE = Path(__file__).parents[3] / "shared" / "data" / "ndw-2026-06-02-locations.jsonl.gz"
PAGE = 500
LIMIT_S = 540
DECODED = 20_000
OURS, FLOOR, MERGE = "emsp", "COPY alone", "ORM merge"
OWNERS = ("partner", "party", "ocpi_connection", "operator")
WRITTEN = ("ocpi_inbox", "station", "evse", "connector")
VOLATILE = {"ocpi_inbox": ("received_at", "handled_at"), "station": ("updated_at",)}


def main() -> int:
    """Plays the rounds and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--locations", type=Path, metavar="FILE", help="real OCPI 2.2.1 Locations, one a line, gzipped")
    parser.add_argument("--made", type=int, default=400_000, help="how many made ones (default: %(default)s)")
    parser.add_argument(
        "--merged", type=int, default=500, help="how many the ORM merges a round (default: %(default)s)"
    )
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.made, chosen.merged = 6_000, 200
    ends_at = monotonic() + LIMIT_S
    report = Report("Locations a second, from pages to rows", chosen)
    real, pace = _real(chosen), float("inf")
    if real:
        _decoding.measure("real", real[:DECODED], report, chosen.rounds)
        for number in range(chosen.rounds):
            tell(f"real feed, round {number + 1}")
            started = monotonic()
            with ExitStack() as stack:
                _Feed(stack, "real", real, chosen).play(real, report)
            pace = len(real) / (monotonic() - started)
    else:
        report.remark("No real feed was given (--locations FILE): the made one only.")
    with ExitStack() as stack:
        made = _made(chosen.made)
        feed, taken = _Feed(stack, "made", made, chosen), 0
        for left in range(chosen.rounds, 0, -1):
            tell(f"made feed: {taken:,} of {len(made):,}")
            started = monotonic()
            size = min(-(-len(made) // chosen.rounds), max(int(min((ends_at - started) / left * pace, 1e9)), PAGE))
            feed.play(part := made[taken : taken + size], report)
            taken += len(part)
            pace = len(part) / (monotonic() - started)
        if taken < len(made):
            report.remark(f"made: {taken:,} of {len(made):,} were taken, since the ten minutes were over")
    for name in ("real", "made") if real else ("made",):
        first, again = f"{name}, first", f"{name}, unchanged"
        report.promise(f"{first} / {FLOOR}", (first, OURS), (first, (FLOOR,)), at_least=0.5, better="high")
        report.promise(f"{again} / {first}", (again, OURS), (first, (OURS,)), at_least=5, better="high")
    return report.finish()


class _Feed:
    """Three databases: one for ours, one for COPY, one for the ORM."""

    def __init__(self, stack: ExitStack, name: str, documents: list[bytes], chosen: Namespace) -> None:
        self.name, self.merged, self.seen = name, chosen.merged, dict.fromkeys(("operator", *WRITTEN), 0)
        self.floor, self.orm, self.ours = (stack.enter_context(empty()) for _ in range(3))
        use(self.ours)
        _partner.connect(sorted({_owner(document) for document in documents}))
        for url in (self.floor, self.orm):
            with psycopg.connect(url) as connection:
                connection.execute("TRUNCATE partner, operator CASCADE")
        for url in (self.floor, self.orm):
            self._copy_in(url, {table: self._copy_out(table) for table in OWNERS})
        self._note()

    def play(self, documents: list[bytes], report: Report) -> None:
        """Some documents for the first time, then once more, then their rows by the others."""
        for what in ("first", "unchanged"):
            counts, took_s = asyncio.run(_ingest(documents))
            report.add(f"{self.name}, {what}", OURS, len(documents) / took_s, "1/s")
            if what == "first" and counts["apart"]:
                report.remark(f"{self.name}: {counts['apart']:,} of {len(documents):,} could not be understood")
            if what == "unchanged" and counts["changed"]:
                raise SystemExit(f"{counts['changed']} unchanged locations changed")
        operators = self._copy_out("operator", self.seen["operator"])
        rows = {table: self._copy_out(table, self.seen[table]) for table in WRITTEN}
        for url in (self.floor, self.orm):
            self._copy_in(url, {"operator": operators})
        report.add(f"{self.name}, first", FLOOR, len(documents) / self._copy_in(self.floor, rows), "1/s")
        self._same()
        stations, took_s = merge_all(self.ours, self.orm, self.seen["station"], self.merged)
        report.add(f"{self.name}, first", MERGE, stations / took_s, "1/s")
        self._note()

    def _note(self) -> None:
        """What has been copied so far."""
        with psycopg.connect(self.ours) as connection:
            for table in self.seen:
                row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # type: ignore[call-overload]
                self.seen[table] = row[0] if row else 0

    def _copy_out(self, table: str, after: int | None = None) -> bytes:
        query = f"SELECT * FROM {table}" + (f" WHERE id > {after} ORDER BY id" if after is not None else "")
        statement = f"COPY ({query}) TO STDOUT".encode()
        with psycopg.connect(self.ours) as connection, connection.cursor().copy(statement) as copy:
            return b"".join(copy)

    def _copy_in(self, url: str, rows: dict[str, bytes]) -> float:
        started = perf_counter()
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for table, text in rows.items():
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
                    copy.write(text)
        return perf_counter() - started

    def _same(self) -> None:
        """Ends the bench unless the last rows of ours and of COPY's tables are equal."""
        for table in WRITTEN:
            prints = []
            for url in (self.ours, self.floor):
                with psycopg.connect(url) as connection:
                    row = "to_jsonb(t)" + "".join(f" - '{name}'" for name in VOLATILE.get(table, ()))
                    summed = f"SELECT count(*), sum(hashtextextended(({row})::text, 0)) FROM {table} t"
                    query = f"{summed} WHERE id > {self.seen[table]}"
                    prints.append(connection.execute(query).fetchone())  # type: ignore[call-overload]
            if prints[0] != prints[1]:
                raise SystemExit(f"{table} differs: {prints}")


async def _ingest(documents: list[bytes]) -> tuple[dict[str, int], float]:
    """As a pull does with what it has fetched: slices are read one ahead, and each has a transaction."""
    from sqlalchemy import text

    from emsp.db import engine
    from emsp.db.engine import transaction
    from emsp.ocpi import connections
    from emsp.ocpi.keep import inbox
    from emsp.ocpi.keep.apply import take_in
    from emsp.ocpi.pull.ahead import ahead
    from emsp.ocpi.pull.pages import Page, Position
    from emsp.ocpi.pull.slices import slices
    from emsp.ocpi.tables import Connection

    async def pages() -> AsyncGenerator[Page, None]:
        for start in range(0, len(documents), PAGE):
            yield Page(items=documents[start : start + PAGE], after=Position(url=None))

    counts = {"changed": 0, "apart": 0}
    async with transaction() as db:
        id_: UUID = (await db.execute(text("SELECT id FROM ocpi_connection"))).scalar_one()
        peer = await connections.peer(db, id_)
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # both as `emsp work` does
    started = perf_counter()
    async for part in ahead(slices(peer, "locations", pages())):
        async with transaction() as db:
            connection = await db.get_one(Connection, id_)
            news = await inbox.news(db, id_, "locations", part.items)
            if news.fresh:
                applied = await take_in(db, connection, "locations", news.fresh, part.prepared)
                counts["changed"] += applied.changed
                counts["apart"] += len(applied.reasons)
    took_s = perf_counter() - started
    await engine.dispose()
    return counts, took_s


def _real(chosen: Namespace) -> list[bytes]:
    file = chosen.locations or (BESIDE if BESIDE.exists() else None)
    if file is None:
        return []
    lines = gzip.decompress(file.read_bytes()).splitlines()
    return [line for line in (lines[:3_000] if chosen.quick else lines) if line.strip()]


def _made(count: int) -> list[bytes]:
    return [orjson.dumps(_continent.as_ocpi(location)) for location in _continent.locations(count)]


def _owner(document: bytes) -> str:
    stated: dict[str, Any] = orjson.loads(document)
    return f"{stated['country_code']}-{stated['party_id']}"


if __name__ == "__main__":
    sys.exit(main())
