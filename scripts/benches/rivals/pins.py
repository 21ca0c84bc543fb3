"""What the rivals of the search are filled with: a row a station with its counts, a row a connector.

Counts are kept beside the station, which spares a rival two joins; keeping them true would be its own expense.
"""

from __future__ import annotations

import psycopg

PIN = """
    SELECT s.id, s.name, s.search_words, s.longitude, s.latitude,
           degrees(ln(tan(radians(45 + s.latitude / 2)))), s.operator_id, e.available, e.total, e.max_power_w
      FROM station s JOIN (
        SELECT station_id, count(DISTINCT evse.id) FILTER (WHERE status = 'AVAILABLE') AS available,
               count(DISTINCT evse.id) AS total, max(max_power_w) AS max_power_w
          FROM evse JOIN connector ON connector.evse_id = evse.id GROUP BY station_id
      ) e ON e.station_id = s.id
"""
SOCKET = """
    SELECT e.station_id, c.standard, c.max_power_w, e.status FROM connector c JOIN evse e ON e.id = c.evse_id
"""
TABLES = {"pin": PIN, "socket": SOCKET}


def copied(url: str) -> dict[str, bytes]:
    """The rows of both tables, as COPY writes them."""
    result = {}
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for table, query in TABLES.items():
            with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
                result[table] = b"".join(copy)
    return result
