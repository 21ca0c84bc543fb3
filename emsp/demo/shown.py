"""How the demo shows what the API answers: a quote, a receipt, a bill, a line of the live view."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from emsp.demo.processes import DemoFailed
from emsp.pricing.quotes import evidence

ZONE = ZoneInfo("Europe/Amsterdam")
Answer = dict[str, Any]


def money(amount: Answer) -> str:
    """An amount with its currency."""
    return f"{amount['amount']} {amount['currency']}"


def station(found: Answer) -> str:
    """A station with what is free there, and since when that is known."""
    free = found["availability"]
    return (
        f"  {found['name']} ({found['operator']['name']}), {found['distanceM']} m: "
        f"{free['available']} of {free['total']} free as of {free['asOf']} ({free['freshness']})"
    )


def quote(given: Answer, keys: Answer) -> Iterator[str]:
    """A quote: what it is made of, what it comes to, what was taken for granted, and whether its evidence holds."""
    if given["total"] is None:
        yield f"Price unknown: {given['missingReason']}"
        return
    yield from (f"  {line['text']}: {money(line['amount'])}" for line in given["lines"])
    yield (
        f"[bold]{money(given['total'])}[/bold]; at most {money(given['worstCase'])} until "
        f"{_clock(given['worstCaseUntil'])}; a start until {_clock(given['validUntil'])} is at these prices"
    )
    yield from (f"  [dim]{assumption}[/dim]" for assumption in given["assumptions"])
    yield f"  [dim]{_checked_evidence(given, keys)}[/dim]"


def _checked_evidence(given: Answer, keys: Answer) -> str:
    """What anybody can do with the signed quote: the keys are public, and the price follows from its tariff."""
    key_id, said = evidence.read(given["evidence"], keys)
    computed = evidence.computed_again(said)
    quoted = Decimal(given["total"]["amount"])
    if computed is None or not computed.total.amount == said.total == quoted:
        raise DemoFailed(f"quoted are {quoted}, the evidence says {said.total}, its tariff gives {computed}")
    return f"Evidence: signed by key {key_id[:8]}…, says {said.total}, which its tariff gives for its plan."


def live(session: Answer) -> str:
    """A charge as it stands."""
    if session["state"] != "CHARGING":
        return f"{session['state']}: {session['stateReason']}"
    power = f" at {session['powerW'] / 1000:g} kW" if session["powerW"] else ""
    cost = money(session["costSoFar"]) if session["costSoFar"] else "price unknown"
    hold = f" ({money(session['hold']['amount'])} held)" if session["hold"] else ""
    return f"CHARGING {session['energyWh'] / 1000:6.2f} kWh{power}, {cost}{hold}"


def receipt(given: Answer) -> Table:
    """A receipt with its lines, each saying why it is there."""
    table = Table(title=f"Receipt {given['number']}", show_header=False, title_justify="left")
    for line in given["lines"]:
        table.add_row(line["text"], money(line["amount"]))
    table.add_row("Net", money(given["net"]))
    for tax in given["taxes"]:
        table.add_row(f"VAT {tax['percent']} %", money(tax["tax"]))
    table.add_row("[bold]Total[/bold]", f"[bold]{money(given['total'])}[/bold]")
    table.add_row("Paid", money(given["paid"]))
    return table


def about_receipt(session: Answer) -> Iterator[str]:
    """What was quoted for the charge, how its record was checked, and how it went."""
    quoted, verified = session["quote"], session["receipt"]["verification"]
    yield (
        f"Quoted: {money(quoted['total'])} for {quoted['energyWh'] / 1000:g} kWh, and at most "
        f"{money(quoted['worstCase'])}; the {session['energyWh'] / 1000:.2f} kWh measured are billed at these prices."
    )
    yield f"[bold]The operator's record: {verified['result']}[/bold]. {verified['text']}"
    yield from (f"  [dim]{check['text']}[/dim]" for check in verified["checks"])
    for event in session["timeline"]:
        yield f"[dim]{event['at']} {event['source']:<8}[/dim] {event['text']}"


def bill(fleet: Answer, given: Answer) -> Table:
    """A fleet's bill of a month."""
    table = Table("driver", "station", "kWh", "total", title=f"{fleet['name']}, {given['month']}")
    for line in given["lines"]["nodes"]:
        energy = f"{line['energyWh'] / 1000:.2f}"
        table.add_row(line["driver"]["email"], line["stationName"], energy, money(line["total"]))
    taxes = ", ".join(f"VAT {tax['percent']} %: {money(tax['tax'])}" for tax in given["taxes"])
    table.add_row("[bold]all[/bold]", taxes, "", f"[bold]{money(given['total'])}[/bold]")
    return table


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(ZONE):%H:%M}"
