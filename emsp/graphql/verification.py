"""The check of an operator's record, as a driver sees it on the receipt."""

from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import strawberry
from strawberry import field

from emsp.graphql.fields import value
from emsp.graphql.money import Money, shown
from emsp.money import round_money
from emsp.pricing.check.verdicts import Amount, Check, Reason, Verdict
from emsp.pricing.words.verdict_words import check_text, verdict_text


@strawberry.enum(description="What came of computing the operator's record of a charge once more.")
class CdrVerificationResult(Enum):
    AGREES = value("AGREES", "It is what the operator's published prices come to.")
    WITHIN_TOLERANCE = value("WITHIN_TOLERANCE", "It is off by a rounding, or by no more than was agreed.")
    DIFFERS = value("DIFFERS", "It is not what the operator's published prices come to.")
    NOT_CHECKABLE = value("NOT_CHECKABLE", "It could not be computed; `reason` says why.")


@strawberry.enum(description="Why an operator's record could not be checked, or what differs in it.")
class CdrVerificationReason(Enum):
    NO_TARIFF_PUBLISHED = value("NO_TARIFF_PUBLISHED", "The operator publishes no prices for this place.")
    ANOTHER_CURRENCY = value("ANOTHER_CURRENCY", "The record is in another currency than the prices.")
    NOT_COMPUTABLE = value("NOT_COMPUTABLE", "The prices hold something that cannot be computed.")
    TAX_UNKNOWN = value("TAX_UNKNOWN", "The prices do not tell the tax that is in them.")
    NOT_STATED = value("NOT_STATED", "The record does not say what it asks for this.")
    ROUNDED_LINES = value("ROUNDED_LINES", "Parts were rounded before they were added up.")
    ROUNDED_VOLUMES = value("ROUNDED_VOLUMES", "It was computed with more exact quantities than the record tells.")
    ANOTHER_SPLIT = value("ANOTHER_SPLIT", "The total agrees; it is split over the dimensions otherwise.")
    ANOTHER_TAX = value("ANOTHER_TAX", "The amounts before tax agree, the tax does not.")
    TARIFF_CHANGED = value("TARIFF_CHANGED", "It follows other prices than those published when the charge began.")
    TAX_IN_NET = value("TAX_IN_NET", "The amount before tax holds the tax already.")
    STEP_SIZES = value("STEP_SIZES", "Quantities were rounded up to steps in another way.")
    TIME_ZONE = value("TIME_ZONE", "Times of day were taken in UTC and not where the charge was.")
    EVERY_FLAT = value("EVERY_FLAT", "More than one flat fee was charged.")
    ELEMENT_ORDER = value("ELEMENT_ORDER", "Another price was taken than the first that applies.")
    UNITS = value("UNITS", "Units of energy or time were mixed up.")
    DUPLICATE = value("DUPLICATE", "The charge is in another record already.")
    CREDITED = value("CREDITED", "The operator took its record back; nothing is asked for the charge any more.")


@strawberry.enum(description="What a check is about.")
class CdrCheckSubject(Enum):
    ENERGY = value("ENERGY", "Energy delivered.")
    TIME = value("TIME", "Time spent charging.")
    PARKING_TIME = value("PARKING_TIME", "Time connected without charging.")
    FIXED = value("FIXED", "Fees for the session.")
    RESERVATION = value("RESERVATION", "The reservation before it.")
    TOTAL = value("TOTAL", "All of it.")


@strawberry.type(description="An amount before and with tax, as far as it is known.")
class CdrAmount:
    net: Money | None = field(description="Without tax.")
    gross: Money | None = field(description="With tax.")


@strawberry.type(description="One figure of the operator's record, beside what its prices come to.")
class CdrCheck:
    dimension: CdrCheckSubject = field(description="What it is about.")
    asked: CdrAmount = field(description="What the operator asks for it.")
    computed: CdrAmount = field(description="What its prices come to for what was measured.")
    result: CdrVerificationResult = field(description="Whether the two agree.")
    reason: CdrVerificationReason | None = field(description="Why not, or why that is not known; null otherwise.")
    text: str = field(description="The check in a sentence.")


@strawberry.type(description="The operator's record of a charge, computed once more from the measured periods.")
class CdrVerification:
    result: CdrVerificationResult = field(description="Whether the record is right.")
    reason: CdrVerificationReason | None = field(
        description="Why it could not be checked, or what differs; null when there is no more to say."
    )
    checks: list[CdrCheck] = field(
        description="The figures that were compared, the total last; empty on receipts from before they were kept."
    )
    claimed: bool = field(
        description="Whether we claim a difference back from the operator; the driver does not pay it in any case."
    )
    text: str = field(description="What came of it, in one or two sentences.")


def verification_of(facts: dict[str, Any], language: str) -> CdrVerification:
    """The check that a receipt keeps."""
    reason, currency = facts.get("reason"), facts.get("currency") or ""
    claimed = bool(facts.get("claimed"))
    return CdrVerification(
        result=CdrVerificationResult(facts["result"]),
        reason=CdrVerificationReason(reason) if reason else None,
        checks=[_check(one, language, currency) for one in msgspec.convert(facts.get("checks", []), list[Check])],
        claimed=claimed,
        text=verdict_text(Verdict(facts["result"]), Reason(reason) if reason else None, language, claimed=claimed),
    )


def _check(check: Check, language: str, currency: str) -> CdrCheck:
    return CdrCheck(
        dimension=CdrCheckSubject(check.what.value),
        asked=_amount(check.asked, currency),
        computed=_amount(check.computed, currency),
        result=CdrVerificationResult(check.verdict.value),
        reason=CdrVerificationReason(check.reason.value) if check.reason else None,
        text=check_text(check, language, currency),
    )


def _amount(amount: Amount, currency: str) -> CdrAmount:
    return CdrAmount(net=_money(amount.net, currency), gross=_money(amount.gross, currency))


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else shown(round_money(amount, currency))
