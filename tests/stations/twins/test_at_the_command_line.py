"""`emsp stations twins`: looked for, counted, and those that are doubtful listed."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner

from emsp.cli.stations import cli
from tests.stations.places import evse, partner, put, station


async def asked(*options: str) -> list[dict[str, Any]]:
    told = await asyncio.to_thread(CliRunner().invoke, cli, ["twins", *options, "--json"])
    assert told.exit_code == 0, told.output
    return list(json.loads(told.output))


async def test_that_twins_are_found_counted_and_the_doubtful_ones_listed(database: str) -> None:
    await put(await partner("Operator"), station("L1", evse("E1")))
    await put(await partner("Hub"), station("H1", evse("h1", evse_id="NLABCE1"), party_id="HUB"))
    await put(await partner("Far"), station("F1", evse("f1", evse_id="NL-ABC-E1"), latitude=53.0, party_id="FAR"))
    assert await asked() == []
    (found,) = await asked("--look")
    assert found == {
        "matched_by": "EVSE_ID",
        "confidence_percent": 99,
        "twins": 1,
        "charge_points": 1,
        "stations_hidden": 1,
    }
    (doubtful,) = await asked("--doubtful")
    assert (doubtful["stations"], doubtful["published"]) == (
        2,
        ["NL*ABC L1 E1 AVAILABLE", "NL*FAR F1 f1 AVAILABLE"],
    )
