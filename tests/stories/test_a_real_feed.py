"""A part of a real national feed, as the operators published it: all of it is taken, or kept apart with a reason."""

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.stories.world import World

DATA = Path(__file__).parents[3] / "shared" / "data"
LOCATIONS, TARIFFS = DATA / "ndw-2026-06-02-locations.jsonl.gz", DATA / "ndw-2026-06-02-tariffs.jsonl.gz"
PARTIES = ("ALL", "NUO")
HOW_MANY = 3000
FEED = "Real feed"

COUNT = """
query {
  stations(where: {box: {west: 3, south: 50, east: 8, north: 54}}, first: 100) {
    totalCount
    nodes { name availability { total unknown } evses { connectors { tariff { summary } priceMissingReason } } }
  }
}"""


def _of_parties(file: Path) -> Iterator[str]:
    """The objects of two operators, which the sandbox does not make up."""
    with gzip.open(file, "rt") as lines:
        yield from (line for line in lines if json.loads(line)["party_id"] in PARTIES)


@pytest.mark.skipif(not LOCATIONS.exists(), reason="the real feed is not on this machine")
async def test_that_it_is_pulled_whole_and_unchanged_the_second_time(world: World, tmp_path: Path) -> None:
    stations_file, tariffs_file = tmp_path / "locations.jsonl", tmp_path / "tariffs.jsonl"
    stations_file.write_text("".join(islice(_of_parties(LOCATIONS), HOW_MANY)))
    tariffs_file.write_text("".join(tariffs := list(_of_parties(TARIFFS))))
    options = ("--locations", str(stations_file), "--tariffs", str(tariffs_file), "--token", "real")
    world.processes.start("feed", "sandbox", "cpo", *options, announces=True)
    try:
        url = world.processes.announced("feed")["versions_url"]
        first = json.loads(world.processes.run("partners", "connect", url, "real", "--name", FEED, "--json"))
        second = json.loads(world.processes.run("partners", "sync", FEED, "--full", "--json"))
    finally:
        world.kill("feed")

    first_by, second_by = ({row["module"]: row for row in rows} for rows in (first, second))
    assert first_by["locations"]["seen"] == HOW_MANY
    assert first_by["locations"]["changed"] + first_by["locations"]["apart"] == HOW_MANY
    assert first_by["locations"]["apart"] == sum(first_by["locations"]["reasons"].values())
    assert first_by["tariffs"]["seen"] == len(tariffs) > 300
    assert first_by["tariffs"]["changed"] + first_by["tariffs"]["apart"] == len(tariffs)
    assert (second_by["locations"]["changed"], second_by["locations"]["unchanged"]) == (0, HOW_MANY)

    app = await world.driver(card=None)
    stations = (await app.ask(COUNT))["stations"]
    assert stations["totalCount"] >= HOW_MANY // 2
    for station in stations["nodes"]:
        for connector in (connector for evse in station["evses"] for connector in evse["connectors"]):
            assert (connector["tariff"] is None) == (connector["priceMissingReason"] is not None)
