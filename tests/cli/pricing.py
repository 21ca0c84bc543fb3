"""How the tests call `emsp price`, and what partners would have sent."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import typer
from click.testing import Result
from typer.testing import CliRunner

from emsp.cli import price_batch
from emsp.cli.price import price
from emsp.pricing.engine.policies import DEFAULT

cli = typer.Typer()
cli.command()(price)

START = "2026-06-01T10:00:00Z"


def emsp_price(*arguments: str, given: bytes | str | None = None, columns: int = 100) -> Result:
    """`emsp price`, with something on its standard input."""
    return CliRunner().invoke(cli, list(arguments), input=given, env={"COLUMNS": str(columns)})


def answers(*cases: Any, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What a batch is answered with; a case is an object, or a line as it stands."""
    lines = [case if isinstance(case, bytes) else json.dumps(case).encode() for case in cases]
    if options:
        result = emsp_price("--batch", "-", *options, given=b"\n".join(lines))
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]
    out = BytesIO()
    price_batch.run(lines, out, DEFAULT)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def priced(case: Any) -> dict[str, Any]:
    """The figures of one case, without what every answer has."""
    [answer] = answers(case)
    assert answer["error"] is None, answer["error"]
    return answer


def refused(case: Any) -> str:
    """Why one case has no price; there is no figure then."""
    [answer] = answers(case)
    assert {value for name, value in answer.items() if name not in ("id", "error")} == {None}
    assert isinstance(answer["error"], str)
    return answer["error"]


def component(kind: str, price: Any, **members: Any) -> dict[str, Any]:
    """A price component with 10 % VAT, in steps of one."""
    return {"type": kind, "price": price, "vat": 10, "step_size": 1, **members}


def tariff(*components: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A tariff of one element; 0.25 € per kWh unless components are given."""
    elements = [{"price_components": list(components) or [component("ENERGY", 0.25)]}]
    return {"id": "T1", "currency": "EUR", "elements": elements, **members}


def period(start: str = START, **volumes: Any) -> dict[str, Any]:
    """A charging period; volumes by the names of their dimensions."""
    return {"start_date_time": start, "dimensions": [{"type": kind, "volume": v} for kind, v in volumes.items()]}


def cdr(**members: Any) -> dict[str, Any]:
    """Twenty kWh in two hours, of 2.2.1 or later, and nothing that a price does not need."""
    return {
        "start_date_time": START,
        "end_date_time": "2026-06-01T12:00:00Z",
        "currency": "EUR",
        "charging_periods": [period(ENERGY=20, TIME=2)],
        "total_cost": {"excl_vat": 5.00, "incl_vat": 5.50},
        "total_energy": 20,
        "total_time": 2,
        **members,
    }


def old_cdr(**members: Any) -> dict[str, Any]:
    """The same of 2.1.1."""
    newer = cdr()
    bare = {name: newer[name] for name in ("start_date_time", "currency", "charging_periods", "total_energy")}
    return {
        **bare,
        "stop_date_time": newer["end_date_time"],
        "total_cost": 5.00,
        "auth_id": "DE8ACC12E46L89",
        **members,
    }
