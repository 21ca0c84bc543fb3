"""Databases for tests: one serves test after test, since making one takes longer than most tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

MOST_DELETED = 2000
"""Rows that are deleted from a database before a new one takes its place: until then they lie about in its files."""
TABLES = """
    SELECT relname FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"""
ALONE = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
NO_TRIGGERS = "SET session_replication_role = replica"
"""Neither foreign keys nor the ledger that refuses to be changed."""
FROM_ONE_AGAIN = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
     WHERE last_value IS NOT NULL"""


def named(url: str, database: str) -> str:
    """`url` with another database's name."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def name_of(url: str) -> str:
    """The name of the database at `url`."""
    return url.partition("?")[0].rsplit("/", 1)[1]


def administer(url: str, statement: sql.Composable) -> None:
    """Run a statement outside of any transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


class Databases:
    """One after the other, each with the tables of `template` and without rows, all of one name."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._admin_url = named(template, "postgres")
        self._url = named(template, f"emsp_{uuid.uuid4().hex[:12]}")
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty database that nobody else uses meanwhile."""
        if self._connection is None:
            self._make()
        yield self._url
        if not self._is_empty_again():
            self.drop()

    def drop(self) -> None:
        """Let go of the present one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            name = sql.Identifier(name_of(self._url))
            administer(self._admin_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _make(self) -> None:
        names = [sql.Identifier(name_of(url)) for url in (self._url, self._template)]
        administer(self._admin_url, sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names))
        self._connection = psycopg.connect(self._url, autocommit=True)
        self._connection.execute(NO_TRIGGERS)
        tables = [sql.Identifier(name) for (name,) in self._connection.execute(TABLES)]
        # What autovacuum frees is filled again, and rows would no longer lie in the order in which they came.
        for table in tables:
            self._connection.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(table))
        self._emptying, self._deleted = _emptying(tables), 0

    def _is_empty_again(self) -> bool:
        """Whether it may be lent once more; not if somebody changed its tables, or much was in it."""
        assert self._connection is not None
        try:
            self._connection.execute(ALONE)
            [(deleted,)] = self._connection.execute(self._emptying, prepare=True)
            self._connection.execute(FROM_ONE_AGAIN)
        except psycopg.Error:
            return False
        self._deleted += deleted
        return self._deleted <= MOST_DELETED


def _emptying(tables: list[sql.Identifier]) -> sql.Composed:
    """One statement that deletes all rows, and tells how many there were."""
    parts = [sql.Identifier(f"deleted_{number}") for number in range(len(tables))]
    deleting = [sql.SQL("{} AS (DELETE FROM {} RETURNING 1)").format(*pair) for pair in zip(parts, tables, strict=True)]
    counting = [sql.SQL("(SELECT count(*) FROM {})").format(part) for part in parts]
    return sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(deleting), sql.SQL(" + ").join(counting))
