"""Whatever happens to a balance in whatever order: it is what a naive reckoning says, and never less than nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emsp.db import engine
from emsp.db.engine import transaction
from emsp.payments import balance
from emsp.payments.ledger import balance as stands_on
from emsp.payments.ledger import imbalance
from tests.payments.conftest import Person, a_person, eur

CHARGES = ["c0", "c1", "c2"]
Step = tuple[str, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay in", "voucher", "reserve", "use", "use reserved", "release", "give back"]),
        st.sampled_from(CHARGES),
        st.integers(0, 1500),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Reckoning:
    """The same as plain sums, in cents; written without a look at how the product does it."""

    money: int = 0
    credit: int = 0
    set_apart: dict[str, int] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    used: dict[str, tuple[int, int]] = field(default_factory=dict)
    given: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return self.money + self.credit - sum(self.set_apart.values())

    def reserve(self, charge: str, minor: int) -> int:
        if charge not in self.over and charge not in self.set_apart:
            self.set_apart[charge] = min(minor, self.free)
        return self.set_apart.get(charge, 0)

    def use(self, charge: str, minor: int, only_reserved: bool) -> int:
        reserved = self.set_apart.pop(charge, None)
        if reserved is not None:
            self.over.add(charge)
        if charge not in self.used:
            taken = min(minor, (reserved or 0) if only_reserved else self.free)
            of_credit = min(self.credit, taken)
            if taken:
                self.used[charge] = (of_credit, taken - of_credit)
                self.credit, self.money = self.credit - of_credit, self.money - taken + of_credit
            return taken
        return sum(self.used[charge])

    def release(self, charge: str) -> int:
        reserved = self.set_apart.pop(charge, None)
        if reserved is not None:
            self.over.add(charge)
        return reserved or 0

    def give_back(self, charge: str, minor: int) -> int:
        """At most what was used of it, and once."""
        back = min(minor, sum(self.used.get(charge, (0, 0))))
        if back and charge not in self.given:
            of_money = min(back, self.used[charge][1])
            self.given[charge] = (back - of_money, of_money)
            self.credit, self.money = self.credit + back - of_money, self.money + of_money
        return back


@given(STEPS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_that_a_balance_is_what_a_naive_reckoning_says(database_url: str, steps: list[Step]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[Step]) -> None:
    try:
        person, reckoning = await a_person(uuid4().hex), Reckoning()
        run = uuid4().hex
        for what, charge, minor in steps:
            await DO[what](person, reckoning, f"{charge}-{run}", minor)
            await _agrees(person, reckoning)
    finally:
        await engine.dispose()


async def _agrees(person: Person, reckoning: Reckoning) -> None:
    money, credit, reserved = await person.figures()
    assert (money, credit, reserved) == (reckoning.money, reckoning.credit, sum(reckoning.set_apart.values()))
    assert min(money, credit, reserved, money + credit - reserved) >= 0
    paid = {charge: sum(parts) - sum(reckoning.given.get(charge, (0, 0))) for charge, parts in reckoning.used.items()}
    async with transaction() as db:
        assert await balance.used(db, list(reckoning.used) or ["none"]) == {
            charge: eur(minor) for charge, minor in paid.items() if minor
        }
        assert await stands_on(db, f"driver:{person.id}", "EUR") == eur(-sum(paid.values()))
        assert await imbalance(db) == {}


async def _pay_in(person: Person, reckoning: Reckoning, _: str, minor: int) -> None:
    await person.pays_in(minor)
    reckoning.money += minor


async def _voucher(person: Person, reckoning: Reckoning, _: str, minor: int) -> None:
    await person.is_given(minor)
    reckoning.credit += minor


async def _reserve(person: Person, reckoning: Reckoning, charge: str, minor: int) -> None:
    async with transaction() as db:
        apart = await balance.reserve(db, reference=charge, driver_id=person.id, up_to=eur(minor))
    assert apart == eur(reckoning.reserve(charge, minor))


async def _use(person: Person, reckoning: Reckoning, charge: str, minor: int, only_reserved: bool = False) -> None:
    async with transaction() as db:
        facts: dict[str, Any] = {"owed": eur(minor), "only_reserved": only_reserved}
        taken = await balance.use(db, reference=charge, receipt=charge, driver_id=person.id, **facts)
    assert taken == eur(reckoning.use(charge, minor, only_reserved))


async def _use_reserved(person: Person, reckoning: Reckoning, charge: str, minor: int) -> None:
    await _use(person, reckoning, charge, minor, only_reserved=True)


async def _release(person: Person, reckoning: Reckoning, charge: str, _: int) -> None:
    async with transaction() as db:
        told = await balance.release(db, charge)
    assert (told or eur(0)) == eur(reckoning.release(charge))


async def _give_back(person: Person, reckoning: Reckoning, charge: str, minor: int) -> None:
    back = reckoning.give_back(charge, minor)
    async with transaction() as db:
        await balance.give_back(db, reference=charge, driver_id=person.id, amount=eur(back))


DO: dict[str, Callable[[Person, Reckoning, str, int], Awaitable[None]]] = {
    "pay in": _pay_in,
    "voucher": _voucher,
    "reserve": _reserve,
    "use": _use,
    "use reserved": _use_reserved,
    "release": _release,
    "give back": _give_back,
}
