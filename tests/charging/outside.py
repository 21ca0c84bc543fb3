"""An operator network and a card processor that do as they are told, and remember what was asked of them."""

from typing import Any
from uuid import UUID

from emsp.charging.ports import CommandAnswer, StartCommand, StopCommand
from emsp.db.engine import Db
from emsp.errors import Declined
from emsp.payments.ports import Intent, Repayment, Wish


class FakeNetwork:
    """Says yes to every command, or raises what it was given."""

    def __init__(self) -> None:
        self.commands: list[StartCommand | StopCommand] = []
        self.fault: Exception | None = None
        self.is_reachable = True

    async def start(self, command: StartCommand) -> CommandAnswer:
        return self._answer(command)

    async def stop(self, command: StopCommand) -> CommandAnswer:
        return self._answer(command)

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        return self.is_reachable

    def _answer(self, command: StartCommand | StopCommand) -> CommandAnswer:
        self.commands.append(command)
        if self.fault:
            raise self.fault
        return CommandAnswer(outcome="ACCEPTED", timeout_s=30)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")


class FakeCards:
    """Every card has money, unless it is told to decline; what is given back arrives, unless told otherwise."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.repayments: dict[str, Repayment] = {}
        self.declines = False
        self.repays: str | Exception = "SUCCEEDED"

    def held(self, amount_minor: int) -> str:
        """A hold that was placed before; its id."""
        return self._made("REQUIRES_CAPTURE", amount_minor, "EUR").processor_id

    def taken(self) -> list[int]:
        """What was taken from cards, in minor units, in order."""
        return [intent.captured_minor for intent in self.intents.values() if intent.captured_minor]

    def given_back(self) -> list[int]:
        """What was given back to cards, in minor units, in order."""
        return [back.amount_minor for back in self.repayments.values() if back.status == "SUCCEEDED"]

    async def create_customer(self, *, driver_id: str, email: str) -> str:
        return f"cus_{driver_id}"

    async def create_hold(self, wish: Wish) -> Intent:
        return self._made("REQUIRES_CAPTURE", wish.amount_minor, wish.currency)

    async def create_charge(self, wish: Wish) -> Intent:
        return self._made("REQUIRES_CONFIRMATION", wish.amount_minor, wish.currency)

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool) -> Intent:
        if self.declines:
            raise Declined("insufficient_funds", "Your card has insufficient funds.")
        return self._become(processor_id, "SUCCEEDED", self.intents[processor_id].amount_minor)

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        return self._become(processor_id, "SUCCEEDED", amount_minor)

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        return self._become(processor_id, "CANCELED", 0)

    async def intent(self, processor_id: str) -> Intent:
        return self.intents[processor_id]

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment:
        if isinstance(self.repays, Exception):
            raise self.repays
        assert self.intents[payment_id].status == "SUCCEEDED"
        made = Repayment(processor_id=f"re_{reference}", status=self.repays, amount_minor=amount_minor)
        return self.repayments.setdefault(reference, made)

    async def repayment(self, processor_id: str) -> Repayment:
        return self.repayments[processor_id.removeprefix("re_")]

    def _made(self, status: str, amount_minor: int, currency: str) -> Intent:
        intent = Intent(
            processor_id=f"pi_{len(self.intents)}",
            status=status,
            amount_minor=amount_minor,
            captured_minor=0,
            currency=currency,
        )
        self.intents[intent.processor_id] = intent
        return intent

    def _become(self, processor_id: str, status: str, captured_minor: int) -> Intent:
        before = self.intents[processor_id]
        self.intents[processor_id] = Intent(
            processor_id=processor_id,
            status=status,
            amount_minor=before.amount_minor,
            captured_minor=captured_minor,
            currency=before.currency,
        )
        return self.intents[processor_id]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")
