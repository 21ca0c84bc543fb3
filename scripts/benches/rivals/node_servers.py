"""GraphQL servers of the Node world, by npm: Apollo, mercurius with graphql-jit, PostGraphile 5."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import orjson
import psycopg
from _database import scratch
from _report import tell

SOURCES = Path(__file__).with_name("node")
SHOWN = {"CHARGING": "OCCUPIED", "BLOCKED": "OCCUPIED", "INOPERATIVE": "OUT_OF_SERVICE", "OUTOFORDER": "OUT_OF_SERVICE",
         "PLANNED": "OUT_OF_SERVICE"}  # fmt: skip
STATIONS = """
    SELECT s.id, s.name, s.latitude, s.longitude, s.street, s.city, s.postal_code, o.name,
           json_agg(json_build_array(e.id, e.evse_id, e.status, e.plugs) ORDER BY e.position)
      FROM station s JOIN operator o ON o.id = s.operator_id JOIN (
        SELECT evse.id, station_id, evse.position, evse.evse_id, status, json_agg(json_build_array(
                connector.id, standard, format, power_type, max_power_w) ORDER BY connector.position) AS plugs
          FROM evse JOIN connector ON connector.evse_id = evse.id GROUP BY evse.id
      ) e ON e.station_id = s.id GROUP BY s.id, o.name
"""
MAP = """
DROP SCHEMA IF EXISTS map CASCADE;
CREATE SCHEMA map;
CREATE VIEW map.station AS SELECT id, name, latitude, longitude, street, city, postal_code, operator_id FROM station;
CREATE VIEW map.operator AS SELECT id, name FROM operator;
CREATE VIEW map.evse AS SELECT id, station_id, evse_id AS printed_id, status, position FROM evse WHERE NOT removed;
CREATE VIEW map.connector AS
    SELECT id, evse_id, standard, format, power_type, max_power_w, position FROM connector WHERE NOT removed;
COMMENT ON VIEW map.operator IS E'@primaryKey id';
COMMENT ON VIEW map.station IS E'@primaryKey id\\n@foreignKey (operator_id) references map.operator (id)';
COMMENT ON VIEW map.evse IS E'@primaryKey id\\n@foreignKey (station_id) references map.station (id)';
COMMENT ON VIEW map.connector IS E'@primaryKey id\\n@foreignKey (evse_id) references map.evse (id)';
CREATE FUNCTION map.stations_in_box(west float8, south float8, east float8, north float8) RETURNS SETOF map.station
LANGUAGE sql STABLE AS $$
    SELECT id, name, latitude, longitude, street, city, postal_code, operator_id FROM public.station
     WHERE shown AND point(longitude, latitude) <@ box(point(west, south), point(east, north))
     ORDER BY ((longitude - (west + east) / 2) * cos(radians((south + north) / 2))) ^ 2
              + (latitude - (south + north) / 2) ^ 2
$$;
"""


def installed() -> Path | None:
    """The folder with the servers and all that they need, installed if need be; None where npm is not to be had."""
    folder = scratch() / "node"
    folder.mkdir(exist_ok=True)
    wanted = (SOURCES / "package.json").read_bytes()
    stamp = folder / ".installed"
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    if not stamp.exists() or stamp.read_bytes() != wanted:
        if not shutil.which("npm"):
            return None
        tell("installing Apollo, mercurius, graphql-jit and PostGraphile (once) ...")
        quiet = ["--no-audit", "--no-fund", "--loglevel", "error"]
        if subprocess.run(["npm", "install", *quiet], cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
            return None
        stamp.write_bytes(wanted)
    return folder


def command(folder: Path, name: str) -> list[str]:
    """What starts a server: Node as npm brought it, since PostGraphile wants a newer one than Debian's."""
    return [str(folder / "node_modules" / ".bin" / "node"), "--max-old-space-size=6000", str(folder / f"{name}.mjs")]


def write_stations(url: str, file: Path) -> None:
    """All stations, an object a line, with everything that the map query asks for."""
    with psycopg.connect(url) as connection, file.open("wb") as out, connection.cursor("all_stations") as cursor:
        cursor.itersize = 5000
        for row in cursor.execute(STATIONS):
            out.write(orjson.dumps(_station(row)) + b"\n")
    os.chmod(file, 0o644)


def _station(row: tuple) -> dict:  # type: ignore[type-arg]
    id_, name, latitude, longitude, street, city, postal_code, operator, evses = row
    statuses = [SHOWN.get(evse[2], evse[2]) for evse in evses]
    return {
        "id": f"S{id_}",
        "name": name,
        "coordinates": {"latitude": latitude, "longitude": longitude},
        "address": {"street": street, "city": city, "postalCode": postal_code},
        "operator": {"name": operator},
        "availability": {
            "available": statuses.count("AVAILABLE"),
            "occupied": statuses.count("OCCUPIED"),
            "total": len(statuses),
        },
        "evses": [
            {
                "id": f"E{evse[0]}",
                "evseId": evse[1],
                "status": status,
                "connectors": [
                    {"id": f"C{plug[0]}", "standard": plug[1], "format": plug[2], "powerType": plug[3],
                     "maxPowerKw": plug[4] / 1000 if plug[4] else None} for plug in evse[3]
                ],
            }
            for evse, status in zip(evses, statuses, strict=True)
        ],
    }  # fmt: skip
