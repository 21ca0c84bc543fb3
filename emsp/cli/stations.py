"""`emsp stations`: the map in memory."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from emsp.cli import stations_history, stations_twins
from emsp.cli.running import JsonOption, fail, run, show
from emsp.errors import NotFound

cli = typer.Typer(no_args_is_help=True, help="The stations on the map.")
cli.command("twins")(stations_twins.twins)
cli.command("learn")(stations_history.learn)
SHOWN = 20


@cli.command()
def check(as_json: JsonOption = False) -> None:
    """Compare the index, as it is kept in the data folder and followed from there, with the database; both are read."""
    from emsp.stations.index import snapshot
    from emsp.stations.index.check import Difference, differences
    from emsp.stations.index.follow import Follower

    async def story() -> tuple[int, list[Difference]]:
        standing = snapshot.usable()
        if standing is None:
            raise NotFound(f"a kept index at {snapshot.path()}: `emsp stations snapshot` makes one")
        follower = Follower(standing)
        found = await differences(follower)
        await follower.close()
        return follower.index.stations(), found

    stations, found = run(story())
    rows = [{"station": one.station_id, "column": one.column, "id": one.thing_id} for one in found[:SHOWN]]
    show(rows, as_json=as_json, empty=f"{stations} stations, all of them as in the database")
    if found:
        raise fail(f"{len(found)} differences among {stations} stations")


@cli.command("snapshot")
def make_snapshot(
    newer_than: Annotated[float, typer.Option(help="Keep a file newer than this, in seconds since 1970.")] = 0.0,
    progress: Annotated[bool, typer.Option(help="Tell how far the reading is, as lines of JSON.")] = False,
) -> None:
    """Write the index to the data folder, if there is none that can be used: processes that start next map it."""
    from emsp.stations.index import snapshot

    def tell(done: int, expected: int) -> None:
        if progress:
            typer.echo(msgspec.json.encode({"done": done, "expected": expected}).decode())

    async def story() -> None:
        snapshot.make(newer_than, tell)

    run(story())


@cli.command()
def rebuild() -> None:
    """Write the index anew, and let every running process change over to it without stopping."""
    from emsp import events
    from emsp.db.engine import transaction
    from emsp.stations.index import live, snapshot
    from emsp.stations.log import TOPIC

    async def story() -> None:
        snapshot.make(None)
        async with transaction() as db:
            await events.wake(db, TOPIC, [live.RENEWED])

    run(story())
