"""An operator network and a card processor that do as they are told, and remember what was asked of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from emsp.charging.ports import CommandAnswer, StartCommand, StopCommand, ToOperator
from emsp.db.engine import Db
from emsp.errors import AuthenticationRequired, Declined, ProcessorFailed
from emsp.payments.ports import Intent, Movement, Repayment, Wish


class FakeNetwork:
    """Says yes to every command, or raises what it was given."""

    def __init__(self) -> None:
        self.commands: list[StartCommand | StopCommand] = []
        self.fault: Exception | None = None
        self.is_reachable = True
        self.asked: list[dict[str, Any]] = []
        self.answers: Callable[[], Awaitable[None]] | None = None
        """What the operator says when it is asked what became of a charge."""

    async def ask_session(self, **asked: Any) -> None:
        self.asked.append(asked)
        if self.fault:
            raise self.fault
        if self.answers:
            await self.answers()

    async def start(self, command: StartCommand) -> CommandAnswer:
        return self._answer(command)

    async def stop(self, command: StopCommand) -> CommandAnswer:
        return self._answer(command)

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        return self.is_reachable

    async def reachable_of(self, db: Db, parties: Collection[ToOperator]) -> set[ToOperator]:
        return {each for each in parties if await self.reachable(db, each.partner_id, each.country_code, each.party_id)}

    def _answer(self, command: StartCommand | StopCommand) -> CommandAnswer:
        self.commands.append(command)
        if self.fault:
            raise self.fault
        return CommandAnswer(outcome="ACCEPTED", timeout_s=30)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")


class FakeCards:
    """Every card has money, unless it is told to decline; what is given back arrives, unless told otherwise.

    As at a real processor a declined payment loses its card, can be asked for again, and is never taken twice; an
    idempotency key that comes again gives the same answer.
    """

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.repayments: dict[str, Repayment] = {}
        self.asked: list[str] = []
        self.declines = False
        self.authenticates: set[bool] = set()  # whether the bank asks for the driver, off and on session
        self.refuses_increments = False
        self.smallest_minor = 0
        self.times_out: list[str] = []  # calls whose answer gets lost, by name
        self.repays: str | Exception = "SUCCEEDED"
        self._answers: dict[str, Declined | None] = {}

    def held(self, amount_minor: int, **facts: Any) -> str:
        """A hold that was placed before; its id."""
        return self._made("REQUIRES_CAPTURE", amount_minor, "EUR", **facts).processor_id

    def taken(self) -> list[int]:
        """What was taken from cards, in minor units, in order."""
        return [intent.captured_minor for intent in self.intents.values() if intent.captured_minor]

    def given_back(self) -> list[int]:
        """What was given back to cards, in minor units, in order."""
        return [back.amount_minor for back in self.repayments.values() if back.status == "SUCCEEDED"]

    def authenticated(self, processor_id: str, *, succeed: bool = True) -> None:
        """The driver answers the bank."""
        intent = self.intents[processor_id]
        assert intent.status == "REQUIRES_ACTION"
        if succeed:
            self._become(processor_id, "SUCCEEDED", intent.amount_minor)
        else:
            self._decline(processor_id, Declined("authentication_not_handled", "You did not confirm it."))

    def lapse(self, processor_id: str) -> None:
        """The bank gives back what was held."""
        self._become(processor_id, "CANCELED", 0)

    async def create_customer(self, *, driver_id: str, email: str) -> str:
        return f"cus_{driver_id}"

    async def create_hold(self, wish: Wish) -> Intent:
        return self._wished("REQUIRES_CONFIRMATION", wish, is_hold=True)

    async def create_charge(self, wish: Wish) -> Intent:
        if wish.amount_minor < self.smallest_minor:
            raise Declined("amount_too_small", "the amount is too small to be charged to a card")
        return self._wished("REQUIRES_CONFIRMATION", wish)

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool, card: str | None = None) -> Intent:
        self.asked.append(f"confirm {reference}")
        if reference in self._answers:
            if declined := self._answers[reference]:
                raise declined
            return self.intents[processor_id]
        intent = self.intents[processor_id]
        if intent.status not in ("REQUIRES_CONFIRMATION", "REQUIRES_PAYMENT_METHOD", "REQUIRES_ACTION"):
            raise ProcessorFailed(f"This PaymentIntent has the status {intent.status}.")
        declined = None
        if self.declines:
            declined = Declined("insufficient_funds", "Your card has insufficient funds.")
        elif off_session in self.authenticates and off_session:
            declined = AuthenticationRequired("This transaction requires authentication.")
        self._answers[reference] = declined
        if declined:
            raise self._decline(processor_id, declined)
        if off_session in self.authenticates:
            self._become(processor_id, "REQUIRES_ACTION", 0, client_secret=f"{processor_id}_secret")
        elif intent.reference in self._holds:
            self._become(processor_id, "REQUIRES_CAPTURE", 0)
        else:
            self._become(processor_id, "SUCCEEDED", intent.amount_minor)
        self.intents[processor_id] = replace(self.intents[processor_id], payment_method=card or intent.payment_method)
        return self._answer("confirm", processor_id)

    async def increment(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        self.asked.append(f"increment {amount_minor}")
        if self.refuses_increments:
            raise Declined("incremental_authorization_declined", "the bank does not hold more")
        self.intents[processor_id] = replace(self.intents[processor_id], amount_minor=amount_minor)
        return self._answer("increment", processor_id)

    async def change_amount(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        self.intents[processor_id] = replace(self.intents[processor_id], amount_minor=amount_minor)
        return self.intents[processor_id]

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        intent = self.intents[processor_id]
        if intent.status != "REQUIRES_CAPTURE":
            raise Declined("charge_expired_for_capture", "the hold has run out")
        assert amount_minor <= intent.amount_minor
        self._become(processor_id, "SUCCEEDED", amount_minor)
        return self._answer("capture", processor_id)

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        if self.intents[processor_id].status in ("CANCELED", "SUCCEEDED"):
            return self.intents[processor_id]
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

    async def movements_since(self, since: datetime) -> AsyncIterator[Movement]:
        for nothing in ():
            yield nothing

    @property
    def _holds(self) -> set[str]:
        return {intent.reference for intent in self.intents.values() if (intent.reference or "").startswith("hold-")}

    def _wished(self, status: str, wish: Wish, *, is_hold: bool = False) -> Intent:
        for intent in self.intents.values():
            if intent.reference == wish.reference:
                return intent
        assert is_hold == wish.reference.startswith("hold-")
        facts = {"reference": wish.reference, "payment_method": wish.card}
        return self._made(status, wish.amount_minor, wish.currency, **facts)

    def _made(self, status: str, amount_minor: int, currency: str, **facts: Any) -> Intent:
        intent = Intent(
            processor_id=f"pi_{len(self.intents)}",
            status=status,
            amount_minor=amount_minor,
            captured_minor=0,
            currency=currency,
            **facts,
        )
        self.intents[intent.processor_id] = intent
        return intent

    def _become(self, processor_id: str, status: str, captured_minor: int, **facts: Any) -> Intent:
        before = self.intents[processor_id]
        now = {"status": status, "captured_minor": captured_minor, "failure": None, "failure_code": None}
        self.intents[processor_id] = replace(before, **now, **facts)
        return self.intents[processor_id]

    def _decline(self, processor_id: str, declined: Declined) -> Declined:
        facts = {"payment_method": None, "failure": declined.message, "failure_code": declined.code}
        before = self.intents[processor_id]
        self.intents[processor_id] = replace(before, status="REQUIRES_PAYMENT_METHOD", **facts)
        return declined

    def _answer(self, call: str, processor_id: str) -> Intent:
        if call in self.times_out:
            self.times_out.remove(call)
            raise ProcessorFailed("The connection was lost.")
        return self.intents[processor_id]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")
