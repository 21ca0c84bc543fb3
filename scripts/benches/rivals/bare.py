"""JSON built by SQL behind a bare ASGI application: the least that a server over PostgreSQL can do.

Started as a process: PORT, WORKERS and DATABASE in the environment, asyncpg on the path.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

POOL = 8
QUERY = """
    WITH box AS (SELECT $1::float8 AS west, $2::float8 AS south, $3::float8 AS east, $4::float8 AS north),
    found AS (
        SELECT s.*, count(*) OVER () AS matches,
               row_number() OVER (ORDER BY ((longitude - (west + east) / 2) * cos(radians((south + north) / 2))) ^ 2
                                           + (latitude - (south + north) / 2) ^ 2) AS place
          FROM station s, box
         WHERE shown AND point(longitude, latitude) <@ box(point($1, $2), point($3, $4))
         ORDER BY place LIMIT 100
    )
    SELECT json_build_object('data', json_build_object('stations', json_build_object(
        'totalCount', coalesce(max(f.matches), 0),
        'nodes', coalesce(json_agg(json_build_object(
            'id', f.id, 'name', f.name,
            'coordinates', json_build_object('latitude', f.latitude, 'longitude', f.longitude),
            'address', json_build_object('street', f.street, 'city', f.city, 'postalCode', f.postal_code),
            'operator', json_build_object('name', o.name),
            'availability', json_build_object('available', e.available, 'occupied', e.occupied, 'total', e.total),
            'evses', e.evses) ORDER BY f.place), '[]'::json))))::text
      FROM found f JOIN operator o ON o.id = f.operator_id CROSS JOIN LATERAL (
        SELECT count(*) AS total, count(*) FILTER (WHERE status = 'AVAILABLE') AS available,
               count(*) FILTER (WHERE status IN ('CHARGING', 'BLOCKED')) AS occupied,
               json_agg(json_build_object('id', evse.id, 'evseId', evse.evse_id, 'status', CASE
                    WHEN status IN ('CHARGING', 'BLOCKED') THEN 'OCCUPIED'
                    WHEN status IN ('INOPERATIVE', 'OUTOFORDER', 'PLANNED') THEN 'OUT_OF_SERVICE'
                    ELSE status END, 'connectors', c.connectors) ORDER BY evse.position) AS evses
          FROM evse CROSS JOIN LATERAL (
            SELECT json_agg(json_build_object('id', connector.id, 'standard', standard, 'format', format,
                    'powerType', power_type, 'maxPowerKw', max_power_w / 1000.0) ORDER BY connector.position)
                    AS connectors
              FROM connector WHERE connector.evse_id = evse.id AND NOT connector.removed
          ) c WHERE evse.station_id = f.id AND NOT evse.removed
      ) e
"""
HEADERS = [(b"content-type", b"application/json")]
pool: Any = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """POST a box as [west, south, east, north]."""
    if scope["type"] != "http":
        return
    global pool
    if pool is None:
        pool = await importlib.import_module("asyncpg").create_pool(
            os.environ["DATABASE"], min_size=POOL, max_size=POOL
        )
    body = (await receive())["body"]
    async with pool.acquire() as connection:
        answer = (await connection.fetchval(QUERY, *json.loads(body))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    import uvicorn

    workers = int(os.environ.get("WORKERS", "1"))
    uvicorn.run("bare:app", host="127.0.0.1", port=int(os.environ["PORT"]), workers=workers, log_level="critical")
