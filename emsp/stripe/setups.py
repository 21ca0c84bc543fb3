"""Who pays, and by what: Customers, and SetupIntents that save a card or a bank account with its mandate."""

from __future__ import annotations

from typing import Any

import stripe

from emsp.errors import Declined
from emsp.payments.ports import Bank, Card, Setup
from emsp.stripe.client import all_of, asked, client, key

WHOLE = ["payment_method", "mandate"]


class Setups:
    """The part of `payments.ports.Processor` that is about payers and what they pay with."""

    async def create_customer(self, *, driver_id: str, email: str) -> str:
        return await _customer({"email": email, "metadata": {"driver_id": driver_id}}, driver_id)

    async def create_bank_customer(self, *, payer: str, email: str, name: str) -> str:
        return await _customer({"email": email, "name": name, "metadata": {"payer": payer}}, payer)

    async def create_setup(self, *, customer: str, reference: str, card_token: str | None) -> Setup:
        confirmed: Any = {"payment_method": card_token, "confirm": True} if card_token else {}
        return await _create(customer, reference, "card", confirmed)

    async def create_bank_setup(self, *, customer: str, reference: str) -> Setup:
        return await _create(customer, reference, "sepa_debit", {})

    async def setup(self, processor_id: str) -> Setup:
        params: Any = {"expand": WHOLE}
        return _setup(await asked(client().v1.setup_intents.retrieve_async(processor_id, params)))

    async def remove_card(self, processor_id: str) -> None:
        if await _attached(processor_id):
            await asked(client().v1.payment_methods.detach_async(processor_id))


async def _attached(processor_id: str) -> bool:
    try:
        return (await asked(client().v1.payment_methods.retrieve_async(processor_id))).customer is not None
    except Declined:
        return False


async def _customer(params: Any, name: str) -> str:
    """The customer of this name, made if there is none: idempotency keys are forgotten after a day, names are not."""
    async for known in all_of(client().v1.customers.list_async, email=params["email"]):
        if params["metadata"].items() <= known.metadata.to_dict().items():
            return str(known.id)
    return (await asked(client().v1.customers.create_async(params, key(f"customer-{name}")))).id


async def _create(customer: str, reference: str, kind: str, confirmed: Any) -> Setup:
    params: Any = {
        "customer": customer,
        "usage": "off_session",
        "payment_method_types": [kind],
        "metadata": {"reference": reference},
        "expand": WHOLE,
        **confirmed,
    }
    return _setup(await asked(client().v1.setup_intents.create_async(params, key(f"setup-{reference}"))))


def _setup(setup: stripe.SetupIntent) -> Setup:
    error = setup.last_setup_error
    saved: Any = setup.payment_method if setup.status == "succeeded" else None
    return Setup(
        processor_id=setup.id,
        client_secret=setup.client_secret or "",
        status=setup.status.upper(),
        card=_card(saved) if saved and saved.type == "card" else None,
        bank=_bank(saved, setup.mandate) if saved and saved.type == "sepa_debit" else None,
        message=error.message if error else None,
    )


def _card(method: Any) -> Card:
    card = method.card
    return Card(
        processor_id=method.id,
        brand_name=card.brand,
        last4=card.last4,
        expires=f"{card.exp_month:02d}/{card.exp_year}",
    )


def _bank(method: Any, mandate: Any) -> Bank:
    agreed = getattr(getattr(mandate, "payment_method_details", None), "sepa_debit", None)
    return Bank(
        processor_id=method.id,
        last4=method.sepa_debit.last4,
        holder=method.billing_details.name,
        mandate_reference=getattr(agreed, "reference", None),
    )
