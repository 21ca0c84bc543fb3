"""A sandbox CPO and a fake eMSP, both real servers on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emsp.sandbox.cpo.wire import encode

from .fake_emsp import FakeEmsp
from .running import STATION, TARIFF, RunningCpo, free_socket, running_cpo, serving


@pytest.fixture
async def emsp() -> AsyncIterator[FakeEmsp]:
    listener = free_socket()
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        fake = FakeEmsp(f"http://127.0.0.1:{listener.getsockname()[1]}", client)
        async with serving(fake.app(), listener):
            yield fake


@pytest.fixture
async def cpo(emsp: FakeEmsp, feed: dict[str, Any]) -> AsyncIterator[RunningCpo]:
    """A registered CPO with one known station."""
    async with running_cpo(emsp, **feed) as running:
        yield await running.registered()


@pytest.fixture
def station() -> dict[str, Any]:
    return STATION


@pytest.fixture
def feed(tmp_path: Path) -> dict[str, Path]:
    """The options of a feed of one station with one tariff."""
    files = {"locations": tmp_path / "locations.jsonl", "tariffs": tmp_path / "tariffs.jsonl"}
    for path, published in zip(files.values(), (STATION, TARIFF), strict=True):
        path.write_bytes(encode(published) + b"\n")
    return files
