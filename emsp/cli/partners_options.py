"""Arguments and options that the `emsp partners` commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from emsp.errors import Invalid
from emsp.ocpi import ours, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.pull import schedule

ENCODINGS = (wire.RAW, wire.BASE64)


def _modules(modules: list[str] | None) -> list[str] | None:
    for module in modules or []:
        if module not in schedule.ALL_MODULES:
            raise typer.BadParameter(f"{module!r} is not one of {', '.join(schedule.ALL_MODULES)}")
    return modules


def _version(version: str | None) -> str | None:
    if version is not None and version not in ours.VERSIONS:
        raise typer.BadParameter(f"{version!r} is not one of {', '.join(ours.VERSIONS)}")
    return version


def _encoding(encoding: str | None) -> str | None:
    if encoding is not None and encoding.upper() not in ENCODINGS:
        raise typer.BadParameter(f"{encoding!r} is not one of raw, base64")
    return encoding and encoding.upper()


def _party(text: str) -> str:
    try:
        return "/".join(PartyId.parse(text))
    except Invalid as fault:
        raise typer.BadParameter(str(fault)) from fault


def _parties(texts: list[str] | None) -> list[str]:
    return [_party(text) for text in texts or []]


NameArgument = Annotated[str, typer.Argument(help="The partner's name, as `emsp partners list` shows it.")]
PartyArgument = Annotated[str, typer.Argument(callback=_party, help="A party: NL/ABC.")]
ModuleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--module", callback=_modules, help=f"{', '.join(schedule.ALL_MODULES)}; may be repeated; all if unset."
    ),
]
VersionOption = Annotated[
    str | None,
    typer.Option(callback=_version, help=f"{', '.join(ours.VERSIONS)}; the newest that both speak if unset."),
]
EncodingOption = Annotated[
    str | None, typer.Option(callback=_encoding, help="How tokens are sent: raw or base64; found out if unset.")
]
PartiesOption = Annotated[
    list[str] | None,
    typer.Option("--party", callback=_parties, help="A party of theirs beyond their credentials: NL/ABC; repeatable."),
]
