"""What a usual charge costs by an operator's tariff, for one driver at one place: made once for all that are equal.

Everything that a price depends on is in the key it is remembered by (the tariff's content, the terms, the place, the
minute where the clock matters), so that a changed tariff, plan or policy never shows an old price.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from emsp.errors import Invalid
from emsp.money import Money
from emsp.pricing.engine.billed import Bill
from emsp.pricing.engine.report import Assumption
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.quotes.missing import NoPrice, depends_on_clock, known_bill, rule_for, usable_tariff
from emsp.pricing.quotes.planned import PlannedCharge, planned_energy, within
from emsp.pricing.quotes.remembered import Remembered
from emsp.pricing.retail.prices import RetailTariff
from emsp.pricing.retail.terms import Place, Terms

MAX_ENERGY_WH = 1_000_000
MAX_MINUTES = 24 * 60
FINEST_PRICE = Decimal("0.0001")
WH_PER_KWH = 1000
ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""When a charge begins whose price does not depend on the clock."""


class Usual(Struct, frozen=True):
    """The charge that is priced: so much energy, at the power of the connector (of alternating current no more than
    cars usually take), and in no fewer minutes than these, as no car charges faster. Then the driver leaves.

    Raises Invalid for what is no charge.
    """

    energy_wh: int = 20_000
    minutes: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.energy_wh <= MAX_ENERGY_WH:
            raise Invalid(f"must be more than 0 and at most {MAX_ENERGY_WH} Wh", "energyWh")
        if not 0 < self.minutes <= MAX_MINUTES:
            raise Invalid(f"must be more than 0 and at most {MAX_MINUTES}", "minutes")


USUAL = Usual()


class Indicative(Struct, frozen=True, kw_only=True):
    """What a charge costs, with tax where it is known: the total, and for each kWh of it, to four decimals.

    Without a price there is a `missing_reason`, and nothing else.
    """

    total: Money | None = None
    per_kwh: Decimal | None = None
    tax_known: bool = False
    assumptions: tuple[Assumption, ...] = ()
    missing_reason: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Wholesale:
    """What an operator asks, or the word why that is not known. Equal ones are one object."""

    tariff: Tariff | str


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """By what a driver pays, or the word why that is not known. Equal ones are one object."""

    retail: RetailTariff | str
    by_the_clock: bool = False


_documents: Remembered[bytes, Wholesale] = Remembered(20_000)
_wholesale: Remembered[bytes, Wholesale] = Remembered(20_000)
_rules: Remembered[bytes, Rule] = Remembered(20_000)


def wholesale_of(document: bytes) -> Wholesale:
    """What the JSON of a kept tariff says; its name and its validity are left to whoever chose it."""
    return _documents.get(document, lambda: _understood(document))


@lru_cache(maxsize=64)
def missing(reason: str) -> Wholesale:
    """No tariff is known."""
    return Wholesale(reason)


def price(wholesale: Wholesale, terms: Terms, place: Place, usual: Usual, at: datetime, time_zone: str) -> Indicative:
    """What the charge costs at a place, begun in the minute of `at`."""
    rule = _rule(wholesale, _same(terms), place)
    start = at.replace(second=0, microsecond=0) if rule.by_the_clock else ANY_TIME
    return _price(rule, _planned(place, usual, start), time_zone)


def _understood(document: bytes) -> Wholesale:
    try:
        tariff = replace(
            usable_tariff(msgspec.json.decode(document)), external_id=None, valid_from=None, valid_until=None
        )
    except NoPrice as none:
        return missing(none.reason)
    return _wholesale.get(msgspec.json.encode(tariff), lambda: Wholesale(tariff))


@lru_cache(maxsize=256)
def _same(terms: Terms) -> Terms:
    """One object for all terms that are equal, which are then soon compared."""
    return terms


@lru_cache(maxsize=50_000)
def _rule(wholesale: Wholesale, terms: Terms, place: Place) -> Rule:
    try:
        retail = rule_for(wholesale.tariff, terms, place)
    except NoPrice as none:
        return Rule(none.reason)
    return _rules.get(msgspec.json.encode(retail), lambda: Rule(retail, depends_on_clock(retail.tariff)))


def _planned(place: Place, usual: Usual, start: datetime) -> PlannedCharge:
    energy_wh = Decimal(usual.energy_wh)
    planned = planned_energy(place, energy_wh, start, None)
    return replace(planned, power_w=min(planned.power_w, energy_wh * 60 / usual.minutes))


@lru_cache(maxsize=50_000)
def _price(rule: Rule, planned: PlannedCharge, time_zone: str) -> Indicative:
    if isinstance(rule.retail, str):
        return Indicative(missing_reason=rule.retail)
    planned = within(planned, rule.retail.tariff)
    try:
        return _told(known_bill(rule.retail, planned.periods(), time_zone=time_zone), planned)
    except NoPrice as none:
        return Indicative(missing_reason=none.reason)


def _told(bill: Bill, planned: PlannedCharge) -> Indicative:
    return Indicative(
        total=bill.total,
        per_kwh=to_price(bill.total.amount * WH_PER_KWH / planned.energy_wh),
        tax_known=bill.tax_known,
        assumptions=(*planned.assumptions(), *bill.assumptions),
    )


def cheapest_first(total: Money | None, currency: str | None) -> tuple[bool, bool, str, int]:
    """What prices of the same charge are sorted by: those in a currency by their amount, then those in each other one,
    which are not compared with them, then what is not known."""
    if total is None:
        return True, True, "", 0
    return False, total.currency != currency, total.currency, total.amount_minor


def to_price(per_kwh: Decimal) -> Decimal:
    """To the decimals that prices are compared by, half up. No amount is made of it again."""
    return per_kwh.quantize(FINEST_PRICE, ROUND_HALF_UP)
