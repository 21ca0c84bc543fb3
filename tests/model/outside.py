"""An operator and a card processor with books of their own, and with bad days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlmodel import col, update

from emsp import clock
from emsp.charging.ports import CommandAnswer, StartCommand, StopCommand, ToOperator
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, PartnerFailed, PartnerUnreachable, ProcessorFailed
from emsp.payments.ports import Intent, Repayment, Wish
from emsp.pricing.engine.price import Period

POWER_W = 10_000
AGO = timedelta(hours=2)


@dataclass
class PlugIn:
    """What happens at a charge point because of one start: the truth that we hear of by documents."""

    reference: str
    external_id: str
    started_at: datetime
    phase: str = "PENDING"  # ACTIVE, COMPLETED
    energy_wh: int = 0
    said: list[SessionReport] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """When so much energy had flowed."""
        return self.started_at + timedelta(hours=self.energy_wh / POWER_W, seconds=1)

    def report(self) -> SessionReport:
        """The session as it stands, as the operator sends it."""
        values: dict[str, Any] = {
            "country_code": "NL",
            "party_id": "ABC",
            "external_id": self.external_id,
            "status": self.phase,
            "started_at": self.started_at,
            "ended_at": self.at if self.phase == "COMPLETED" else None,
            "energy_wh": Decimal(self.energy_wh),
            "authorization_reference": self.reference,
            "updated_at": self.at,
        }
        self.said.append(SessionReport(**values))
        return self.said[-1]

    def record(self, factor: int) -> Record:
        """The record at the end, asking `factor` times what the tariff gives."""
        span = (self.started_at, self.at)
        return Record(
            country_code="NL",
            party_id="ABC",
            external_id=f"C{self.external_id}",
            authorization_reference=self.reference,
            started_at=self.started_at,
            ended_at=self.at,
            energy_wh=Decimal(self.energy_wh),
            periods=[
                Period(*span, Decimal(self.energy_wh), charging_s=Decimal(int((span[1] - span[0]).total_seconds())))
            ],
            currency="EUR",
            net_cost=factor * Decimal(self.energy_wh) * Decimal("0.45") / 1000,
            updated_at=self.at,
        )


class Operator:
    """Takes commands in the mood of the moment: OK, REFUSED, LOST (done, but no answer comes), UNHEARD."""

    def __init__(self) -> None:
        self.mood = "OK"
        self.plug_ins: list[PlugIn] = []

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        return True

    async def reachable_of(self, db: Db, parties: Collection[ToOperator]) -> set[ToOperator]:
        return {each for each in parties if await self.reachable(db, each.partner_id, each.country_code, each.party_id)}

    async def start(self, command: StartCommand) -> CommandAnswer:
        async def prepare() -> CommandAnswer:
            if any(known.reference == command.authorization_reference for known in self.plug_ins):
                return CommandAnswer(outcome="REJECTED", message="It is occupied.")
            await _let_time_pass(command.session_id)
            started_at = clock.now() - AGO + timedelta(minutes=7 * len(self.plug_ins))
            self.plug_ins.append(PlugIn(command.authorization_reference, command.session_id.hex[:6], started_at))
            return CommandAnswer(outcome="ACCEPTED", timeout_s=30)

        return await self._in_mood(prepare)

    async def stop(self, command: StopCommand) -> CommandAnswer:
        async def end() -> CommandAnswer:
            for known in self.plug_ins:
                if known.external_id == command.external_session_id:
                    known.phase = "COMPLETED"
            return CommandAnswer(outcome="ACCEPTED", timeout_s=30)

        return await self._in_mood(end)

    async def _in_mood(self, act: Callable[[], Awaitable[CommandAnswer]]) -> CommandAnswer:
        if self.mood == "REFUSED":
            raise PartnerFailed("the operator refused")
        if self.mood == "UNHEARD":
            raise PartnerUnreachable("no answer")
        answer = await act()
        if self.mood == "LOST":
            raise PartnerUnreachable("no answer")
        return answer

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")


async def _let_time_pass(session_id: UUID) -> None:
    """Two hours, so that what is charged from now on can have been charged."""
    async with transaction() as db:
        earlier = update(ChargingSession).where(col(ChargingSession.id) == session_id)
        await db.execute(earlier.values(created_at=clock.now() - AGO - timedelta(minutes=1)))


class Processor:
    """Keeps keys as Stripe does. `mood`: OK, DECLINES, FAILS (before anything is done), LOST (done, no answer)."""

    def __init__(self) -> None:
        self.mood = "OK"
        self.intents: dict[str, Intent] = {}
        self.manual: set[str] = set()
        self.keys: dict[str, str] = {}
        self.repayments: dict[str, Repayment] = {}

    async def create_hold(self, wish: Wish) -> Intent:
        return self._created(wish, manual=True)

    async def create_charge(self, wish: Wish) -> Intent:
        return self._created(wish, manual=False)

    def _created(self, wish: Wish, *, manual: bool) -> Intent:
        self._may_fail()
        if wish.reference not in self.keys:
            known = self.keys[wish.reference] = f"pi_{wish.reference}"
            self.intents[known] = Intent(
                processor_id=known,
                status="REQUIRES_CONFIRMATION",
                amount_minor=wish.amount_minor,
                captured_minor=0,
                currency=wish.currency,
            )
            if manual:
                self.manual.add(known)
        return self._answered(self.intents[self.keys[wish.reference]])

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool, **_: Any) -> Intent:
        self._may_fail()
        intent = self.intents[processor_id]
        if intent.status != "REQUIRES_CONFIRMATION" and intent.status != "REQUIRES_PAYMENT_METHOD":
            return intent
        if self.mood == "DECLINES":
            self._become(intent, "REQUIRES_PAYMENT_METHOD", 0)
            raise Declined("insufficient_funds", "Your card has insufficient funds.")
        if processor_id in self.manual:
            return self._answered(self._become(intent, "REQUIRES_CAPTURE", 0))
        return self._answered(self._become(intent, "SUCCEEDED", intent.amount_minor))

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        self._may_fail()
        intent = self.intents[processor_id]
        assert intent.status == "REQUIRES_CAPTURE", "captured twice, or without a hold"
        assert amount_minor <= intent.amount_minor, "more than was held"
        return self._answered(self._become(intent, "SUCCEEDED", amount_minor))

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        self._may_fail()
        intent = self.intents[processor_id]
        if intent.status not in ("SUCCEEDED", "CANCELED"):
            intent = self._become(intent, "CANCELED", 0)
        return self._answered(intent)

    async def change_amount(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        self._may_fail()
        return self._answered(self._keep(replace(self.intents[processor_id], amount_minor=amount_minor)))

    async def increment(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        self._may_fail()
        if self.mood == "DECLINES":
            raise Declined("not_eligible", "This card cannot do that.")
        intent = self.intents[processor_id]
        assert intent.status == "REQUIRES_CAPTURE", "raised without a hold"
        return self._answered(self._keep(replace(intent, amount_minor=amount_minor)))

    async def intent(self, processor_id: str) -> Intent:
        return self.intents[processor_id]

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment:
        self._may_fail()
        made = Repayment(processor_id=f"re_{reference}", status="SUCCEEDED", amount_minor=amount_minor)
        return self.repayments.setdefault(reference, made)

    async def repayment(self, processor_id: str) -> Repayment:
        return self.repayments[processor_id.removeprefix("re_")]

    def lapse(self, processor_id: str) -> None:
        """The bank gives a hold back by itself."""
        self._become(self.intents[processor_id], "CANCELED", 0)

    @property
    def holding(self) -> list[str]:
        return [intent.processor_id for intent in self.intents.values() if intent.status == "REQUIRES_CAPTURE"]

    @property
    def taken_minor(self) -> int:
        given_minor = sum(repayment.amount_minor for repayment in self.repayments.values())
        return sum(intent.captured_minor for intent in self.intents.values()) - given_minor

    def _may_fail(self) -> None:
        if self.mood == "FAILS":
            raise ProcessorFailed("the processor does not answer")

    def _answered(self, intent: Intent) -> Intent:
        if self.mood == "LOST":
            raise ProcessorFailed("the processor does not answer")
        return intent

    def _become(self, intent: Intent, status: str, captured_minor: int) -> Intent:
        return self._keep(replace(intent, status=status, captured_minor=captured_minor))

    def _keep(self, intent: Intent) -> Intent:
        self.intents[intent.processor_id] = intent
        return intent

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not expected")
