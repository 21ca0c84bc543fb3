"""No price is a value: why there is none, said in the same words wherever a price is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from emsp.money import is_known_currency
from emsp.pricing.engine.billed import Bill, billed
from emsp.pricing.engine.report import AssumptionCode
from emsp.pricing.engine.tariff import NotComputable, Tariff
from emsp.pricing.engine.trace import Period
from emsp.pricing.retail.prices import Place, RetailTariff, Terms, own_tariff, retail_price, retail_tariff

MOST_MINOR = 10**9
BY_THE_CLOCK = ("start_time", "end_time", "start_date", "end_date", "days_of_week")


class MissingPrice(StrEnum):
    """Why a tariff that is known gives no price."""

    NOT_COMPUTABLE = "NOT_COMPUTABLE"
    """It holds something that cannot be computed."""
    NO_PRICE_AT_THIS_TIME = "NO_PRICE_AT_THIS_TIME"
    """It has no price for energy at the time asked for."""
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN"
    """It depends on the clock of a place whose time zone is not known."""
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    """Its currency is none that there is (ISO 4217)."""


class NoPrice(Exception):
    """There is no price; `reason` is a `MissingPrice`, a `catalog.Missing` or another such word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = str(reason)


def usable_tariff(document: dict[str, Any]) -> Tariff:
    """A kept tariff. Raises NoPrice for one that cannot be priced, wherever and whenever."""
    try:
        tariff = msgspec.convert(document, Tariff)
    except msgspec.ValidationError as error:
        raise NoPrice(MissingPrice.NOT_COMPUTABLE) from error
    if tariff.not_computable is not None or not any(element.components for element in tariff.elements):
        raise NoPrice(MissingPrice.NOT_COMPUTABLE)
    if not is_known_currency(tariff.currency):
        raise NoPrice(MissingPrice.CURRENCY_UNKNOWN)
    return tariff


def rule_for(tariff: Tariff | str, terms: Terms, place: Place) -> RetailTariff:
    """By what a driver pays at a place, for the operator's tariff there, or the word why there is none.

    The brand's own price table comes first: it may have a price where the operator's tariff is missing or of no use.
    Raises NoPrice with that word.
    """
    own = own_tariff(terms, place)
    if own is not None:
        return own
    if isinstance(tariff, str):
        raise NoPrice(tariff)
    return retail_tariff(tariff, terms, place)


def refuse_unknown_zone(tariff: Tariff, time_zone: str) -> None:
    """Raises NoPrice where a price depends on a clock that is not known: a station of no known zone says UTC."""
    known = time_zone != "UTC"
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known and depends_on_clock(tariff):
        raise NoPrice(MissingPrice.TIME_ZONE_UNKNOWN)


def depends_on_clock(tariff: Tariff) -> bool:
    """Whether a price in it depends on time, date or day."""
    restrictions = [element.restrictions for element in tariff.elements if element.restrictions]
    return any(getattr(each, name) for each in restrictions for name in BY_THE_CLOCK)


def known_bill(retail: RetailTariff, periods: Sequence[Period], *, time_zone: str) -> Bill:
    """The bill of a charge. Raises NoPrice where the rule gives none, or none for some of its energy."""
    refuse_unknown_zone(retail.tariff, time_zone)
    try:
        bill = believable(billed(retail_price(retail, periods, time_zone=time_zone)))
    except (NotComputable, ArithmeticError) as error:
        raise NoPrice(MissingPrice.NOT_COMPUTABLE) from error
    if any(said.code is AssumptionCode.ENERGY_WITHOUT_PRICE for said in bill.assumptions):
        raise NoPrice(MissingPrice.NO_PRICE_AT_THIS_TIME)
    return bill


def believable(bill: Bill) -> Bill:
    """The same bill. Raises NoPrice for one that no charge comes to: its tariff holds a slip."""
    if abs(bill.total_minor) > MOST_MINOR:
        raise NoPrice(MissingPrice.NOT_COMPUTABLE)
    return bill
