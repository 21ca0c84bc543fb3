"""How a brand's drivers pay: when money is held, when it is taken, and what follows when it cannot be."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from emsp.written import Checks, demand, read

PARTY = re.compile(r"[A-Z]{2}\*[A-Z0-9]{3}")
SMALLEST_MINOR = {
    **{"AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50},
    **{"GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50},
    **{"PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50},
}
"""The smallest amount that Stripe takes from a card, by currency (docs.stripe.com/currencies#minimum-and-maximum)."""


class Flow(StrEnum):
    """How one charge is paid."""

    HOLD = "HOLD"
    """Money is held on the card before the start and captured once the bill is known."""
    AFTER = "AFTER"
    """Nothing is held; the card is charged once the bill is known."""
    PREPAID = "PREPAID"
    """Only the driver's balance pays."""
    FLEET = "FLEET"
    """It goes on a fleet's bill."""


class PaymentPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How drivers of a brand pay. Amounts in minor units of the currency of the charge, times in hours."""

    flow: Flow = Flow.HOLD
    flow_by_party: dict[str, Flow] = {}
    """By operator, such as NL*ABC; goes before all else."""
    after_paid_charges: int | None = None
    """A driver with so many paid charges and nothing due is trusted: AFTER in place of HOLD."""
    raise_at_percent: int = 80
    """A hold is raised as soon as the cost so far comes to so much of it."""
    raise_by_percent: int = 50
    """By how much of itself a hold is raised, within the brand's cap."""
    retry_after_h: tuple[int, ...] = (24, 72, 168)
    """When a payment that failed is tried again by itself, so long after it failed first; then it is given up."""
    charges_due_max: int = 0
    """A driver with more charges due than this may start none."""
    open_sessions_max: int = 2
    smallest_charge_minor: int = 50
    """Less than this is not charged to a card but written off, as is whatever the card processor does not take."""
    top_up_smallest_minor: int = 500
    top_up_largest_minor: int = 50_000
    balance_largest_minor: int = 100_000
    """What may stand on a balance after a top-up."""

    def smallest_minor(self, currency: str) -> int:
        """The smallest amount that is charged to a card in `currency`."""
        return max(self.smallest_charge_minor, SMALLEST_MINOR.get(currency, 0))


def policy_of(written: object) -> PaymentPolicy:
    """A payment policy as a brand keeps it, or as somebody wrote it. Raises Invalid naming the first wrong field."""
    policy = read(written, PaymentPolicy, strict=True)
    demand(_checks(policy))
    return policy


def flow_for(policy: PaymentPolicy, *, party: str, paid_charges: int, due_charges: int) -> Flow:
    """How a driver with so many paid and due charges pays at an operator (NL*ABC), when no fleet pays."""
    if party in policy.flow_by_party:
        return policy.flow_by_party[party]
    is_trusted = policy.after_paid_charges is not None and paid_charges >= policy.after_paid_charges
    if policy.flow is Flow.HOLD and is_trusted and not due_charges:
        return Flow.AFTER
    return policy.flow


def _checks(policy: PaymentPolicy) -> Checks:
    """The path of a field, whether it is right, and what it must be."""
    own_money = "HOLD, AFTER or PREPAID: fleets pay for their own drivers"
    yield "flow", policy.flow is not Flow.FLEET, own_money
    for party, flow in policy.flow_by_party.items():
        yield f"flow_by_party.{party}", PARTY.fullmatch(party), "named by a party, such as NL*ABC"
        yield f"flow_by_party.{party}", flow is not Flow.FLEET, own_money
    yield "after_paid_charges", policy.after_paid_charges is None or policy.after_paid_charges >= 0, "0 or more"
    yield "raise_at_percent", 1 <= policy.raise_at_percent <= 100, "from 1 to 100"
    yield "raise_by_percent", 1 <= policy.raise_by_percent <= 1000, "from 1 to 1000"
    yield "retry_after_h", len(policy.retry_after_h) <= 20, "20 times at most"
    for number, hours in enumerate(policy.retry_after_h):
        earlier = policy.retry_after_h[number - 1] if number else 0
        yield f"retry_after_h.{number}", earlier < hours <= 24 * 90, "later than the one before, and 2160 hours at most"
    yield "charges_due_max", policy.charges_due_max >= 0, "0 or more"
    yield "open_sessions_max", policy.open_sessions_max >= 1, "1 or more"
    yield "smallest_charge_minor", policy.smallest_charge_minor >= 0, "0 or more"
    yield "top_up_smallest_minor", policy.top_up_smallest_minor >= 1, "1 or more"
    for name in ("top_up_largest_minor", "balance_largest_minor"):
        yield name, getattr(policy, name) >= policy.top_up_smallest_minor, "at least top_up_smallest_minor"
