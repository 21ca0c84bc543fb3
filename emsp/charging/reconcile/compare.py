"""Two sets of books, and what they disagree about. Amounts in minor units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What may differ, each with a sentence in `MEANING`."""

    PAYMENT_UNKNOWN = "PAYMENT_UNKNOWN"
    PAYMENT_TWICE = "PAYMENT_TWICE"
    PAYMENT_MISSING = "PAYMENT_MISSING"
    TAKEN_NOT_KNOWN = "TAKEN_NOT_KNOWN"
    NOT_TAKEN = "NOT_TAKEN"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    HOLD_LEFT = "HOLD_LEFT"
    HOLD_GONE = "HOLD_GONE"
    NOT_BOOKED = "NOT_BOOKED"
    BOOKED_DIFFERS = "BOOKED_DIFFERS"
    BOOKED_WITHOUT_PAYMENT = "BOOKED_WITHOUT_PAYMENT"
    REFUND_UNKNOWN = "REFUND_UNKNOWN"
    REFUND_MISSING = "REFUND_MISSING"
    REFUND_DIFFERS = "REFUND_DIFFERS"
    REFUND_NOT_BOOKED = "REFUND_NOT_BOOKED"
    CLEARING_DIFFERS = "CLEARING_DIFFERS"
    BOOKS_UNBALANCED = "BOOKS_UNBALANCED"


MEANING = {
    Kind.PAYMENT_UNKNOWN: "The processor took or holds money by a payment that we do not know.",
    Kind.PAYMENT_TWICE: "The processor has a second payment for what was paid or held before.",
    Kind.PAYMENT_MISSING: "We know a payment that the processor does not have.",
    Kind.TAKEN_NOT_KNOWN: "The processor took money, and we do not know it.",
    Kind.NOT_TAKEN: "We think that money was taken, and the processor has not taken it.",
    Kind.AMOUNT_DIFFERS: "Another amount was taken than we think.",
    Kind.CURRENCY_DIFFERS: "The payment is in another currency than we think.",
    Kind.HOLD_LEFT: "The processor still holds money that nothing needs.",
    Kind.HOLD_GONE: "We count on a hold that the processor does not have any more.",
    Kind.NOT_BOOKED: "Money was taken, and the ledger has nothing of it.",
    Kind.BOOKED_DIFFERS: "The ledger has another amount than was taken.",
    Kind.BOOKED_WITHOUT_PAYMENT: "The ledger has money at the processor that no payment brought there.",
    Kind.REFUND_UNKNOWN: "The processor gave money back by a refund that we do not know.",
    Kind.REFUND_MISSING: "We know a refund that the processor does not have.",
    Kind.REFUND_DIFFERS: "A refund has another amount or outcome than we think.",
    Kind.REFUND_NOT_BOOKED: "Money was given back, and the ledger has another amount of it, or none.",
    Kind.CLEARING_DIFFERS: "What the ledger has at the processor is not what the processor's own balance comes to.",
    Kind.BOOKS_UNBALANCED: "The ledger's entries of a currency do not sum to zero.",
}


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of ours. `what`: HOLD, CHARGE, TOP_UP or DEBIT; `is_under_way` while its outcome is open."""

    what: str
    id: str
    processor_id: str | None
    currency: str
    taken_minor: int = 0
    is_held: bool = False
    is_needed: bool = True  # a hold: whether its charge is open
    booked_minor: int = 0
    is_under_way: bool = False


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of ours. `is_done`: the money arrived."""

    id: str
    processor_id: str | None
    currency: str
    amount_minor: int
    is_done: bool
    booked_minor: int = 0
    is_under_way: bool = False


