"""The plan that a driver is on."""

import strawberry
from strawberry import field

from emsp.graphql.loaders import the
from emsp.graphql.viewer import Info
from emsp.pricing.words import explain


@strawberry.type(description="What a driver pays less, since they are on it; one plan at a time.")
class DriverPlan:
    name: str = field(description="Its name.")
    text: str = field(description="What it gives, in a sentence.")
    free_energy_wh: int | None = field(description="The free energy of each month; null when it gives none.")
    free_energy_left_wh: int | None = field(description="What is left of it in this month; null when it gives none.")


async def plan_of(info: Info) -> DriverPlan | None:
    """The plan that the asker is on now."""
    asker = info.context.asker
    terms = await the(info.context.loaders.terms, (asker.brand.id, asker.driver.id if asker.driver else None))
    plan = terms.plan
    if plan is None:
        return None
    gives_energy = plan.terms.free_energy_wh > 0
    return DriverPlan(
        name=plan.name,
        text=explain.plan_text(plan, asker.language, asker.brand.currency),
        free_energy_wh=plan.terms.free_energy_wh if gives_energy else None,
        free_energy_left_wh=plan.free_energy_left_wh if gives_energy else None,
    )
