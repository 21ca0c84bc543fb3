"""Made-up books that agree with each other, for tests that plant a disagreement: two charges and a fleet's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.chaos.books import Books, Entry, Told

ANNA, BERT, FLEET = (str(UUID(int=number)) for number in (1, 2, 3))
ANNAS, BERTS, FLEETS, FAILED = (str(UUID(int=number)) for number in (11, 12, 13, 14))
SELLER = "cpo:NL-SBX"
Json = dict[str, Any]


def written(
    transaction: int, event: str, reference: str, *lines: tuple[str, int], currency: str = "EUR"
) -> list[Entry]:
    """A transaction in the ledger."""
    return [Entry(transaction, event, reference, account, currency, minor) for account, minor in lines]


def intent(name: str, customer: str, *, authorised: int, captured: int, held: int = 0, refunded: int = 0) -> Json:
    """A payment in the card processor's books."""
    return {
        "id": name,
        "customer": customer,
        "currency": "eur",
        "authorised_minor": authorised,
        "captured_minor": captured,
        "held_minor": held,
        "refunded_minor": refunded,
    }


def session(name: str, of: str, phase: str = "closed") -> Json:
    """A session in the operator's books."""
    return {"id": name, "phase": phase, "authorization_reference": UUID(of).hex}


def record(name: str, of: Json, cost: str) -> Json:
    """A record in the operator's books."""
    return {
        "id": name,
        "session_id": of["id"],
        "authorization_reference": of["authorization_reference"],
        "country_code": "NL",
        "party_id": "SBX",
        "currency": "EUR",
        "total_cost": {"excl_vat": Decimal(cost)},
    }


def agreeing() -> Books:
    """Anna paid 6.05 by her hold. Bert's record asked 1.00 too much, his hold had lapsed and part was given back.

    The fleet owes 2.42. A start of Anna's failed, although the operator then charged for it.
    """
    sessions = [session("S1", ANNAS), session("S2", BERTS), session("S3", FLEETS), session("S4", FAILED)]
    costs = ("4.00", "9.00", "1.50", "3.00")
    return Books(
        ledger=_ledger(),
        intents=[
            intent("pi_anna", "cus_a", authorised=5000, captured=605),
            intent("pi_failed", "cus_a", authorised=5000, captured=0),
            intent("pi_lapsed", "cus_b", authorised=5000, captured=0),
            intent("pi_bert", "cus_b", authorised=1210, captured=1210, refunded=110),
        ],
        customers={"cus_a": ANNA, "cus_b": BERT},
        webhooks={"pending": 0, "delivered": 20, "given_up": 0},
        sessions=sessions,
        records=[record(f"{one['id']}-CDR", one, cost) for one, cost in zip(sessions, costs, strict=True)],
        told=told(),
    )


def told(**states: str) -> Sequence[Told]:
    """What the drivers know; `annas` and `berts` may be in another state than at the end."""
    return [
        Told(ANNAS, f"driver:{ANNA}", ANNA, states.get("annas", "SETTLED"), 1),
        Told(BERTS, f"driver:{BERT}", BERT, states.get("berts", "SETTLED"), 2),
        Told(FLEETS, f"fleet:{FLEET}", BERT, "SETTLED", 3),
        Told(FAILED, f"driver:{ANNA}", ANNA, "FAILED", 4),
    ]


def _ledger() -> list[Entry]:
    anna, bert, fleet = f"driver:{ANNA}", f"driver:{BERT}", f"fleet:{FLEET}"
    return [
        *written(1, "charge_billed", "receipt-a", (anna, 605), ("revenue", -500), ("tax", -105)),
        *written(2, "energy_bought", "record-a", ("energy_cost", 400), (SELLER, -400)),
        *written(3, "hold_captured", "receipt-a", ("processor_clearing", 605), (anna, -605)),
        *written(4, "charge_billed", "receipt-b", (bert, 1210), ("revenue", -1000), ("tax", -210)),
        *written(5, "energy_bought", "record-b", ("energy_cost", 900), (SELLER, -900)),
        *written(6, "claim_opened", "claim-b", (SELLER, 100), ("energy_cost", -100)),
        *written(7, "rest_charged", "receipt-b", ("processor_clearing", 1210), (bert, -1210)),
        *written(8, "charge_corrected", "receipt-b2", (bert, -110), ("revenue", 91), ("tax", 19)),
        *written(9, "payment_given_back", "receipt-b2:pi_bert", (bert, 110), ("processor_clearing", -110)),
        *written(10, "charge_billed", "receipt-f", (fleet, 242), ("revenue", -200), ("tax", -42)),
        *written(11, "energy_bought", "record-f", ("energy_cost", 150), (SELLER, -150)),
    ]
