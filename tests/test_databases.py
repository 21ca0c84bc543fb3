"""What one test leaves in its database, the next one does not find."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import MOST_DELETED, Databases

PUT = "INSERT INTO procrastinate_jobs (queue_name, task_name) SELECT 'q', 't' FROM generate_series(1, %s) RETURNING id"
WHICH = "SELECT oid FROM pg_database WHERE datname = current_database()"


@pytest.fixture
def databases(server_url: str) -> Iterator[Databases]:
    made = Databases(server_url)
    yield made
    made.drop()


def in_turn(databases: Databases, rows: int, and_then: str = "SELECT 1") -> tuple[int, int]:
    """A test that writes some rows: (the first id, the database that it was in)."""
    with databases.lent() as url, psycopg.connect(url, autocommit=True) as connection:
        [(first,), *_] = connection.execute(PUT, [rows])
        connection.execute(and_then)
        [(which,)] = connection.execute(WHICH)
        return first, which


def test_that_rows_are_gone_and_ids_begin_again(databases: Databases) -> None:
    one, other = in_turn(databases, 3), in_turn(databases, 1)
    assert one == other
    assert one[0] == 1


def test_that_a_connection_that_is_left_open_is_closed(databases: Databases) -> None:
    with databases.lent() as url:
        left = psycopg.connect(url)
        left.execute(PUT, [1])
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")


@pytest.mark.parametrize(
    ("rows", "and_then"), [(1, "ALTER TABLE points_entry RENAME TO lost"), (MOST_DELETED + 1, "SELECT 1")]
)
def test_that_what_is_not_as_it_was_gives_way_to_a_new_one(databases: Databases, rows: int, and_then: str) -> None:
    _, spoilt = in_turn(databases, rows, and_then)
    first, which = in_turn(databases, 1)
    assert (first, which != spoilt) == (1, True)
