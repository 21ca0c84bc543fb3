"""By what a brand makes its price: its policy, a place of sale, and all that decides what a driver pays there.

Everything in here is frozen and hashable, so that prices can be remembered by it.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from emsp.pricing.retail.conversion import ExchangeRate
from emsp.pricing.retail.countries import alpha_2
from emsp.pricing.retail.own_prices import OwnPrice, Place
from emsp.pricing.retail.plan_terms import HeldPlan
from emsp.pricing.retail.vat import standard_vat_percent

__all__ = ["ExchangeRate", "HeldPlan", "OwnPrice", "Place", "PricePolicy", "Terms"]


class VatWhenUnstated(StrEnum):
    """What to do about a component without VAT."""

    PLACE_OF_CHARGING = "PLACE_OF_CHARGING"
    """Electricity is taxed where it is charged: the rate of that country."""
    NONE = "NONE"
    """Leave tax unknown: it comes on top."""


class SoldIn(StrEnum):
    """In which currency a driver pays."""

    OPERATOR = "OPERATOR"
    """In that of the operator's tariff."""
    BRAND = "BRAND"
    """In the brand's own: the operator's prices are converted when the price is told, with the rate of that day."""


class LateCorrections(StrEnum):
    """What a driver pays when an operator corrects its record after the receipt."""

    DRIVERS_FAVOUR = "DRIVERS_FAVOUR"
    """After corrections the driver never pays more than the first receipt said."""
    BOTH_WAYS = "BOTH_WAYS"
    """Corrections are charged as they are."""


class Guarantee(StrEnum):
    """By which rule the bill is made."""

    QUOTED_RULE = "QUOTED_RULE"
    """By the prices that were shown before the start, whatever has become of the tariff since."""
    OPERATORS_RECORD = "OPERATORS_RECORD"
    """By the tariff in the operator's record."""


class FeePer(StrEnum):
    """What a usage fee is counted by."""

    KWH = "KWH"
    CHARGING_MINUTE = "CHARGING_MINUTE"
    PARKING_MINUTE = "PARKING_MINUTE"


class UsageFeePolicy(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the brand asks on top for each kWh or minute that was measured.

    `vat_percent` None: the rate of the country of charging. `currency` None: that of the tariff; a fee in another
    currency is converted, or left out and reported so where no rate is known.
    """

    per: FeePer
    net: Decimal
    vat_percent: Decimal | None = None
    currency: str | None = None


class CountryVat(Struct, frozen=True, forbid_unknown_fields=True):
    """A VAT rate that takes the place of the standard rate which this product knows."""

    country: str
    percent: Decimal


class PricePolicy(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a brand makes its price from the operator's. The default passes it on as it is."""

    markup_percent: Decimal = Decimal(0)
    """On every price and limit; negative for a discount."""
    session_fee_net: Decimal | None = None
    session_fee_vat_percent: Decimal | None = None
    """None: the rate of the country of charging."""
    session_fee_currency: str | None = None
    """None: that of the tariff. Another is converted; without a rate the fee is left out and reported so."""
    usage_fees: tuple[UsageFeePolicy, ...] = ()
    vat_when_unstated: VatWhenUnstated = VatWhenUnstated.PLACE_OF_CHARGING
    vat_percents: tuple[CountryVat, ...] = ()
    """Where charging is not taxed at the standard rate, or the rate has changed."""
    own_prices: tuple[OwnPrice, ...] = ()
    """Sold instead of the operator's tariff, without markup and fees; the first that fits a place counts."""
    currency: SoldIn = SoldIn.OPERATOR
    exchange_rate_days: int = 10
    """An exchange rate that is older is said to be old."""
    late_corrections: LateCorrections = LateCorrections.DRIVERS_FAVOUR
    guarantee: Guarantee = Guarantee.QUOTED_RULE

    @property
    def converts(self) -> bool:
        """Whether exchange rates may be needed."""
        return (
            self.currency is SoldIn.BRAND
            or self.session_fee_currency is not None
            or any(fee.currency for fee in self.usage_fees)
        )

    def vat_of_place(self, country: str) -> Decimal | None:
        """The VAT rate of charging in a country, in percent; None when it is not known."""
        for own in self.vat_percents:
            if alpha_2(own.country) == alpha_2(country):
                return own.percent
        return standard_vat_percent(country)


class Terms(Struct, frozen=True, omit_defaults=True, cache_hash=True):
    """By what a brand makes its price for somebody: its policy and currency, their plan, and the exchange rates."""

    policy: PricePolicy = PricePolicy()
    currency: str | None = None
    plan: HeldPlan | None = None
    rates: tuple[ExchangeRate, ...] = ()
