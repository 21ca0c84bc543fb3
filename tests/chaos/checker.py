"""Whether three sets of books agree on what drivers paid for: every invariant, and whatever violates it, by its ids.

It knows nothing of the product but the names of accounts and events in the ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from tests.chaos.books import Books, Entry, Json, Told

CLEARING, OPERATOR = "processor_clearing", "cpo:"
OWN_MONEY = ("processor_fee", "payout_sent")
"""Events of the clearing account that are between the processor and us."""
BILLED, CORRECTED = "charge_billed", "charge_corrected"
CLAIMS = ("claim_opened", "claim_closed")
OPEN = ("REQUESTED", "COMMAND_SENT", "AWAITING_PLUG", "START_UNCONFIRMED", "CHARGING", "STOPPING", "ENDED")
FINAL = ("SETTLED", "PAYMENT_DUE", "FAILED")
Amounts = dict[tuple[str, str], int]
Check = Callable[[Books], "Found"]


@dataclass
class Found:
    """How many were looked at, and a sentence with the ids for each that is not as it has to be."""

    looked_at: int = 0
    violations: list[str] = field(default_factory=list)

    def look(self, holds: bool, violation: str) -> None:
        """One more, and what is wrong with it unless it holds."""
        self.looked_at += 1
        if not holds:
            self.violations.append(violation)


@dataclass(frozen=True)
class Verdict:
    """What came of one invariant."""

    name: str
    sentence: str
    found: Found

    @property
    def holds(self) -> bool:
        return not self.found.violations


def check(books: Books) -> list[Verdict]:
    """Every invariant over these books."""
    return [Verdict(name, (made.__doc__ or "").strip(), made(books)) for name, made in INVARIANTS.items()]


def billed_once(books: Books) -> Found:
    """Every delivered charge is billed, and billed once."""
    found, billed = Found(), _billed(books)
    for payer, charges in _by_payer(books).items():
        delivered = [one for one in charges if one.state != "FAILED" and _delivered(books, one)]
        bills = billed.get(payer, [])
        text = f"{payer}: {len(bills)} bills ({_few(bills)}) for {len(delivered)} delivered charges"
        named = _few(f"{one.session} told {one.state}" for one in delivered)
        for _ in delivered:
            found.look(len(bills) >= len(delivered), f"{text}: {named}")
    found.violations = sorted(set(found.violations))
    return found


def never_twice(books: Books) -> Found:
    """Nothing is billed twice, without having been delivered, or after its driver was told of a failure."""
    found, payers = Found(), _by_payer(books)
    for payer, bills in _billed(books).items():
        charges = payers.get(payer, [])
        delivered = [one for one in charges if one.state != "FAILED" and _delivered(books, one)]
        failed = _few(one.session for one in charges if one.state == "FAILED")
        text = f"{payer}: {len(bills)} bills ({_few(bills)}) for {len(delivered)} delivered charges; failed: {failed}"
        found.look(len(bills) <= len(delivered), text)
    return found


def no_hold_left(books: Books) -> Found:
    """No money is held without an open session."""
    found, with_open = Found(), {one.driver for one in books.told if one.state in OPEN}
    for intent in books.intents:
        driver = books.customers.get(intent["customer"], "nobody")
        held = not intent["held_minor"] or driver in with_open
        found.look(held, f"{intent['id']}: {intent['held_minor']} {intent['currency']} of driver {driver} still held")
    return found


def within_the_hold(books: Books) -> Found:
    """No more is captured than was authorised, and no more given back than was captured."""
    found = Found()
    for one in books.intents:
        taken, held, back = one["captured_minor"], one["authorised_minor"], one["refunded_minor"]
        text = f"{one['id']}: captured {taken} of {held}, given back {back} {one['currency']}"
        found.look(0 <= back <= taken <= held, text)
    return found


def balanced(books: Books) -> Found:
    """Every transaction of the ledger, and with it every currency, sums to zero."""
    found, sums = Found(), defaultdict[tuple[int, str, str], int](int)
    by_currency: Counter[str] = Counter()
    for entry in books.ledger:
        if entry.currency:
            sums[entry.transaction, f"{entry.event} {entry.reference}", entry.currency] += entry.amount_minor
            by_currency[entry.currency] += entry.amount_minor
    for (transaction, what, currency), amount in sums.items():
        found.look(amount == 0, f"transaction {transaction}, {what}: {amount} {currency}")
    for currency, amount in by_currency.items():
        found.look(amount == 0, f"currency {currency}: {amount}")
    return found


def as_the_processor(books: Books) -> Found:
    """What the card processor took less what it gave back is what the ledger says, driver by driver."""
    found, ours, theirs = Found(), _cleared(books), _taken(books)
    for driver, currency in sorted({*ours, *theirs}):
        booked, taken = ours.get((driver, currency), 0), theirs.get((driver, currency), 0)
        intents = _few(one["id"] for one in books.intents if books.customers.get(one["customer"]) == driver)
        found.look(booked == taken, f"driver {driver}: booked {booked}, taken {taken} {currency} by {intents}")
    return found


def as_the_operator(books: Books) -> Found:
    """What the operator's records ask for less our claims is what the ledger owes, party by party."""
    found, asked, owed = Found(), _asked(books), _sum(_of_operators(books))
    claimed = _sum(entry for entry in _of_operators(books) if entry.event in CLAIMS)
    for account, currency in sorted({*asked, *owed}):
        key = (account, currency)
        due = asked.get(key, 0) - claimed.get(key, 0)
        named = _few(str(one["id"]) for one in books.records if _seller(one) == account)
        text = f"{account}: records ask {asked.get(key, 0)}, claimed {claimed.get(key, 0)}, owed {-owed.get(key, 0)}"
        found.look(due == -owed.get(key, 0), f"{text} {currency}; records: {named}")
    return found


