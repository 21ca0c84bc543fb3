"""A processor that debits bank accounts: it says what it is told to say, and remembers what it was asked for."""

from typing import Any

import msgspec

from emsp.payments.ports import Bank, Intent, Setup, Wish


class FakeBank:
    """Debits stay PROCESSING until the test says what became of them; mandates are signed when the test says so."""

    def __init__(self) -> None:
        self.debits: dict[str, Intent] = {}
        self.wishes: list[Wish] = []
        self.setups: dict[str, Setup] = {}
        self.customers: list[str] = []

    def settle(self, status: str, failure: str | None = None) -> str:
        """What the bank made of the only debit; its id."""
        [(key, intent)] = self.debits.items()
        self.debits[key] = msgspec.structs.replace(intent, status=status, failure=failure)
        return key

    def sign(self, setup_id: str) -> None:
        """Somebody signs a mandate."""
        bank = Bank(processor_id="pm_1", last4="3000", holder="Rainy Day Couriers", mandate_reference="M-1")
        self.setups[setup_id] = msgspec.structs.replace(self.setups[setup_id], status="SUCCEEDED", bank=bank)

    async def create_bank_customer(self, *, payer: str, email: str, name: str) -> str:
        self.customers.append(payer)
        return f"cus_{payer}"

    async def create_bank_setup(self, *, customer: str, reference: str) -> Setup:
        made = Setup(processor_id=f"seti_{reference}", client_secret=f"{reference}_secret", status="REQUIRES_ACTION")
        return self.setups.setdefault(made.processor_id, made)

    async def setup(self, processor_id: str) -> Setup:
        return self.setups[processor_id]

    async def create_debit(self, wish: Wish) -> Intent:
        self.wishes.append(wish)
        intent = Intent(
            processor_id=f"pi_{wish.reference}",
            status="REQUIRES_CONFIRMATION",
            amount_minor=wish.amount_minor,
            captured_minor=0,
            currency=wish.currency,
        )
        return self.debits.setdefault(intent.processor_id, intent)

    async def confirm(self, processor_id: str, **_: Any) -> Intent:
        self.debits[processor_id] = msgspec.structs.replace(self.debits[processor_id], status="PROCESSING")
        return self.debits[processor_id]

    async def intent(self, processor_id: str) -> Intent:
        return self.debits[processor_id]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")
