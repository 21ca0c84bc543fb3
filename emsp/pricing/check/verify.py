"""A record of a charge, checked: against the tariff as it stood at the start of its session, and against its own.

The former (the snapshot) decides. The tariffs that the record carries decide only where there is no snapshot, or none
that can be computed; else they tell whether the record keeps at least to itself, which is how a tariff that changed
without a word is told from a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from emsp.pricing.check.causes import cause_of
from emsp.pricing.check.compare import Periods, Rule, compare, not_checkable
from emsp.pricing.check.verdicts import (
    ONE_MINOR,
    Against,
    Amount,
    Ask,
    Check,
    Reason,
    Tolerance,
    Verdict,
    Verification,
    What,
)
from emsp.pricing.engine.policies import DEFAULT, Policies
from emsp.pricing.engine.tariff import Tariff

__all__ = ["Against", "Amount", "Ask", "Check", "Reason", "Tolerance", "Verdict", "Verification", "What", "verify"]

MOST_ASKED = 10**12
"""What is more is no amount of money, in whatever currency."""


def verify(
    ask: Ask,
    readings: Sequence[Periods],
    *,
    snapshot: Tariff | None,
    embedded: Sequence[Tariff] = (),
    time_zone: str,
    policies: Policies = DEFAULT,
    tolerance: Tolerance = ONE_MINOR,
) -> Verification:
    """Check what a record asks. `readings` are the measured periods, then other ways to read the same measurement.

    Never raises for what a partner sent: what cannot be computed is NOT_CHECKABLE, with the reason.
    """
    if ask.total.net is None or not ask.total.net.is_finite() or abs(ask.total.net) > MOST_ASKED:
        return not_checkable(ask, Reason.NOT_STATED, None)
    own = Rule(embedded, time_zone, policies) if embedded else None
    published = Rule((snapshot,), time_zone, policies) if snapshot else None
    by_own = compare(ask, own, readings, tolerance, Against.EMBEDDED) if own else None
    by_published = compare(ask, published, readings, tolerance, Against.SNAPSHOT) if published else None
    if by_published is None or (by_own and by_published.reason is Reason.NOT_COMPUTABLE):
        rule, verification = own, by_own or not_checkable(ask, Reason.NO_TARIFF_PUBLISHED, None)
    else:
        rule, verification = published, replace(by_published, own_tariffs=by_own.verdict if by_own else None)
    if verification.verdict is Verdict.DIFFERS and verification.reason is None and rule:
        return replace(verification, reason=cause_of(ask, rule, readings[0], tolerance, verification))
    return verification
