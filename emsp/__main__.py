"""The driver-facing e-Mobility Service Provider backend.

`emsp serve` answers apps and partners, `emsp work` does what happens later; run as many of each as you like on
one PostgreSQL. `emsp migrate` first.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from emsp import settings

# Each command imports what it needs when it is called: a sandbox should not cost the start of the whole service.

GROUPS = (
    "balances",
    "bills",
    "brands",
    "disputes",
    "fleets",
    "partners",
    "plans",
    "quotes",
    "rates",
    "sandbox",
    "stations",
    "support",
    "tokens",
    "vouchers",
)
ALONE = ("accruals", "demo", "price")
cli = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False, add_completion=False)


@cli.command()
def migrate(
    new: Annotated[str | None, typer.Option(help="Write a new migration with this title instead (developers).")] = None,
) -> None:
    """Bring the database to the newest revision, and make the first brand if there is none."""
    from emsp import app  # noqa: F401  (brings in every table)
    from emsp.cli import brands
    from emsp.db import migrate as migrations

    if new:
        migrations.new(new)
        return
    migrations.apply()
    brands.ensure_default()


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port; one a core is plenty.")] = 1,
) -> None:
    """Serve GraphQL at /graphql, OCPI at /ocpi/versions, Stripe's webhook at /stripe/webhooks."""
    from emsp.cli import serving

    serving.serve(host, port, workers)


@cli.command()
def work(
    concurrency: Annotated[int, typer.Option(min=0, help="How many jobs at a time that somebody waits for.")] = 8,
    background: Annotated[int, typer.Option(min=0, help="How many pulls, comparisons and the like beside them.")] = 4,
) -> None:
    """Do what happens later: payments, commands, settlements, mails; pulls beside them, or in another process."""
    from emsp import app, logs
    from emsp.cli import working
    from emsp.cli.running import until_stopped

    if not concurrency and not background:
        raise typer.BadParameter("this would do nothing: --concurrency or --background has to be more than 0")
    logs.set_up()
    app.plug()
    until_stopped(working.work(concurrency, background))


@cli.command()
def schema() -> None:
    """Print the GraphQL schema, as it is committed in schema.graphql."""
    from emsp.graphql.schema import schema_text

    typer.echo(schema_text(), nl=False)


@cli.command("settings")
def show_settings() -> None:
    """List the environment variables that are read, with their defaults."""
    from rich.console import Console
    from rich.table import Table

    table = Table("variable", "default", "meaning", box=None, header_style="bold")
    for row in settings.table():
        table.add_row(*row)
    Console().print(table)


def main() -> None:
    """What the `emsp` script runs."""
    settings.settings()  # one that makes no sense is told at once
    asked = sys.argv[1] if len(sys.argv) > 1 else "--help"
    for name in GROUPS:
        if asked in (name, "--help"):
            cli.add_typer(import_module(f"emsp.cli.{name}").cli, name=name)
    for name in ALONE:
        if asked in (name, "--help"):
            cli.command(name)(getattr(import_module(f"emsp.cli.{name}"), name))
    cli(prog_name="emsp")


if __name__ == "__main__":
    main()
