"""Our side of the search: the station index of a process, asked as the API asks it, answers read as it reads them."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import psutil
from _questions import Row, Wanted
from _report import tell
from sqlalchemy.ext.asyncio import AsyncSession

from emsp.stations import search
from emsp.stations.asking import Filter, Near, Order
from emsp.stations.geo import Box
from emsp.stations.index import codes

READY_S = 180
AVAILABLE, TOTAL = codes.COUNTED.index("available"), codes.COUNTED.index("total")


async def load() -> tuple[float, int]:
    """Start the index of this process; the seconds that it took, and how many EVSEs it has."""
    from emsp.stations.index import live

    started = perf_counter()
    await live.start()
    while live.current() is None:
        if perf_counter() - started > READY_S:
            raise TimeoutError(f"the index is not ready after {READY_S} s")
        await asyncio.sleep(0.01)
    took = perf_counter() - started
    index = live.current()
    evses = sum(len(segment.evse_id) for segment in index.segments) if index else 0
    tell(f"  the index has {evses:,} EVSEs after {took:,.1f} s")
    return took, evses


def own_mib() -> float:
    """MiB of memory that no other process can share with this one: unchanged pages of a file are not its own."""
    return sum(part.anonymous for part in psutil.Process().memory_maps()) / 2**20


class Ours:
    """The same questions as the rivals are asked, with the same rows out."""

    name = "emsp"

    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def street(self, box: Row, middle: tuple[float, float]) -> list[Any]:
        """The nearest hundred in the box, and how many there are in all."""
        page = await search.find(self.db, Box(*box), first=100)
        return _read(page.stations, page.total_count)

    async def nearest(self, at: tuple[float, float], wanted: Wanted) -> list[Any]:
        """The nearest twenty with a free charge point that fits; the whole number is counted as well."""
        page = await search.find(self.db, Near(*at), _filter(wanted, free=True), Order.DISTANCE, 20)
        return _read(page.stations, page.total_count)

    async def clusters(self, box: Row, zoom: int, wanted: Wanted | None) -> list[Any]:
        """Counts and middles by cells of the map."""
        found = await search.clusters(self.db, Box(*box), zoom, _filter(wanted, free=False) if wanted else None)
        return [
            (each.longitude, each.latitude, each.station_count, each.availability.available, each.availability.total,
             each.max_power_w)
            for each in found
        ]  # fmt: skip

    async def text(self, words: list[str]) -> list[Any]:
        """Ten stations that have every word."""
        page = await search.search_places(self.db, " ".join(words), 10)
        return [(station.id, station.name) for station in page.stations]


def _filter(wanted: Wanted, *, free: bool) -> Filter:
    return Filter(
        available_now=free, standards=(wanted.standard,), min_power_w=wanted.power_w, operator_ids=wanted.operators
    )


def _read(stations: Any, total: int) -> list[Any]:
    """By the readers of columns that answers are written with."""
    columns = stations.ids, stations.texts(), stations.column("longitude"), stations.column("latitude")
    return [
        (id, texts.name, longitude, latitude, counts[AVAILABLE], counts[TOTAL], total)
        for id, texts, longitude, latitude, counts in zip(*columns, stations.counts(), strict=True)
    ]
