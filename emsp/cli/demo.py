"""`emsp demo`: the main job, on this machine, before your eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emsp.cli.running import LocationsOption, TariffsOption, console
from emsp.demo.play import DemoOptions, play


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the receipt and the bill; non-zero if it failed.")
    ] = False,
    locations: LocationsOption = None,
    tariffs: TariffsOption = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the API; the one of the last time, or a free one, if unset.")
    ] = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds of charging per second.")] = 600.0,
    data_dir: Annotated[Path, typer.Option(help="Folder of the database and of everything else that is kept.")] = Path(
        ".data/demo"
    ),
) -> None:
    """Start everything, register a sandbox operator, play one driver's charge, and keep serving until Ctrl-C."""
    options = DemoOptions(
        once=once,
        data_dir=data_dir.resolve(),
        port=port,
        speed=speed,
        locations=locations.resolve() if locations else None,
        tariffs=tariffs.resolve() if tariffs else None,
    )
    raise typer.Exit(play(options, console))
