"""Price policies and plans as people write them: converted, and every field checked before anything is sold."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec
from babel.core import get_global
from babel.numbers import is_currency

from emsp.errors import Invalid
from emsp.pricing.retail.countries import alpha_2
from emsp.pricing.retail.own_prices import OwnPrice
from emsp.pricing.retail.plan_terms import PlanTerms
from emsp.pricing.retail.terms import PricePolicy
from emsp.written import Checks, demand

T = TypeVar("T")
PARTY = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{3}")
PLACE_IN_MESSAGE = re.compile(r" - at `\$(.*)`$")
COUNTRIES = frozenset(get_global("territory_currencies")) - {"ZZ"}
PRICES = ("per_kwh", "per_charging_minute", "per_parking_minute", "per_session")


def read_policy(written: object) -> PricePolicy:
    """A price policy from parsed JSON. Raises Invalid naming the path of the first field that is wrong."""
    return _checked(written, PricePolicy, _policy)


def read_plan(written: object) -> PlanTerms:
    """What a plan gives, from parsed JSON. Raises Invalid naming the path of the first field that is wrong."""
    return _checked(written, PlanTerms, _plan)


def _checked(written: object, kind: type[T], checks: Callable[[T], Checks]) -> T:
    try:
        read = msgspec.convert(written, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from error
    demand(checks(read))
    return read


def _named(message: str) -> Invalid:
    """msgspec ends its sentences with the place, as in "… - at `$.own_prices[0].currency`"."""
    place = PLACE_IN_MESSAGE.search(message)
    path = re.sub(r"\[(\d+)\]", r".\1", place[1]).strip(".") if place else ""
    return Invalid(PLACE_IN_MESSAGE.sub("", message), path)


def _policy(policy: PricePolicy) -> Checks:
    yield "markup_percent", _within(policy.markup_percent, -100, 1000), "from -100 to 1000"
    yield "session_fee_net", _price(policy.session_fee_net), "0 or more"
    yield "session_fee_vat_percent", _percent(policy.session_fee_vat_percent), "from 0 to 100"
    yield "session_fee_currency", _currency(policy.session_fee_currency), "a currency code of ISO 4217, such as EUR"
    yield "exchange_rate_days", policy.exchange_rate_days >= 0, "0 or more"
    for number, fee in enumerate(policy.usage_fees):
        path = f"usage_fees.{number}"
        yield f"{path}.net", _price(fee.net), "0 or more"
        yield f"{path}.vat_percent", _percent(fee.vat_percent), "from 0 to 100"
        yield f"{path}.currency", _currency(fee.currency), "a currency code of ISO 4217, such as EUR"
        yield f"{path}.per", fee.per not in [other.per for other in policy.usage_fees[:number]], "said once only"
    for number, own in enumerate(policy.vat_percents):
        yield f"vat_percents.{number}.country", _country(own.country), "a country code of ISO 3166-1, such as NL or NLD"
        yield f"vat_percents.{number}.percent", _percent(own.percent), "from 0 to 100"
    for number, entry in enumerate(policy.own_prices):
        yield from _own_price(f"own_prices.{number}", entry)


def _own_price(path: str, entry: OwnPrice) -> Checks:
    for number, country in enumerate(entry.countries):
        yield f"{path}.countries.{number}", _country(country), "a country code of ISO 3166-1, such as NL or NLD"
    for number, party in enumerate(entry.parties):
        yield f"{path}.parties.{number}", PARTY.fullmatch(party), "a party, such as NL-ABC"
    for name in ("min_power_w", "max_power_w"):
        yield f"{path}.{name}", _price(getattr(entry, name)), "0 or more"
    least, below = entry.min_power_w, entry.max_power_w
    yield f"{path}.max_power_w", least is None or below is None or least < below, "more than min_power_w"
    yield f"{path}.currency", _currency(entry.currency), "a currency code of ISO 4217, such as EUR"
    yield f"{path}.vat_percent", _percent(entry.vat_percent), "from 0 to 100"
    for name in PRICES:
        yield f"{path}.{name}", _price(getattr(entry, name)), "0 or more"
    yield f"{path}.parking_from_min", 0 <= entry.parking_from_min <= 10_080, "from 0 to 10080 (a week)"
    some = any(getattr(entry, name) is not None for name in PRICES)
    yield path, some, f"given at least one price: {', '.join(PRICES)}"


def _plan(terms: PlanTerms) -> Checks:
    yield "free_energy_wh", 0 <= terms.free_energy_wh <= 10**9, "from 0 to 1000000000"
    yield "energy_price", _price(terms.energy_price), "0 or more"
    yield "energy_price_currency", _currency(terms.energy_price_currency), "a currency code of ISO 4217, such as EUR"
    yield "energy_discount_percent", _percent(terms.energy_discount_percent), "from 0 to 100"
    yield "discount_percent", _percent(terms.discount_percent), "from 0 to 100"


def _price(amount: Decimal | None) -> bool:
    return amount is None or (amount.is_finite() and amount >= 0)


def _percent(value: Decimal | None) -> bool:
    return value is None or _within(value, 0, 100)


def _within(value: Decimal, least: int, most: int) -> bool:
    return value.is_finite() and least <= value <= most


def _currency(code: str | None) -> bool:
    return code is None or bool(is_currency(code))


def _country(code: str) -> bool:
    return alpha_2(code) in COUNTRIES
