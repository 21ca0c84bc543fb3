"""One world for all stories of a test process: starting one takes seconds."""

import os
import uuid
from collections.abc import Iterator

import pytest
from psycopg import sql

from tests.databases import administer, name_of, named
from tests.stories.world import World, made_world


@pytest.fixture(scope="session")
def world_database(server_url: str) -> str:
    """An empty database of the world's own."""
    return empty_database(server_url)


def empty_database(server_url: str) -> str:
    """The URL of a new database for a world, with its tables in it and nothing else."""
    name, template = f"world_{os.getpid()}_{uuid.uuid4().hex[:6]}", name_of(server_url)
    new = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    administer(named(server_url, "postgres"), new)
    return named(server_url, name)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, world_database: str) -> Iterator[World]:
    """Everything running, the operator registered and pulled; it ends with the last story, since waiting costs, too."""
    with made_world(tmp_path_factory.mktemp("world"), world_database) as made:
        yield made
