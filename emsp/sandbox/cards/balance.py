"""Balance transactions: what reached the merchant's balance, what left it, and what it cost.

Types and reporting categories are Stripe's: a captured card is a `charge`, a debit a `payment` of the same category, a
dispute an `adjustment` of the category `dispute` or `dispute_reversal`.
"""

from __future__ import annotations

from emsp.sandbox.cards import lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.state import Object, State

FEE_BASIS_POINTS = 150
FEE_FIXED_MINOR = 25
AVAILABLE_AFTER_S = 2 * 24 * 3600


def fee_minor(amount_minor: int) -> int:
    """The processor's fee on a captured amount: 1.5 %, half up, and a fixed part."""
    return (amount_minor * FEE_BASIS_POINTS + 5_000) // 10_000 + FEE_FIXED_MINOR


def book(call: Call, kind: str, source: Object, amount_minor: int, *, category: str | None = None, fee: int = 0) -> str:
    """Book what came in (positive) or went out (negative) and return the id of the transaction."""
    detail = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    transaction = call.new(
        "balance_transaction",
        "txn",
        type=kind,
        reporting_category=category or kind,
        amount=amount_minor,
        fee=fee,
        fee_details=[{**detail, "description": "Sandbox processing fees"}] if fee else [],
        net=amount_minor - fee,
        currency=source["currency"],
        available_on=call.now + AVAILABLE_AFTER_S,
        balance_type="payments",
        description=None,
        exchange_rate=None,
        source=source["id"],
        status="pending",
    )
    return str(call.save(transaction)["id"])


def standing(state: State) -> dict[str, int]:
    """What stands on the balance by currency, in minor units."""
    sums: dict[str, int] = {}
    for transaction in state.every("balance_transaction"):
        currency = transaction["currency"]
        sums[currency] = sums.get(currency, 0) + transaction["net"]
    return sums


def retrieve(call: Call) -> Object:
    """`GET /v1/balance_transactions/{id}`."""
    return call.find("balance_transaction", call.target)


def list_(call: Call) -> Object:
    """`GET /v1/balance_transactions`, by `type`, `source` or `currency`."""
    call.params.only("type", "source", "currency", *lists.PAGING)
    return lists.page(call, "balance_transaction", {n: call.params.text(n) for n in ("type", "source", "currency")})