def paid(books: Books) -> Found:
    """Who owes nothing any more has paid what was billed; who owes was told so."""
    found, payers = Found(), _by_payer(books)
    accounts = _sum(entry for entry in books.ledger if entry.account and entry.account.startswith("driver:"))
    for (payer, currency), amount in accounts.items():
        told_due = any(one.state == "PAYMENT_DUE" for one in payers.get(payer, []))
        text = f"{payer}: {amount} {currency} on the account, told {_few(one.state for one in payers.get(payer, []))}"
        found.look(amount == 0 or (amount > 0 and told_due), text)
    return found


def one_session_each(books: Books) -> Found:
    """Every session of the operator is of one start of a driver, and no start led to two charges."""
    found, ours = Found(), {_compact(one.session) for one in books.told}
    delivered = Counter(_reference(one) for one in books.sessions if _is_delivered(books, one))
    for session in books.sessions:
        reference = _reference(session)
        found.look(reference in ours, f"session {session['id']}: {reference} is no start that a driver knows")
        found.look(delivered[reference] <= 1, f"session {session['id']}: {reference} led to {delivered[reference]}")
    return found


def all_said(books: Books) -> Found:
    """Every webhook was delivered, and the operator has said all that it has to say."""
    found, waiting = Found(), books.webhooks
    for state in ("pending", "given_up"):
        found.look(not waiting.get(state), f"webhooks: {waiting.get(state)} {state}")
    for session in books.sessions:
        over = session["phase"] in ("closed", "abandoned")
        found.look(over, f"session {session['id']} of {_reference(session)} is {session['phase']}")
    return found


def over(books: Books) -> Found:
    """No charge is left for ever in a state that is not the last."""
    found = Found()
    for one in books.told:
        found.look(one.state in FINAL, f"{one.session} (charge {one.number}) is {one.state}")
    return found


INVARIANTS: dict[str, Check] = {
    "delivered is billed": billed_once,
    "none billed twice": never_twice,
    "no hold left": no_hold_left,
    "captured at most the hold": within_the_hold,
    "ledger balances": balanced,
    "ledger as the card processor": as_the_processor,
    "ledger as the operator": as_the_operator,
    "paid, or told to be due": paid,
    "one charge a start": one_session_each,
    "everything said": all_said,
    "everything over": over,
}


def _by_payer(books: Books) -> dict[str, list[Told]]:
    payers: dict[str, list[Told]] = defaultdict(list)
    for one in books.told:
        payers[one.payer].append(one)
    return payers


def _billed(books: Books) -> dict[str, list[str]]:
    """The references of first bills by who pays; a bill over nothing is on no account."""
    billed: dict[str, list[str]] = defaultdict(list)
    for entry in books.ledger:
        if entry.event == BILLED and entry.account and entry.account.startswith(("driver:", "fleet:")):
            billed[entry.account].append(entry.reference)
    return billed


def _delivered(books: Books, told: Told) -> bool:
    """Whether the operator asks money for a charge, and did not take that back."""
    return any(_is_delivered(books, one) for one in books.sessions if _reference(one) == _compact(told.session))


def _is_delivered(books: Books, session: Json) -> bool:
    return sum(_cost(one) for one in books.records if one["session_id"] == session["id"]) > 0


def _asked(books: Books) -> Amounts:
    """What records ask for by the operator's account and currency, those of failed starts left aside."""
    failed = {_compact(one.session) for one in books.told if one.state == "FAILED"}
    asked: Amounts = defaultdict(int)
    for one in books.records:
        if _reference(one) not in failed:
            asked[_seller(one), one["currency"]] += _cost(one)
    return asked


def _taken(books: Books) -> Amounts:
    taken: Amounts = defaultdict(int)
    for one in books.intents:
        amount = one["captured_minor"] - one["refunded_minor"]
        taken[books.customers.get(one["customer"], "nobody"), one["currency"].upper()] += amount
    return {key: amount for key, amount in taken.items() if amount}


def _cleared(books: Books) -> Amounts:
    """What the processor has for us by the driver that it is from."""
    owners = {
        entry.transaction: entry.account.partition(":")[2]
        for entry in books.ledger
        if entry.account and entry.account.startswith(("driver:", "prepaid:"))
    }
    cleared: Amounts = defaultdict(int)
    for entry in books.ledger:
        if entry.account == CLEARING and entry.event not in OWN_MONEY:
            cleared[owners.get(entry.transaction, "nobody"), str(entry.currency)] += entry.amount_minor
    return {key: amount for key, amount in cleared.items() if amount}


def _of_operators(books: Books) -> Iterator[Entry]:
    return (entry for entry in books.ledger if entry.account and entry.account.startswith(OPERATOR))


def _sum(entries: Iterable[Entry]) -> Amounts:
    sums: Amounts = defaultdict(int)
    for entry in entries:
        sums[str(entry.account), str(entry.currency)] += entry.amount_minor
    return sums


def _cost(record: Json) -> int:
    """What a record asks for before tax, in minor units; below nothing for a credit."""
    cost = Decimal(str(record["total_cost"]["excl_vat"])) * 100
    return int(cost.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _seller(record: Json) -> str:
    return f"{OPERATOR}{record['country_code']}-{record['party_id']}"


def _reference(document: Json) -> str:
    return _compact(str(document.get("authorization_reference")))


def _compact(key: str) -> str:
    return key.replace("-", "").lower()


def _few(names: Iterable[str]) -> str:
    """The first few of many."""
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
