"""What comes of checking a record of a charge, as it is kept with it: verdicts, reasons and both sides' figures."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from emsp.money import exponent
from emsp.pricing.engine.report import ZERO, LineKind, Report


class Verdict(StrEnum):
    """What came of comparing what is asked with what we computed."""

    AGREES = "AGREES"
    """The same in minor units."""
    WITHIN_TOLERANCE = "WITHIN_TOLERANCE"
    """Rounded otherwise, or off by no more than was agreed."""
    DIFFERS = "DIFFERS"
    NOT_CHECKABLE = "NOT_CHECKABLE"
    """One side has no figure; the reason says why."""


class Reason(StrEnum):
    """Why something cannot be checked, or what the difference comes from."""

    NO_TARIFF_PUBLISHED = "NO_TARIFF_PUBLISHED"
    ANOTHER_CURRENCY = "ANOTHER_CURRENCY"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"
    TAX_UNKNOWN = "TAX_UNKNOWN"
    NOT_STATED = "NOT_STATED"
    """The record does not say what it asks for this."""
    ROUNDED_LINES = "ROUNDED_LINES"
    """Parts were rounded and then added up."""
    ROUNDED_VOLUMES = "ROUNDED_VOLUMES"
    """Computed from times and totals that the record tells more exactly than its periods."""
    ANOTHER_SPLIT = "ANOTHER_SPLIT"
    """The total agrees; only what belongs to which dimension is seen otherwise."""
    ANOTHER_TAX = "ANOTHER_TAX"
    """Before tax it agrees."""
    TARIFF_CHANGED = "TARIFF_CHANGED"
    """It agrees with the tariff inside the record, which is not the one that was published at the start."""
    TAX_IN_NET = "TAX_IN_NET"
    """The amount before tax holds the tax already."""
    STEP_SIZES = "STEP_SIZES"
    """Rounded up to steps in another way, or not at all."""
    TIME_ZONE = "TIME_ZONE"
    """Times of day were taken in UTC and not where the charge was."""
    EVERY_FLAT = "EVERY_FLAT"
    """More than one flat fee was charged."""
    ELEMENT_ORDER = "ELEMENT_ORDER"
    """The last price that applies was taken and not the first."""
    UNITS = "UNITS"
    """Watt-hours were taken for kilowatt-hours, or minutes or seconds for hours."""
    DUPLICATE = "DUPLICATE"
    """The charge is in another record already."""
    CREDITED = "CREDITED"
    """The operator took its record back: nothing is asked any more."""


class What(StrEnum):
    """What a check is about."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FIXED = "FIXED"
    RESERVATION = "RESERVATION"
    TOTAL = "TOTAL"


KINDS = {
    What.ENERGY: frozenset({LineKind.ENERGY}),
    What.TIME: frozenset({LineKind.TIME}),
    What.PARKING_TIME: frozenset({LineKind.PARKING_TIME}),
    What.FIXED: frozenset({LineKind.FLAT}),
    What.RESERVATION: frozenset({LineKind.RESERVATION_TIME, LineKind.RESERVATION_FLAT}),
}


class Against(StrEnum):
    """Which tariff was compared with."""

    SNAPSHOT = "SNAPSHOT"
    """The one of the quote, as it stood at the start."""
    EMBEDDED = "EMBEDDED"
    """Those that the record carries."""


class Amount(Struct, frozen=True):
    """Major units of a currency, without and with tax; None where it is not known."""

    net: Decimal | None = None
    gross: Decimal | None = None


class Ask(Struct, frozen=True, kw_only=True):
    """What a record asks for: in all, and as far as it says, per dimension. Volumes are in Wh and seconds."""

    currency: str
    total: Amount
    parts: dict[What, Amount] = {}
    volumes: dict[What, Decimal] = {}


class Tolerance(Struct, frozen=True):
    """By how much a figure may differ: the larger of minor units and a percentage of ours."""

    minor: int = 1
    percent: Decimal = ZERO

    def width(self, ours: Decimal, currency: str) -> Decimal:
        """The same in major units."""
        return max(Decimal(self.minor).scaleb(-exponent(currency)), abs(ours) * self.percent / 100)


ONE_MINOR = Tolerance()


class Check(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure of both sides, in major units, unrounded. Volumes are in Wh or seconds, as told and as we bill."""

    what: What
    verdict: Verdict
    reason: Reason | None = None
    asked: Amount = Amount()
    computed: Amount = Amount()
    difference: Decimal | None = None
    """What is asked less what we computed, on the side that decided: before tax, unless only the tax differs."""
    told_volume: Decimal | None = None
    billed_volume: Decimal | None = None


class Verification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record, checked. The last of `checks` is the total, `ours` is the report that it was compared with.

    `undisputed_net` is what we owe by it, before tax, in whole minor units written in major ones: what is asked, or
    what we computed where more is asked than the tolerance allows.
    """

    verdict: Verdict
    reason: Reason | None = None
    currency: str
    against: Against | None = None
    checks: tuple[Check, ...] = ()
    ours: Report | None = None
    own_tariffs: Verdict | None = None
    """The verdict by the tariffs that the record carries, where the snapshot decided."""
    undisputed_net: Decimal | None = None

    @property
    def total(self) -> Check | None:
        """The check of the total."""
        return self.checks[-1] if self.checks else None

    @property
    def asks_more(self) -> bool:
        """Whether it differs, and to our disadvantage."""
        difference = self.total.difference if self.total else None
        return self.verdict is Verdict.DIFFERS and difference is not None and difference > 0
