"""Charges by many drivers while API, workers, operator, card processor and database connections are killed at random.

At the end a checker reads nothing but the ledger and the books of the card processor and the operator. The exit status
is 0 only where every invariant holds.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

import psycopg

from emsp.db import embedded
from tests.chaos.run import run
from tests.chaos.told import data, table


def main() -> int:
    """Plays one run and prints its table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, default=500, help="how many charges (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="how many kills (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the dice roll (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=24, help="charges at the same time (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    parser.add_argument("--keep", action="store_true", help="keep database, books and logs, also if all is well")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="emsp-chaos-"))
    wanted = {"seed": chosen.seed, "charges": chosen.charges, "kills": chosen.kills, "at_once": chosen.at_once}
    report = asyncio.run(run(folder, _database(folder), **wanted))
    print(table(report))
    if chosen.json:
        chosen.json.write_text(json.dumps(data(report), indent=2))
    if report.holds and not chosen.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if report.holds else 1


def _database(folder: Path) -> str:
    """A PostgreSQL of this run's own, which ends with it."""
    url = embedded.start(folder / "database", "chaos")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # the server itself is not killed
        connection.execute("SELECT pg_reload_conf()")
    return url


if __name__ == "__main__":
    sys.exit(main())
