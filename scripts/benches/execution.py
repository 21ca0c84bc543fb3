"""The map query in process: our execution against strawberry as it comes, over the same schema and the same objects.

A hundred stations with three EVSEs of two connectors each, from the index and from the database; the whole way from
a document's text to bytes. All must answer the same JSON before anything is timed. Ours is measured as it serves, with
JSON that is kept while a station does not change, and as if nobody had asked before.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import _map
import orjson
import psycopg
from _database import empty
from _report import Report, options, quantile

STATIONS, EVSES, CONNECTORS = 100, 3, 2
BOX = (4.8, 52.3, 5.0, 52.4)
OURS, FIRST, STOCK = "emsp", "emsp, nothing kept", "strawberry as it comes"
Ask = Callable[[], Awaitable[bytes]]


def main() -> int:
    """Plays the rounds and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--times", type=int, default=100, help="queries a round and side (default: %(default)s)")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.times = 10
    report = Report(f"The map query in process: {STATIONS} stations x {EVSES} EVSEs x {CONNECTORS} connectors", chosen)
    with empty() as url:
        _fill(url)
        asyncio.run(_play(report, chosen))
    report.promise("strawberry as it comes / emsp", ("p50", STOCK), ("p50", (OURS,)), at_least=20)
    return report.finish()


async def _play(report: Report, chosen: Namespace) -> None:
    sides = {OURS: _ours(as_json=True), FIRST: _ours(as_json=False), STOCK: _stock()}
    from _ours import load

    await _brand()
    try:
        await load()
    except (ImportError, TimeoutError) as error:
        report.miss(f"the station index is not there ({error}): stations came from the database")
    answers = {name: orjson.loads(await ask()) for name, ask in sides.items()}
    if answers[OURS].get("errors") or any(each["data"] != answers[OURS]["data"] for each in answers.values()):
        raise SystemExit(f"the answers differ: {str(answers)[:2000]}")
    stations = answers[OURS]["data"]["stations"]
    if stations["totalCount"] != STATIONS or len(stations["nodes"]) != STATIONS:
        raise SystemExit(f"{stations['totalCount']} stations")
    report.remark(f"The answer has {len(orjson.dumps(answers[OURS]['data'])) / 1000:,.1f} kB.")
    gc.collect()
    gc.freeze()
    for _ in range(chosen.rounds):
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(chosen.times):
            for name, ask in sides.items():
                started = perf_counter()
                await ask()
                times[name].append(perf_counter() - started)
        for name, taken in times.items():
            report.add("p50", name, quantile(taken, 0.5) * 1e3, "ms")
            report.add("p99", name, quantile(taken, 0.99) * 1e3, "ms")


def _ours(*, as_json: bool) -> Ask:
    from strawberry.http import process_result

    from emsp.graphql.schema import make_schema

    schema = make_schema(introspection=True, as_json=as_json)
    variables = _map.asked(BOX)["variables"]

    async def ask() -> bytes:
        result = await schema.execute(_map.MAP, variables, context_value=await _context())
        return orjson.dumps(process_result(result))

    return ask


def _stock() -> Ask:
    import strawberry
    from strawberry.schema.config import StrawberryConfig

    from emsp.graphql.scalars import SCALARS
    from emsp.graphql.schema import Mutation, Query, Subscription

    config = StrawberryConfig(scalar_map=SCALARS)
    schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, config=config)
    variables = _map.asked(BOX)["variables"]

    async def ask() -> bytes:
        result = await schema.execute(_map.MAP, variables, context_value=await _context())
        answer: dict[str, Any] = {"data": result.data}
        return json.dumps(answer | ({"errors": list(map(str, result.errors))} if result.errors else {})).encode()

    return ask


_askers: list[Any] = []


async def _context() -> Any:
    from emsp.graphql.loaders import Loaders
    from emsp.graphql.viewer import Context

    context = Context("bench", {}, Loaders())
    context.asker = _askers[0]
    return context


async def _brand() -> None:
    """Who asks: somebody who has not signed in, of the first brand."""
    from emsp.brands import manage
    from emsp.db.engine import transaction
    from emsp.graphql.viewer import asker_of

    async with transaction() as db:
        await manage.ensure_default(db)
    async with transaction() as db:
        _askers.append(await asker_of(db, {}))


def _fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(STATION, [STATIONS])
        connection.execute(EVSE, [EVSES])
        connection.execute(CONNECTOR, [CONNECTORS])


STATION = """
INSERT INTO station (partner_id, country_code, party_id, external_id, external_key, operator_id, name, street, city,
    postal_code, country, latitude, longitude, time_zone, facilities, publish, shown, search_words, content_hash,
    source_updated_at, updated_at)
SELECT (SELECT id FROM partner ORDER BY name LIMIT 1), 'NL', 'PAA', 'L' || n, 'l' || n, 1 + n %% 20, 'Station ' || n,
    'Kerkstraat ' || n, 'Amsterdam', '1017 GC', 'NLD', 52.31 + n / 2000.0, 4.81 + n / 1000.0, 'Europe/Amsterdam',
    '{PARKING_LOT}', true, true, '', '', now(), now() FROM generate_series(1, %s) n
"""
EVSE = """
INSERT INTO evse (station_id, uid, uid_key, position, evse_id, evse_key, status, status_as_of, capabilities,
    parking_restrictions, removed, source_updated_at)
SELECT s.id, number.n::text, number.n::text, number.n, 'NL*PAA*E' || s.id || '*' || number.n,
    'NLPAAE' || s.id || number.n,
    (ARRAY['AVAILABLE', 'CHARGING', 'UNKNOWN'])[1 + (s.id + number.n) %% 3], now(), '{RFID_READER}', '{}', false, now()
  FROM station s, generate_series(1, %s) AS number(n) ORDER BY s.id, number.n
"""
CONNECTOR = """
INSERT INTO connector (evse_id, external_id, external_key, position, standard, format, power_type, max_power_w,
    tariff_keys, capabilities, removed, source_updated_at)
SELECT e.id, number.n::text, number.n::text, number.n,
    'IEC_62196_T2', 'SOCKET', 'AC_3_PHASE', 11000 * number.n, '{}', '{}', false, now()
  FROM evse e, generate_series(1, %s) AS number(n) ORDER BY e.id, number.n
"""

if __name__ == "__main__":
    sys.exit(main())