class Loose(msgspec.Struct, frozen=True, kw_only=True):
    """Money at the processor in the ledger that belongs to no payment or refund."""

    event: str
    reference: str
    currency: str
    amount_minor: int


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """Our books. `clearing` and `imbalance`: minor units by currency. Sums are compared when nothing is under way."""

    payments: Sequence[Payment] = ()
    refunds: Sequence[Refunded] = ()
    loose: Sequence[Loose] = ()
    clearing: dict[str, int] = {}
    imbalance: dict[str, int] = {}

    @property
    def is_under_way(self) -> bool:
        return any(one.is_under_way for one in self.payments) or any(one.is_under_way for one in self.refunds)

    @property
    def processor_ids(self) -> set[str]:
        found = [one.processor_id for one in self.payments] + [one.processor_id for one in self.refunds]
        return {processor_id for processor_id in found if processor_id}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A payment at the processor; `reference` names the payment of ours that it was made for."""

    id: str
    status: str
    currency: str
    captured_minor: int
    reference: str | None = None

    @property
    def holds(self) -> bool:
        return self.status == "REQUIRES_CAPTURE"


class Repaid(msgspec.Struct, frozen=True, kw_only=True):
    """A refund at the processor."""

    id: str
    status: str
    currency: str
    amount_minor: int

    @property
    def is_done(self) -> bool:
        return self.status == "SUCCEEDED"


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """The processor's books. `balance`: what its movements come to by currency; None when it lists none."""

    intents: Sequence[Intent] = ()
    refunds: Sequence[Repaid] = ()
    balance: dict[str, int] | None = None

    @property
    def processor_ids(self) -> set[str]:
        return {one.id for one in self.intents} | {one.id for one in self.refunds}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the books disagree about: what we have, and what they have."""

    kind: Kind
    subject: str
    ours: str
    theirs: str

    @property
    def text(self) -> str:
        return MEANING[self.kind]


def compare(ours: Ours, theirs: Theirs) -> list[Difference]:
    """Every difference, each once. What is under way is not one, as long as nothing was taken for it twice."""
    return [
        *_payments(ours.payments, theirs.intents),
        *_refunds(ours.refunds, theirs.refunds),
        *_loose(ours.loose),
        *_sums(ours, theirs),
    ]


def _payments(ours: Sequence[Payment], theirs: Sequence[Intent]) -> Iterator[Difference]:
    known = {payment.processor_id: payment for payment in ours if payment.processor_id}
    by_reference = {f"{payment.what.lower().replace('_', '-')}-{payment.id}": payment for payment in ours}
    intents = {intent.id: intent for intent in theirs}
    for intent in theirs:
        if intent.id not in known and (intent.holds or intent.captured_minor):
            yield _stranger(intent, by_reference.get(intent.reference or ""))
    for payment in ours:
        intent_of = intents.get(payment.processor_id or "")
        if intent_of:
            yield from _payment(payment, intent_of)
        elif payment.processor_id:
            yield _differ(Kind.PAYMENT_MISSING, payment.processor_id, _name(payment), "nothing")
        elif payment.taken_minor:
            yield _differ(Kind.PAYMENT_MISSING, payment.id, _name(payment), "nothing")
        yield from _booked(payment)


def _stranger(intent: Intent, payment: Payment | None) -> Difference:
    has = f"{intent.status} {_minor(intent.captured_minor, intent.currency)}"
    if payment is None or payment.processor_id is None:
        return _differ(Kind.PAYMENT_UNKNOWN, intent.id, "nothing", has)
    return _differ(Kind.PAYMENT_TWICE, intent.id, f"{_name(payment)} is {payment.processor_id}", has)


def _payment(ours: Payment, theirs: Intent) -> Iterator[Difference]:
    subject, has = theirs.id, f"{theirs.status} {_minor(theirs.captured_minor, theirs.currency)}"
    if ours.currency != theirs.currency:
        yield _differ(Kind.CURRENCY_DIFFERS, subject, _name(ours), has)
    elif ours.taken_minor and not theirs.captured_minor:
        yield _differ(Kind.NOT_TAKEN, subject, _name(ours), has)
    elif theirs.captured_minor and not ours.taken_minor:
        if not ours.is_under_way:
            yield _differ(Kind.TAKEN_NOT_KNOWN, subject, _name(ours), has)
    elif ours.taken_minor != theirs.captured_minor:
        yield _differ(Kind.AMOUNT_DIFFERS, subject, _name(ours), has)
    if ours.is_under_way:
        return
    if theirs.holds and not (ours.is_held and ours.is_needed):
        yield _differ(Kind.HOLD_LEFT, subject, _name(ours), has)
    if ours.is_held and not theirs.holds:
        yield _differ(Kind.HOLD_GONE, subject, _name(ours), has)


def _booked(payment: Payment) -> Iterator[Difference]:
    if payment.is_under_way or payment.booked_minor == payment.taken_minor:
        return
    kind = Kind.BOOKED_DIFFERS if payment.booked_minor else Kind.NOT_BOOKED
    booked = f"booked {_minor(payment.booked_minor, payment.currency)}"
    yield _differ(kind, payment.id, booked, f"taken {_minor(payment.taken_minor, payment.currency)}")


def _refunds(ours: Sequence[Refunded], theirs: Sequence[Repaid]) -> Iterator[Difference]:
    known = {refund.processor_id for refund in ours}
    repaid = {refund.id: refund for refund in theirs}
    for stranger in theirs:
        if stranger.id not in known and stranger.status not in ("FAILED", "CANCELED"):
            has = f"{stranger.status} {_minor(stranger.amount_minor, stranger.currency)}"
            yield _differ(Kind.REFUND_UNKNOWN, stranger.id, "nothing", has)
    for refund in ours:
        yield from _refund(refund, repaid.get(refund.processor_id or ""))


def _refund(ours: Refunded, theirs: Repaid | None) -> Iterator[Difference]:
    amount = _minor(ours.amount_minor, ours.currency)
    mine = f"refund {ours.id} of {amount}{'' if ours.is_done else ', not done'}"
    if theirs is None:
        if ours.processor_id or ours.is_done:
            yield _differ(Kind.REFUND_MISSING, ours.processor_id or ours.id, mine, "nothing")
    elif ours.amount_minor != theirs.amount_minor or (ours.is_done != theirs.is_done and not ours.is_under_way):
        has = f"{theirs.status} {_minor(theirs.amount_minor, theirs.currency)}"
        yield _differ(Kind.REFUND_DIFFERS, theirs.id, mine, has)
    wanted_minor = ours.amount_minor if ours.is_done else 0
    if ours.booked_minor != wanted_minor and not ours.is_under_way:
        booked = f"booked {_minor(ours.booked_minor, ours.currency)}"
        yield _differ(Kind.REFUND_NOT_BOOKED, ours.id, booked, f"given back {_minor(wanted_minor, ours.currency)}")


def _loose(entries: Iterable[Loose]) -> Iterator[Difference]:
    for entry in entries:
        booked = f"{entry.event} {_minor(entry.amount_minor, entry.currency)}"
        yield _differ(Kind.BOOKED_WITHOUT_PAYMENT, entry.reference, booked, "nothing")


def _sums(ours: Ours, theirs: Theirs) -> Iterator[Difference]:
    for currency, minor in ours.imbalance.items():
        yield _differ(Kind.BOOKS_UNBALANCED, currency, _minor(minor, currency), _minor(0, currency))
    if theirs.balance is None or ours.is_under_way:
        return
    for currency in sorted({*ours.clearing, *theirs.balance}):
        mine, has = ours.clearing.get(currency, 0), theirs.balance.get(currency, 0)
        if mine != has:
            yield _differ(Kind.CLEARING_DIFFERS, currency, _minor(mine, currency), _minor(has, currency))


def counted(differences: Iterable[Difference]) -> dict[str, int]:
    """How many differences there are of each kind."""
    return dict(Counter(difference.kind.value for difference in differences))


def summed(entries: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Minor units by currency, without those that come to nothing."""
    sums: dict[str, int] = defaultdict(int)
    for currency, minor in entries:
        sums[currency] += minor
    return {currency: minor for currency, minor in sums.items() if minor}


def _name(payment: Payment) -> str:
    state = "held" if payment.is_held else f"taken {_minor(payment.taken_minor, payment.currency)}"
    return f"{payment.what} {payment.id}, {state}"


def _minor(minor: int, currency: str) -> str:
    return f"{minor} {currency}"


def _differ(kind: Kind, subject: str, ours: str, theirs: str) -> Difference:
    return Difference(kind=kind, subject=subject, ours=ours, theirs=theirs)
