"""Prices in another currency: what a rate is, and a tariff converted by one, nothing rounded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Context, Decimal

from msgspec import Struct

EURO = "EUR"
RATE_DIGITS = Context(prec=24)
"""So many digits that converting to and fro returns the price to far more than the twelve decimals of a line."""


class ExchangeRate(Struct, frozen=True):
    """How many units of `currency` one euro bought on a day, and who says so. `old`: too old to pass in silence."""

    currency: str
    per_euro: Decimal
    as_of: date
    source: str
    old: bool = False


class Conversion(Struct, frozen=True, omit_defaults=True):
    """From a currency into another: `rate` units of `into` for one of `currency`, of the older of the two days."""

    currency: str
    into: str
    rate: Decimal
    as_of: date
    source: str
    old: bool = False


def conversion(currency: str, into: str, rates: Iterable[ExchangeRate]) -> Conversion | None:
    """The way from one currency into another over the euro; None when a rate is missing."""
    found = {rate.currency: rate for rate in rates}
    sides = [found[code] for code in (currency, into) if code in found]
    missing = [code for code in (currency, into) if code not in found and code != EURO]
    if missing or not sides:
        return None
    per_euro = {EURO: Decimal(1)} | {side.currency: side.per_euro for side in sides}
    oldest = min(sides, key=lambda side: side.as_of)
    return Conversion(
        currency=currency,
        into=into,
        rate=RATE_DIGITS.divide(per_euro[into], per_euro[currency]),
        as_of=oldest.as_of,
        source=oldest.source,
        old=any(side.old for side in sides),
    )


def factor(stated: str | None, currency: str, rates: Iterable[ExchangeRate]) -> Decimal | None:
    """By what an amount in `stated` (None: in no currency of its own) is multiplied to be one in `currency`."""
    if stated in (None, currency):
        return Decimal(1)
    found = conversion(str(stated), currency, rates)
    return None if found is None else found.rate
