"""`emsp partners connect`, `add`, `invite`: how a partner comes to be connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from emsp.cli.partners_options import EncodingOption, PartiesOption, VersionOption
from emsp.cli.partners_pulling import pulled, show_counts
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.ocpi import connections, ours, routing, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.join import handshake
from emsp.ocpi.pull.crawl import PullCounts


def connect(
    url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    token: Annotated[str, typer.Argument(help="The CREDENTIALS_TOKEN_A that the partner gave.")],
    name: Annotated[str | None, typer.Option(help="What to call the partner; its own name if unset.")] = None,
    version: VersionOption = None,
    encoding: EncodingOption = None,
    party: PartiesOption = None,
    pull: Annotated[bool, typer.Option(help="Pull everything at once.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Register at a partner (we begin the handshake), then pull what it has."""

    async def story() -> tuple[str, dict[str, PullCounts]]:
        tell = _quiet if as_json else _told
        made = await handshake.connect(url, token, name=name, version=version, encoding=encoding, progress=tell)
        await _allow(made.id, party or [])
        async with transaction() as db:
            partner = (await connections.peer(db, made.id)).name
        if not as_json:
            console.print(f"Registered at {partner} with OCPI {made.version}.", highlight=False, soft_wrap=True)
        return partner, await pulled(made.id, quiet=as_json, since=made.registered_at) if pull else {}

    partner, counts = run(story())
    show_counts(partner, counts, as_json=as_json)


async def _allow(connection_id: UUID, parties: Sequence[str]) -> None:
    async with transaction() as db:
        for party in parties:
            await routing.allow(db, connection_id, PartyId.parse(party))


def _endpoints(stated: list[str] | None) -> list[str]:
    for text in stated or []:
        what, _, url = text.partition("=")
        module, _, role = what.partition(":")
        if not module or role.upper() not in ("SENDER", "RECEIVER", "") or "://" not in url:
            raise typer.BadParameter(f"{text!r} is not MODULE:SENDER=URL or MODULE:RECEIVER=URL")
    return stated or []


def endpoint_of(text: str) -> dict[str, str]:
    """`locations:SENDER=https://…` as an endpoint; 2.1.1 has no roles."""
    what, _, url = text.partition("=")
    module, _, role = what.partition(":")
    return {"identifier": module.lower(), "role": role.upper(), "url": url}


def add(
    name: Annotated[str, typer.Argument(help="What to call the partner.")],
    token_out: Annotated[str, typer.Option(help="The token that the partner gave us for calls to it.")],
    party: PartiesOption = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(callback=_endpoints, help="MODULE:ROLE=URL, such as locations:SENDER=https://…; repeatable."),
    ] = None,
    static: Annotated[bool, typer.Option("--static", help="By hand, without a handshake.")] = False,
    version: VersionOption = "2.2.1",
    token_in: Annotated[str | None, typer.Option(help="The token for its calls to us; a new one if unset.")] = None,
    encoding: EncodingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a partner that cannot do the handshake: tokens, endpoints and parties as agreed by hand."""
    if not static:
        raise typer.BadParameter("say --static; emsp partners connect registers a partner that can", param_hint="add")
    if not party:
        raise typer.BadParameter("at least one is needed", param_hint="--party")
    _, token = run(
        handshake.add_static(
            name,
            version=version or "2.2.1",
            token_out=token_out,
            token_in=token_in,
            encoding=encoding or wire.BASE64,
            endpoints=[endpoint_of(text) for text in endpoint or []],
            roles=[PartyId.parse(text) for text in party],
        )
    )
    row: dict[str, Any] = {"partner": name, "versions_url": ours.versions_url(), "token": token}
    show([row], as_json=as_json)


def invite(
    name: Annotated[str, typer.Argument(help="What to call the partner.")],
    as_json: JsonOption = False,
) -> None:
    """Let a partner register at us (they begin the handshake): prints our versions URL and a token for them."""
    token, versions_url = run(handshake.invite(name))
    show([{"partner": name, "versions_url": versions_url, "token": token}], as_json=as_json)


def reseal() -> None:
    """Seal the tokens that we show partners with the key of today; EMSP_FORMER_SECRET_KEYS can go then."""
    console.print(f"{run(handshake.reseal())} tokens are sealed with EMSP_SECRET_KEY.", highlight=False)


def _told(step: str) -> None:
    console.print(f"... {step}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _quiet(step: str) -> None:
    """Nobody watches."""
