"""`emsp partners check`: a partner examined before it is connected, as a report that it can act on."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.text import Text

from emsp.cli.running import JsonOption, console, run, show
from emsp.ocpi.conformance import check as examination
from emsp.ocpi.conformance import report, tables
from emsp.ocpi.conformance.findings import ERROR


def _known_version(version: str | None) -> str | None:
    if version is not None and version not in tables.VERSIONS:
        raise typer.BadParameter(f"{version!r} is not one of {', '.join(tables.VERSIONS)}")
    return version


def _known_modules(modules: list[str] | None) -> list[str] | None:
    for module in modules or []:
        if module not in tables.MODULES:
            raise typer.BadParameter(f"{module!r} is not one of {', '.join(tables.MODULES)}")
    return modules


def check(
    url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    token: Annotated[str, typer.Argument(help="A token of the partner; one for the registration opens less.")],
    version: Annotated[
        str | None, typer.Option(callback=_known_version, help="The version to examine; the newest if unset.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many objects of each module are examined.")] = examination.MOST,
    module: Annotated[
        list[str] | None,
        typer.Option(callback=_known_modules, help=f"{', '.join(tables.MODULES)}; may be repeated; all if unset."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Examine a partner against OCPI before it is connected; nothing is registered or written there.

    Exit status 1 when something is against the specification.
    """
    modules = module or list(tables.MODULES)
    tell = None if as_json else _told
    found = run(examination.check(url, token, version=version, most=most, modules=modules, progress=tell))
    if as_json:
        typer.echo(json.dumps(report.as_json(found)))
    else:
        _show(found)
    if found.count(ERROR):
        raise typer.Exit(1)


def _told(step: str) -> None:
    console.print(f"... {step}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _show(found: examination.Report) -> None:
    for where, groups in report.places(found):
        console.print(f"\n{where}", style="bold", markup=False, highlight=False)
        for group in groups:
            name = Text(f"  {group.severity.name:<8}", style=report.COLOURS[group.severity])
            console.print(name.append(report.line(group), style="default"), highlight=False, soft_wrap=True)
    console.print()
    if found.modules:
        show(report.as_json(found)["modules"], as_json=False)
    console.print(f"\n{report.headline(found)}", markup=False, highlight=False, soft_wrap=True)
