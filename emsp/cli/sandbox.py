"""`emsp sandbox`: the world outside, on loopback: a Charge Point Operator and a card processor."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from emsp.cli.running import JsonOption, LocationsOption, TariffsOption, show
from emsp.sandbox import cards as card_processor
from emsp.sandbox import cpo as operator
from emsp.sandbox.cpo import lies

cli = typer.Typer(
    no_args_is_help=True, help="The world outside, on loopback: a Charge Point Operator and a card processor."
)
VersionsOption = Annotated[
    list[str] | None, typer.Option("--version", help="An OCPI version to offer: 2.1.1, 2.2.1 or 2.3.0; repeatable.")
]
LiesOption = Annotated[
    list[str] | None, typer.Option("--lie", help="A lie to tell, by name; repeatable. `emsp sandbox lies` lists them.")
]
StateOption = Annotated[Path | None, typer.Option(help="File that keeps what happened over a restart.")]


@cli.command()
def cpo(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    token: Annotated[
        str | None, typer.Option(help="The token with which a partner registers; random if unset.")
    ] = None,
    locations: LocationsOption = None,
    tariffs: TariffsOption = None,
    stations: Annotated[int, typer.Option(help="How many stations to make up without a feed.")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of what is made up.")] = 1,
    version: VersionsOption = None,
    role: Annotated[str, typer.Option(help="cpo, or hub to stand between several operators and the partner.")] = "cpo",
    lie: LiesOption = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second.")] = 1.0,
    status_churn: Annotated[float, typer.Option(help="EVSEs a minute whose status changes by itself.")] = 0.0,
    update_every_s: Annotated[float, typer.Option(help="Seconds between two updates of a running session.")] = 1.0,
    state: StateOption = None,
    page_limit: Annotated[int, typer.Option(help="Objects on a page at most.")] = 250,
    late_s: Annotated[float, typer.Option(help="Seconds by which what is late is late.")] = 30.0,
    slow_s: Annotated[float, typer.Option(help="Seconds that a slow answer takes.")] = 3.0,
) -> None:
    """A Charge Point Operator, or a hub before several, that speaks OCPI and charges simulated cars.

    Prints one line of JSON with its versions URL and its token as soon as it serves.
    """
    chosen: dict[str, Any] = {"token": token} if token else {}
    options = _checked(
        operator.CpoOptions,
        port=port,
        locations=locations,
        tariffs=tariffs,
        stations=stations,
        seed=seed,
        versions=tuple(version or ("2.2.1",)),
        role=role,
        lies=tuple(lie or ()),
        speed=speed,
        status_churn=status_churn,
        update_every_s=update_every_s,
        state=state,
        page_limit=page_limit,
        late_s=late_s,
        slow_s=slow_s,
        **chosen,
    )
    _serve(operator.serve(options))


@cli.command("lies")
def list_lies(as_json: JsonOption = False) -> None:
    """The faults that a sandbox operator can be told to have (--lie NAME), each with the rule or report behind it."""
    rows = [{"name": lie.name, "what happens": lie.sentence, "see": lie.source} for lie in lies.CATALOGUE.values()]
    show(rows, as_json=as_json)


@cli.command()
def cards(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    webhook_url: Annotated[str | None, typer.Option(help="Where its webhooks go.")] = None,
    webhook_secret: Annotated[str, typer.Option(help="Secret that signs them.")] = "whsec_sandbox",
    state: StateOption = None,
) -> None:
    """A card processor that speaks the part of Stripe's API that we use.

    Prints one line of JSON with its address as soon as it serves. Test cards: pm_card_visa,
    pm_card_chargeDeclined, pm_card_authenticationRequired and others as Stripe names them.
    """
    options = card_processor.CardsOptions(
        port=port, webhook_url=webhook_url, webhook_secret=webhook_secret, state=state
    )
    _serve(card_processor.serve(options))


def _checked(make: Any, **values: Any) -> Any:
    try:
        return make(**values)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _serve(service: Any) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(service)
