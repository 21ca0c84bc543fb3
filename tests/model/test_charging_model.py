"""Charges in any order: commands, results, sessions, records, webhooks, timeouts, faults, and all of it twice.

`EMSP_TEST_MODEL_EXAMPLES` asks for more than the few runs that every test run has time for, and for the shortest way to
what they find.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlmodel import col, select

from emsp import settings as product_settings
from emsp import timetable
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import authorize, start, stop, track
from emsp.charging import ports as charging_ports
from emsp.charging.dues import pay as due_paying
from emsp.charging.lifecycle import State, after
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.tables import ChargingSession, Receipt, SessionEvent
from emsp.db import engine
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError, Refused
from emsp.partners.tables import Partner
from emsp.payments import inbox, ledger
from emsp.payments import ports as payments_ports
from emsp.payments.tables import Customer, Hold
from emsp.stations.tables import Connector
from tests.graphql import rows
from tests.model.jobs_by_hand import Waiting, run, waiting
from tests.model.outside import Operator, PlugIn, Processor

T = TypeVar("T")
RESULTS = ("ACCEPTED", "REJECTED", "TIMEOUT", "EVSE_OCCUPIED", "FAILED")
OVER = (State.SETTLED, State.PAYMENT_DUE, State.FAILED, State.IN_REVIEW)
NUMBERS = itertools.count(1)
ENDED: Counter[str] = Counter()
runners: list[asyncio.Runner] = []


def do(story: Awaitable[T]) -> T:
    return runners[0].run(cast(Any, story))


class Charges(RuleBasedStateMachine):
    """One driver with a card, two charge points, an operator and a card processor."""

    @initialize(flow=st.sampled_from(["HOLD", "HOLD", "AFTER"]))
    def begin(self, flow: str) -> None:
        self.operator, self.processor = Operator(), Processor()
        charging_ports.plug(cast(charging_ports.Network, self.operator))
        payments_ports.plug(cast(payments_ports.Processor, self.processor))
        self.sessions: list[UUID] = []
        do(self._furnish(flow))

    async def _furnish(self, flow: str) -> None:
        async with transaction() as db:
            await db.execute(text("DELETE FROM procrastinate_jobs"))
            name = uuid4().hex[:8]
            self.brand = await rows.added(
                db, Brand(slug=name, name=name, languages=["en"], payment_policy={"flow": flow})
            )
            self.driver: Driver = await rows.driver(db, self.brand.id, name)
            await rows.card(db, self.driver)
            await rows.added(db, Customer(driver_id=self.driver.id, processor_id=f"cus_{name}"))
            self.partner: Partner = await self._partner(db)
            station = await rows.station(db, self.partner.id, next(NUMBERS))
            self.connectors: list[Connector] = [
                await rows.connector(db, await rows.evse(db, station, number)) for number in (1, 2)
            ]

    async def _partner(self, db: Db) -> Partner:
        """The operator is the same in all runs."""
        known = (await db.execute(select(Partner))).scalars().first()
        if known is None:
            known = await rows.added(db, Partner(name="ABC"))
            await rows.tariff(db, known.id)
        return known

    # What the driver does.

    @rule(where=st.integers(0, 1), key=st.integers(0, 3))
    def ask(self, where: int, key: int) -> None:
        """The same key is the same wish, sent again."""
        session_id = do(self._ask(self.connectors[where], f"key {key}"))
        if session_id and session_id not in self.sessions:
            self.sessions.append(session_id)

    async def _ask(self, at: Connector, key: str) -> UUID | None:
        try:
            async with transaction() as db:
                quote = await rows.quote(db, self.driver, at)
                row = await authorize.request_start(
                    db, brand=self.brand, driver=self.driver, idempotency_key=key, quote_id=quote.id
                )
                return row.id
        except Refused:
            return None

    @precondition(lambda self: self.sessions)
    @rule(which=st.integers(0, 9))
    def stop(self, which: int) -> None:
        do(self._stop(self._session(which)))

    async def _stop(self, session_id: UUID) -> None:
        with suppress(Refused):
            async with transaction() as db:
                await stop.request_stop(db, driver_id=self.driver.id, session_id=session_id)

    @precondition(lambda self: self.sessions)
    @rule(
        which=st.integers(0, 9), key=st.integers(0, 2), processor=st.sampled_from(["OK", "DECLINES", "FAILS", "LOST"])
    )
    def pay_due(self, which: int, key: int, processor: str) -> None:
        """What is due is paid in the app; asked too early, or twice, it does no harm."""
        self.processor.mood = processor
        do(self._pay_due(self._session(which), f"pay {key}"))
        self.processor.mood = "OK"

    async def _pay_due(self, session_id: UUID, key: str) -> None:
        with suppress(EmspError):
            await due_paying.pay_due(self.driver.id, session_id, idempotency_key=key)

    # What happens at the charge point, and what is heard of it.

    @precondition(lambda self: self.operator.plug_ins)
    @rule(which=st.integers(0, 9), energy_wh=st.sampled_from([0, 1000, 7000]), ends=st.booleans())
    def charge(self, which: int, energy_wh: int, ends: bool) -> None:
        plug_in = self._plug_in(which)
        if plug_in.phase != "COMPLETED" and plug_in.energy_wh + energy_wh <= 15_000:
            plug_in.phase = "COMPLETED" if ends and plug_in.energy_wh + energy_wh else "ACTIVE"
            plug_in.energy_wh += energy_wh

    @precondition(lambda self: self.operator.plug_ins)
    @rule(which=st.integers(0, 9))
    def tell(self, which: int) -> None:
        do(self._hear(self._plug_in(which).report()))

    @precondition(lambda self: any(plug_in.said for plug_in in self.operator.plug_ins))
    @rule(which=st.integers(0, 99))
    def tell_again(self, which: int) -> None:
        """Something said before, however old by now."""
        said = [report for plug_in in self.operator.plug_ins for report in plug_in.said]
        do(self._hear(said[which % len(said)]))

    @precondition(lambda self: self._completed())
    @rule(which=st.integers(0, 9), factor=st.sampled_from([1, 1, 2]))
    def send_record(self, which: int, factor: int) -> None:
        completed = self._completed()
        do(self._hear(completed[which % len(completed)].record(factor)))

    @precondition(lambda self: self.sessions)
    @rule(which=st.integers(0, 9), outcome=st.sampled_from(RESULTS))
    def answer_start(self, which: int, outcome: str) -> None:
        async def answered() -> None:
            async with transaction() as db:
                await start.start_answered(db, self._session(which), outcome, None)

        do(answered())

    async def _hear(self, said: SessionReport | Record) -> None:
        async with transaction() as db:
            if isinstance(said, Record):
                await track.record_received(db, self.partner.id, said)
            else:
                await track.session_reported(db, self.partner.id, said)

    # What happens to the money.

    @precondition(lambda self: self.processor.holding)
    @rule(which=st.integers(0, 9), is_told=st.booleans())
    def lapse(self, which: int, is_told: bool) -> None:
        holding = self.processor.holding
        lapsed = holding[which % len(holding)]
        self.processor.lapse(lapsed)
        if is_told:
            do(self._webhook("payment_intent.canceled", lapsed))

    @precondition(lambda self: self.processor.intents)
    @rule(which=st.integers(0, 9))
    def webhook(self, which: int) -> None:
        """What became of some payment is told, perhaps for the second time."""
        intent = list(self.processor.intents.values())[which % len(self.processor.intents)]
        kinds = {"SUCCEEDED": "succeeded", "CANCELED": "canceled", "REQUIRES_CAPTURE": "amount_capturable_updated"}
        do(self._webhook(f"payment_intent.{kinds.get(intent.status, 'created')}", intent.processor_id))

    async def _webhook(self, kind: str, processor_id: str) -> None:
        body = f'{{"data": {{"object": {{"id": "{processor_id}"}}}}}}'
        async with transaction() as db:
            await inbox.keep(db, event_id=f"evt_{uuid4().hex}", kind=kind, body=body)

    # Faults, and the jobs.

    @rule(
        which=st.integers(0, 99),
        times=st.sampled_from([1, 1, 2]),
        operator=st.sampled_from(["OK", "OK", "OK", "REFUSED", "LOST", "UNHEARD"]),
        processor=st.sampled_from(["OK", "OK", "OK", "DECLINES", "FAILS", "LOST"]),
    )
    def work(self, which: int, times: int, operator: str, processor: str) -> None:
        """A worker takes a job on a good or a bad day; one that dies before it could say so leaves it to run again."""
        if taken := self._due_jobs():
            self.operator.mood, self.processor.mood = operator, processor
            for _ in range(times):
                do(run(taken[which % len(taken)]))
            self.operator.mood = self.processor.mood = "OK"

    @rule(which=st.integers(0, 99))
    def time_passes(self, which: int) -> None:
        """Something that was put off, such as the end of a wait, comes due."""
        if later := [job for job in do(waiting()) if job.is_for_later]:
            do(run(later[which % len(later)]))

    @rule()
    def go_on(self) -> None:
        """What should come next, comes next."""
        if due := self._due_jobs():
            for job in due:
                do(run(job))
            return
        for plug_in in self.operator.plug_ins:
            if plug_in.phase != "COMPLETED":
                plug_in.energy_wh += 3000
                plug_in.phase = "COMPLETED" if plug_in.phase == "ACTIVE" else "ACTIVE"
                do(self._hear(plug_in.report()))
                return
        for plug_in in self.operator.plug_ins:
            do(self._hear(plug_in.record(1)))

    def _due_jobs(self) -> list[Waiting]:
        return [job for job in do(waiting()) if not job.is_for_later]

    # What holds at every moment.

    @invariant()
    def nothing_is_wrong(self) -> None:
        if getattr(self, "sessions", None):
            do(self._check())

    async def _check(self) -> None:
        async with transaction() as db:
            sessions = await self._rows()
            receipts = (await db.execute(select(Receipt).where(Receipt.driver_id == self.driver.id))).scalars().all()
            holds = (await db.execute(select(Hold).where(Hold.driver_id == self.driver.id))).scalars().all()
            for session in sessions:
                billed = [receipt for receipt in receipts if receipt.session_id == session.id]
                self._check_bill(session, billed)
                await self._check_path(session)
            assert await ledger.imbalance(db) == {}
        for hold in holds:
            assert hold.captured_minor <= hold.amount_minor
            assert hold.amount_minor <= self.brand.hold_cap_minor
        for intent in self.processor.intents.values():
            assert intent.captured_minor <= intent.amount_minor

    def _check_bill(self, session: ChargingSession, billed: list[Receipt]) -> None:
        firsts = [receipt for receipt in billed if receipt.corrects_id is None]
        assert len(firsts) <= 1, "one plug-in, one bill"
        if session.state == State.FAILED:
            assert firsts == [], "a start that was told to have failed is not billed"
        if billed:
            [plug_in] = [one for one in self.operator.plug_ins if one.reference == session.authorization_reference]
            net = Decimal(plug_in.energy_wh) * Decimal("0.45") / 1000
            promised_minor = int((net * Decimal("121")).quantize(Decimal(1), ROUND_HALF_UP))
            assert sum(receipt.total_minor for receipt in billed) == promised_minor, "the bill is what was promised"

    async def _check_path(self, session: ChargingSession) -> None:
        async with transaction() as db:
            query = select(SessionEvent.state).where(SessionEvent.session_id == session.id)
            states = [
                State(state) for state in (await db.execute(query.order_by(col(SessionEvent.id)))).scalars() if state
            ]
        assert states[0] == State.REQUESTED
        assert states[-1] == session.state
        for earlier, later in itertools.pairwise(states):
            assert later in after(earlier), f"{earlier} -> {later} is not in the table"

    # And once it is quiet.

    def teardown(self) -> None:
        if not getattr(self, "sessions", None):
            return
        for _ in range(3):
            self._finish(self._due_jobs)
            self._end_all()
        self._finish(lambda: do(waiting()))
        do(self._check())
        do(self._check_end())

    def _end_all(self) -> None:
        """Every car charges, is full, and is told of."""
        for plug_in in self.operator.plug_ins:
            if plug_in.phase != "COMPLETED":
                plug_in.phase, plug_in.energy_wh = "COMPLETED", plug_in.energy_wh or 1000
            do(self._hear(plug_in.report()))
            do(self._hear(plug_in.record(1)))

    def _finish(self, jobs: Callable[[], list[Waiting]]) -> None:
        for _ in range(50):
            if not (found := jobs()):
                return
            for job in found:
                assert do(run(job)), f"{job} cannot be done on a good day"
        raise AssertionError(f"no end of {found}")

    async def _check_end(self) -> None:
        owed_minor = 0
        for session in await self._rows():
            ENDED[session.state] += 1
            assert session.state in OVER, f"{session.id} stays {session.state}: {session.state_reason}"
            assert session.state != State.IN_REVIEW, session.state_reason
        for processor_id in self.processor.holding:
            raise AssertionError(f"{processor_id} is still held")
        async with transaction() as db:
            clearing = await ledger.balance(db, ledger.CLEARING, "EUR")
            query = select(Receipt).where(Receipt.driver_id == self.driver.id)
            paid_minor = sum(receipt.paid_minor for receipt in (await db.execute(query)).scalars())
            owed = await ledger.balance(db, f"driver:{self.driver.id}", "EUR")
            owed_minor = owed.amount_minor
        assert self.processor.taken_minor == paid_minor, "what was taken is what receipts say was paid"
        assert owed_minor >= 0, "nobody paid more than was owed"
        assert clearing.amount_minor >= paid_minor
        settled = [session for session in await self._rows() if session.state == State.PAYMENT_DUE]
        assert bool(owed_minor) == bool(settled), "who owes nothing is settled, and who does is told so"

    async def _rows(self) -> list[ChargingSession]:
        async with transaction() as db:
            query = select(ChargingSession).where(ChargingSession.driver_id == self.driver.id)
            return list((await db.execute(query)).scalars())

    def _session(self, which: int) -> UUID:
        return self.sessions[which % len(self.sessions)]

    def _plug_in(self, which: int) -> PlugIn:
        return self.operator.plug_ins[which % len(self.operator.plug_ins)]

    def _completed(self) -> list[PlugIn]:
        return [plug_in for plug_in in self.operator.plug_ins if plug_in.phase == "COMPLETED"]


@pytest.fixture
def runner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One event loop for all runs, on one database; waits last for nothing."""
    for name in ("EMSP_PLUG_IN_WAIT_S", "EMSP_UNCONFIRMED_WAIT_S", "EMSP_CREDIT_WAIT_S"):
        monkeypatch.setenv(name, "0")
    product_settings.settings.cache_clear()
    timetable.set_up()
    with asyncio.Runner() as made:
        runners[:] = [made]
        yield
        do(engine.dispose())
    product_settings.settings.cache_clear()


def test_that_charges_keep_their_promises_whatever_the_order(
    runner: None, record_property: Callable[[str, object], None]
) -> None:
    examples = int(os.environ.get("EMSP_TEST_MODEL_EXAMPLES", "15"))
    run_state_machine_as_test(
        Charges,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if "EMSP_TEST_MODEL_EXAMPLES" in os.environ else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    ends = ", ".join(f"{count} {state}" for state, count in sorted(ENDED.items()))
    record_property("table", f"{examples} runs; charges ended: {ends}")
