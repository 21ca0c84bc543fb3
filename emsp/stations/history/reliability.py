"""What became of charges that our drivers asked for, by station."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import text

from emsp.db.engine import Db
from emsp.stations.upserts import listed, recordset, run

TRIED = {
    "station_id": "int8",
    "starts": "int4",
    "failed_starts": "int4",
    "since": "timestamptz",
    "last_charge_at": "timestamptz",
    "updated_at": "timestamptz",
}
WRITE = f"""
    INSERT INTO station_reliability ({listed(TRIED)}) SELECT {listed(TRIED)} FROM {recordset(TRIED)}
    ON CONFLICT (station_id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in TRIED)}
"""
FORGET = text("DELETE FROM station_reliability WHERE updated_at < :now")


class Tried(msgspec.Struct):
    """How many charges were asked for, how many of them came to nothing, and when one last worked."""

    starts: int = 0
    failed_starts: int = 0
    last_charge_at: datetime | None = None


async def put(db: Db, stations: Mapping[int, Tried], since: datetime, now: datetime) -> None:
    """Replace all that is known: these are the stations at which charges were asked for since then."""
    rows = [
        {"station_id": id_, "since": since, "updated_at": now, **msgspec.structs.asdict(tried)}
        for id_, tried in sorted(stations.items())
    ]
    if rows:
        await run(db, WRITE, rows)
    await db.execute(FORGET, {"now": now})
