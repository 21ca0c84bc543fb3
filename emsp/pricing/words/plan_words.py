"""What a plan gives and what it took off, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from emsp.pricing.engine.report import ZERO, DiscountOn, Line, LineKind
from emsp.pricing.retail.plan_terms import HeldPlan
from emsp.pricing.words.speech import Speech

LINES = {
    DiscountOn.FREE_ENERGY: "line_FREE_ENERGY",
    DiscountOn.ENERGY_PRICE: "line_ENERGY_PRICE",
    DiscountOn.ENERGY_PERCENT: "line_ENERGY_PERCENT",
    DiscountOn.SESSION_FEE: "line_SESSION_FEE_OFF",
    DiscountOn.TOTAL_PERCENT: "line_TOTAL_PERCENT",
}


def plan_text(plan: HeldPlan, speech: Speech) -> str:
    """The plan by its name, and everything that it gives."""
    gives = ", ".join(_gives(plan, speech)) or speech.words["gives_nothing"]
    return speech.say("with_plan", plan=plan.name, gives=gives)


def _gives(plan: HeldPlan, speech: Speech) -> Iterator[str]:
    terms = plan.terms
    if terms.free_energy_wh:
        monthly, left = Decimal(terms.free_energy_wh), Decimal(plan.free_energy_left_wh)
        said = "gives_FREE_ENERGY" if left == monthly else "gives_FREE_ENERGY_LEFT"
        yield speech.say(said, energy=speech.kilo(monthly, "kWh"), left=speech.kilo(left, "kWh"))
    if terms.energy_price is not None:
        yield speech.say("gives_ENERGY_PRICE", price=speech.price(terms.energy_price))
    if terms.energy_discount_percent:
        yield speech.say("gives_ENERGY_PERCENT", percent=speech.percent(terms.energy_discount_percent))
    if terms.no_session_fee:
        yield speech.words["gives_SESSION_FEE"]
    if terms.discount_percent:
        yield speech.say("gives_TOTAL_PERCENT", percent=speech.percent(terms.discount_percent))


def discount_text(line: Line, speech: Speech) -> str:
    """What a line of PLAN_DISCOUNT takes off, and by which plan."""
    discount = line.discount
    if discount is None:
        return speech.words["line_PLAN_DISCOUNT"]
    return speech.say(
        LINES[discount.on],
        plan=discount.plan,
        percent=speech.percent(discount.percent or ZERO),
        energy=speech.quantity(LineKind.ENERGY, discount.energy_wh or ZERO),
        price=speech.price(line.unit_price),
    )
