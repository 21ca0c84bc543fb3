"""What a plan gives its drivers, and the plan as one of them holds it."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from emsp.pricing.engine.report import ZERO, Allowance


class PlanTerms(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a plan gives; whatever is not said, it does not give."""

    free_energy_wh: int = 0
    """In each month of the brand's time zone."""
    energy_price: Decimal | None = None
    """Per kWh, where the place is dearer; fees of the brand per kWh come on top."""
    tax_included: bool = True
    """Whether `energy_price` is."""
    energy_price_currency: str | None = None
    """None: the brand's."""
    energy_discount_percent: Decimal = ZERO
    no_session_fee: bool = False
    """The brand's own, not what an operator asks for a start."""
    discount_percent: Decimal = ZERO
    """Off everything that is left."""


class HeldPlan(Struct, frozen=True, omit_defaults=True):
    """The plan that a driver is on, and what of its free energy is left in this month."""

    name: str
    terms: PlanTerms
    free_energy_left_wh: int = 0
    allowance: Allowance | None = None
