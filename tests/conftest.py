"""A real, freshly migrated PostgreSQL for every test that asks for one."""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from emsp.db import embedded, engine, migrate
from emsp.settings import settings
from tests.databases import Databases, administer, named

pytest.register_assert_rewrite("tests.stories.lies", "tests.stories.twins", "tests.stories.world")
TEMPLATE = "emsp_template"
MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 * 2**30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories take longest: they go first, so that no process is left alone with them at the end."""
    items.sort(key=lambda item: "stories" not in item.path.parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tables that tests made of what they measured."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "table":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(str(text))


def _use(url: str) -> None:
    os.environ["EMSP_DATABASE_URL"] = url
    settings.cache_clear()
    engine.database_url.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The settings that every test starts from."""
    os.environ.update(
        EMSP_SECRET_KEY="a key for tests only",
        EMSP_ALLOW_PRIVATE_PARTNERS="1",
        EMSP_DATA_DIR=str(tmp_path_factory.mktemp("data")),
        EMSP_LOG_LEVEL="WARNING",
    )
    settings.cache_clear()


def _embedded_server() -> str:
    """In memory where there is room; not in pytest's folders, which are closed to the system user that it runs as."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="emsp-tests-", dir=MEMORY if in_memory else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = embedded.start(folder, "postgres")
    administer(url, sql.SQL("ALTER SYSTEM SET fsync = off"))
    administer(url, sql.SQL("SELECT pg_reload_conf()"))
    return url


@pytest.fixture(scope="session")
def server_url(_surroundings: None) -> Iterator[str]:
    """A PostgreSQL server for this run with a migrated template database; the URL ends in that database's name."""
    import emsp.app  # noqa: F401  (brings in every table)

    url = os.environ.get("EMSP_TEST_DATABASE_URL") or _embedded_server()
    template = f"{TEMPLATE}_{os.getpid()}"
    administer(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
    _use(named(url, template))
    migrate.apply()
    yield named(url, template)
    administer(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(template)))


@pytest.fixture(scope="session")
def _databases(server_url: str) -> Iterator[Databases]:
    databases = Databases(server_url)
    yield databases
    databases.drop()


@pytest.fixture
def database_url(_databases: Databases) -> Iterator[str]:
    """The URL of an empty database that is this test's own."""
    with _databases.lent() as url:
        _use(url)
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    """`emsp.db.engine.transaction()` works, on a database of this test's own; statements stay compiled for the next."""
    yield database_url
    await engine.engine().dispose()
