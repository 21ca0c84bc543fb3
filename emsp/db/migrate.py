"""Migrations: applied by `emsp migrate`, made by `emsp migrate --new`, checked against the tables by a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlmodel import SQLModel

from emsp.db.engine import database_url

LOCK = 7_310_245


def apply() -> None:
    """Bring the database to the newest revision; several processes may call this at once."""
    with _engine().begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        command.upgrade(_config(connection), "head")


def new(message: str) -> None:
    """Write a migration for what the tables have and the database has not."""
    with _engine().begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def differences() -> list[Any]:
    """What the tables and the migrated database disagree about; empty when all is well."""
    with _engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
        return list(compare_metadata(context, SQLModel.metadata))


def is_current() -> bool:
    """Whether the database is at the newest revision."""
    with _engine().connect() as connection:
        newest = ScriptDirectory.from_config(_config(connection)).get_current_head()
        return MigrationContext.configure(connection).get_current_revision() == newest


def _engine() -> Any:
    return create_engine(database_url().replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, metadata=SQLModel.metadata, include_object=_is_ours)
    return config


def _is_ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    return not (kind == "table" and (name or "").startswith("procrastinate_"))
