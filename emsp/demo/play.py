"""Sets the stage, plays the story, and keeps serving until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from emsp.db import migrate
from emsp.db.engine import database_url
from emsp.demo.processes import DemoFailed, Processes, kept_ports, surroundings
from emsp.demo.story import DRIVER, Story
from emsp.settings import settings

PARTNER = "Sandbox CPO"
CPO_TOKEN = "demo-credentials-token-a"


@dataclass(frozen=True)
class DemoOptions:
    """What may be chosen for a demo."""

    once: bool
    data_dir: Path
    port: int | None
    speed: float
    locations: Path | None
    tariffs: Path | None


def play(options: DemoOptions, console: Console) -> int:
    """Run the demo; the exit status."""
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    ports = kept_ports(options.data_dir, options.port)
    env = surroundings(options.data_dir, ports)
    os.environ.update(env)
    settings.cache_clear()
    processes = Processes(options.data_dir, env)
    try:
        console.print(f"Data folder: {options.data_dir}")
        _set_stage(processes, options, ports, console)
        console.print(f"Everything runs, {time.monotonic() - began:.1f} s after the start.")
        story = Story(env["EMSP_PUBLIC_URL"], processes.log_of("serve"), console)
        asyncio.run(story.play())
        processes.check()
        _tell_where_to_look(story, env["EMSP_PUBLIC_URL"], console, once=options.once)
        if not options.once:
            _keep_serving(processes)
        return 0
    except DemoFailed as failed:
        console.print(f"The demo failed: {failed}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopping.")
        return 0 if not options.once else 130
    finally:
        processes.stop()


def _set_stage(processes: Processes, options: DemoOptions, ports: dict[str, int], console: Console) -> None:
    api = processes.env["EMSP_PUBLIC_URL"]
    processes.start("cards", *_cards(options, ports, api), announces=True)
    processes.start("cpo", *_cpo(options, ports), announces=True)
    database_url()
    if not migrate.is_current():
        processes.run("migrate")
    processes.start("serve", "serve", "--port", str(ports["api"]))
    processes.start("work", "work")
    cpo = processes.announced("cpo")
    if cpo["registered"]:
        console.rule("[bold cyan]The partner is known: what changed since the last time", align="left")
        processes.run("partners", "sync", PARTNER, show=True)
    processes.announced("cards")
    processes.wait_until_ready("serve", f"{api}/readyz")
    if not cpo["registered"]:
        console.rule("[bold cyan]Registering a Charge Point Operator over OCPI, and pulling what it has", align="left")
        processes.run("partners", "connect", cpo["versions_url"], CPO_TOKEN, "--name", PARTNER, show=True)


def _cards(options: DemoOptions, ports: dict[str, int], api: str) -> list[str]:
    state = options.data_dir / "cards.sqlite"
    hook = f"{api}/stripe/webhooks"
    return ["sandbox", "cards", "--port", str(ports["cards"]), "--webhook-url", hook, "--state", str(state)]


def _cpo(options: DemoOptions, ports: dict[str, int]) -> list[str]:
    state = options.data_dir / "cpo.json"
    arguments = ["sandbox", "cpo", "--port", str(ports["cpo"]), "--token", CPO_TOKEN, "--state", str(state)]
    for name, value in (("--locations", options.locations), ("--tariffs", options.tariffs)):
        arguments += [name, str(value)] if value else []
    return [*arguments, "--speed", str(options.speed), "--status-churn", "20"]


def _tell_where_to_look(story: Story, api: str, console: Console, *, once: bool) -> None:
    if once:
        console.print("[green bold]The demo went all the way.[/green bold]")
        return
    console.rule("[bold cyan]Where to look next", align="left")
    console.print(f"GraphiQL: {api}/graphql   OCPI: {api}/ocpi/versions   health: {api}/readyz")
    console.print(f"To sign in as {DRIVER} in GraphiQL: requestSignInCode, then read the code in the log of `serve`;")
    app = asyncio.run(story.signed_in(DRIVER))
    console.print(f'or send this header: {{"Authorization": "Bearer {app.token}"}}', highlight=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.")


def _keep_serving(processes: Processes) -> None:
    while True:
        time.sleep(1)
        processes.check()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
