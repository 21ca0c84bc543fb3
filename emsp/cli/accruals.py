"""`emsp accruals`: charges of a month whose records came late, by estimate and as they turned out."""

from __future__ import annotations

from typing import Annotated

import typer

from emsp.charging.settlement.accruals import Accrued
from emsp.charging.settlement.accruals import accruals as known_accruals
from emsp.charging.settlement.months import Month
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction


def accruals(
    month: Annotated[str, typer.Argument(help="The month in which the charges ended: YYYY-MM.")],
    as_json: JsonOption = False,
) -> None:
    """List the charges of a month that were booked by estimate, and what they came to once they were billed."""

    async def story() -> list[Accrued]:
        wanted = Month.parse(month)
        async with transaction() as db:
            return await known_accruals(db, wanted)

    show([_row(one) for one in run(story())], as_json=as_json, empty="every charge of the month was billed in time")


def _row(one: Accrued) -> dict[str, object]:
    return {
        "session": one.session_id,
        "ended": one.ended_at,
        "revenue": one.estimate and one.estimate.revenue,
        "cost": one.estimate and one.estimate.cost,
        "billed_revenue": one.billed and one.billed.revenue,
        "billed_cost": one.billed and one.billed.cost,
        "revenue_off_by": one.billed and one.estimate and one.billed.revenue - one.estimate.revenue,
        "cost_off_by": one.billed and one.estimate and one.billed.cost - one.estimate.cost,
        "trued_up": one.trued_up_at,
        "reason": one.reason,
    }
