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
    """The URL of a new database for a world, with its tables in it and nothing else."""
    name, template = f"world_{os.getpid()}_{uuid.uuid4().hex[:6]}", server_url.partition("?")[0].rsplit("/", 1)[1]
    new = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    _admin(named(server_url, "postgres"), new)
    return named(server_url, name)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, world_database: str) -> Iterator[World]:
    """Everything running, the operator registered and pulled."""
    with made_world(tmp_path_factory.mktemp("world"), world_database) as made:
        yield made
