"""The books: named business events, each written once, in the transaction that causes it.

Callers say what happened; which account is debited and which credited is decided here, a file per kind of account.
"""

from emsp.payments.ledger.book import CLEARING, ENERGY_COST, REVENUE, TAX, balance, imbalance
from emsp.payments.ledger.charges import charge_billed, charge_corrected, payment_given_back, payment_received
from emsp.payments.ledger.operators import (
    claim_closed,
    claim_opened,
    energy_asked,
    energy_bought,
    energy_corrected,
)

__all__ = [
    "CLEARING",
    "ENERGY_COST",
    "REVENUE",
    "TAX",
    "balance",
    "charge_billed",
    "charge_corrected",
    "claim_closed",
    "claim_opened",
    "energy_asked",
    "energy_bought",
    "energy_corrected",
    "imbalance",
    "payment_given_back",
    "payment_received",
]
