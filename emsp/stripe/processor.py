"""The card processor by Stripe's API, or by anything that speaks it (see EMSP_STRIPE_API_BASE).

Every call that changes something carries an idempotency key made of what it is for; Stripe keeps keys for about a day,
so callers keep the id of what they made, and what was made without being noted is looked up by its reference.
"""

from __future__ import annotations

from emsp.stripe.balance import Balance
from emsp.stripe.disputes import Disputes
from emsp.stripe.intents import Intents
from emsp.stripe.refunds import Refunds
from emsp.stripe.setups import Setups


class StripeProcessor(Setups, Intents, Refunds, Disputes, Balance):
    """Implements `payments.ports.Processor`, a file per kind of thing."""
