"""What is to happen in a run, by seed: who charges where and how, what goes wrong there, and who is killed when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Choice = TypeVar("Choice")

PROCESSES = ("api", "worker 1", "worker 2", "operator", "cards")
DATABASE = "database"
KILLED = {DATABASE: 32, "worker 1": 16, "worker 2": 16, "api": 11, "operator": 12, "cards": 13}
"""How often each is killed, of a hundred times; the database loses connections."""

CARDS = {
    "pm_card_visa": 60,
    "pm_card_mastercard": 18,
    "pm_card_authenticationRequiredOnSetup": 6,
    "pm_card_authenticationRequired": 4,
    "pm_card_chargeDeclined": 3,
    "pm_card_chargeDeclinedInsufficientFunds": 3,
    "pm_card_visa_debit": 3,
}
STARTS = {
    "ok": 76,
    "late": 5,
    "timeout_result": 2,
    "never_plug": 2,
    "reject": 2,
    "refuse": 2,
    "refuse_late": 3,
    "evse_occupied": 2,
    "pending": 3,
    "timeout": 1,
}
RECORDS = {"ok": 64, "twice": 9, "late": 7, "changed": 6, "credit": 8, "pull_only": 6}
LIES = {
    None: 55,
    "patch-before-put": 4,
    "replayed-periods": 4,
    "session-never-ends": 5,
    "session-without-token": 4,
    "last-updated-backwards": 4,
    "other-case": 4,
    "no-zone-timestamps": 3,
    "numbers-as-strings": 3,
    "nulls-everywhere": 3,
    "results-as-lists": 3,
    "result-message-object": 2,
    "no-timeout-field": 2,
    "wrong-unit-periods": 2,
    "overlong-texts": 2,
}
CREATE, CONFIRM, CAPTURE = "/v1/payment_intents", "/v1/payment_intents/*/confirm", "/v1/payment_intents/*/capture"
CANCEL, REFUND = "/v1/payment_intents/*/cancel", "/v1/refunds"
FAULTS = {
    "500": 18,
    "429": 14,
    "slow": 14,
    "500_after_execution": 26,
    "timeout_after_execution": 18,
    "card_declined": 10,
}
RAISE = "/v1/payment_intents/*/increment_authorization"
FAULTY = {RAISE: 4, CREATE: 22, CONFIRM: 28, CAPTURE: 26, CANCEL: 14, REFUND: 6}
BALANCES = {None: 80, "voucher": 12, "top-up": 8}
ENDS = {"stop": 62, "full": 20, "unplug": 18}


@dataclass(frozen=True)
class Charge:
    """One charge of one driver: what the car, the card and the charge point will do.

    `quoted_wh` is what the driver thinks to need, `stop_wh` what they take when they stop the charge themselves.
    """

    number: int
    driver: int
    card: str
    by_fleet: bool
    balance: str | None
    """A voucher or a top-up, before the charge."""
    pays_what_is_due: bool
    orders: dict[str, str]
    lies: tuple[str, ...]
    ends: str
    quoted_wh: int
    stop_wh: int
    loses_answer: bool
    """The app hears no answer to its first wish to start, and asks again."""
    hold_lapses: bool


@dataclass(frozen=True)
class Fault:
    """Something that the card processor gets wrong once."""

    path: str
    kind: str
    seconds: float


@dataclass(frozen=True)
class Plan:
    """A whole run."""

    seed: int
    charges: list[Charge]
    kills: list[str] = field(repr=False)
    faults: list[Fault] = field(repr=False)

    @property
    def faults_by_kind(self) -> dict[str, int]:
        """What goes wrong at charge points, and how often."""
        told: dict[str, int] = {}
        for charge in self.charges:
            wrong = [f"{name} {order}" for name, order in charge.orders.items() if order != "ok"]
            for kind in (*wrong, *charge.lies, *(["hold lapses"] if charge.hold_lapses else [])):
                told[kind] = told.get(kind, 0) + 1
        return dict(sorted(told.items()))


def make_plan(seed: int, charges: int, kills: int) -> Plan:
    """The same for the same numbers, whatever the machine does."""
    dice = random.Random(f"chaos {seed}")
    planned = [_charge(dice, number, charges) for number in range(charges)]
    killed = [_one_of(dice, KILLED) for _ in range(kills)]
    return Plan(seed, planned, killed, [_fault(dice) for _ in range(max(charges // 3, 4))])


def _charge(dice: random.Random, number: int, charges: int) -> Charge:
    comes_back = number > 10 and dice.random() < 0.2
    orders = {"start": _one_of(dice, STARTS), "cdr": _one_of(dice, RECORDS)}
    if dice.random() < 0.05:
        orders["stop"] = "reject"
    lie = _one_of(dice, LIES)
    return Charge(
        number=number,
        driver=dice.randrange(number) if comes_back else number,
        card=_one_of(dice, CARDS),
        by_fleet=dice.random() < 0.08,
        balance=_one_of(dice, BALANCES),
        pays_what_is_due=dice.random() < 0.7,
        orders=orders,
        lies=(lie,) if lie else (),
        ends=_one_of(dice, ENDS),
        quoted_wh=dice.choice((1_000, 5_000, 20_000, 40_000)),
        stop_wh=dice.randrange(500, 9_000),
        loses_answer=dice.random() < 0.15,
        hold_lapses=dice.random() < 0.05,
    )


def _fault(dice: random.Random) -> Fault:
    seconds = 25.0 if dice.random() < 0.1 else dice.uniform(0.5, 3)
    kind = _one_of(dice, FAULTS)
    path = dice.choice((CONFIRM, RAISE)) if kind == "card_declined" else _one_of(dice, FAULTY)
    return Fault(path, kind, round(seconds, 1))


def _one_of(dice: random.Random, weights: dict[Choice, int]) -> Choice:
    choices: Sequence[Choice] = list(weights)
    return dice.choices(choices, list(weights.values()))[0]
