"""One world for all stories of a test process: starting one takes seconds."""

import os
import uuid
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.conftest import _admin, named
from tests.stories.world import World, made_world


@pytest.fixture(scope="session")
def world_database(server_url: str) -> str:
    """An empty database of the world's own."""
    return empty_database(server_url)


def empty_database(server_url: str) -> str:
    """The URL of a new database for a world."""
    name = f"world_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    _admin(named(server_url, "postgres"), sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return named(server_url, name)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, world_database: str) -> Iterator[World]:
    """Everything running, the operator registered and pulled."""
    with made_world(tmp_path_factory.mktemp("world"), world_database) as made:
        yield made
