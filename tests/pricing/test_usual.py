"""What a usual charge costs: 20 kWh, in no fewer than 20 minutes, then the driver leaves."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.errors import Invalid
from emsp.money import Money
from emsp.pricing.engine.report import AssumptionCode
from emsp.pricing.engine.tariff import Component, Day, Dimension, Element, PriceLimit, Restrictions, Tariff
from emsp.pricing.quotes.usual import Indicative, Usual, missing, price, wholesale_of
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.terms import OwnPrice, Place, PricePolicy, Terms

TUESDAY = datetime(2026, 6, 2, 10, 30, 7, tzinfo=UTC)
AC = Place("NLD", "NL-ABC", Decimal(22_000), direct_current=False)
DC = Place("NLD", "NL-ABC", Decimal(150_000), direct_current=True)
NET = Terms(PricePolicy(), "EUR")
ZONE = "Europe/Amsterdam"


def component(dimension: Dimension, amount: str, vat: str | None = "0") -> Component:
    return Component(dimension, Decimal(amount), None if vat is None else Decimal(vat))


def per_kwh(amount: str, **restrictions: Any) -> Element:
    return Element((component(Dimension.ENERGY, amount),), Restrictions(**restrictions) if restrictions else None)


def document(*elements: Element, currency: str = "EUR", **more: Any) -> bytes:
    return msgspec.json.encode(Tariff(currency, elements, **more))


def told(
    *elements: Element,
    place: Place = AC,
    terms: Terms = NET,
    usual: Usual | None = None,
    at: datetime = TUESDAY,
    zone: str = ZONE,
    **more: Any,
) -> Indicative:
    return price(wholesale_of(document(*elements, **more)), terms, place, usual or Usual(), at, zone)


def test_that_energy_costs_what_it_costs() -> None:
    said = told(per_kwh("0.49"))
    assert (said.total, said.per_kwh, said.tax_known, said.missing_reason) == (
        Money(980, "EUR"),
        Decimal("0.4900"),
        True,
        None,
    )


def test_that_tax_is_in_it_where_it_is_known() -> None:
    unstated = Element((component(Dimension.ENERGY, "0.40", vat=None),))
    with_vat = told(unstated)
    assert (with_vat.per_kwh, with_vat.tax_known) == (Decimal("0.4840"), True)
    assert AssumptionCode.VAT_OF_PLACE_OF_CHARGING in [said.code for said in with_vat.assumptions]
    without = told(unstated, place=Place("USA", "US-ABC"))
    assert (without.per_kwh, without.tax_known) == (Decimal("0.4000"), False)


@pytest.mark.parametrize(
    ("place", "hours"),
    [
        (Place("NLD", power_w=Decimal(7_400), direct_current=False), "2.7028"),
        (AC, "1.8183"),
        (Place("NLD"), "1.8183"),
        (Place("NLD", power_w=Decimal(50_000), direct_current=True), "0.4"),
        (DC, "0.3333"),
    ],
)
def test_that_it_takes_as_long_as_the_connector_needs_and_20_minutes_at_least(place: Place, hours: str) -> None:
    """An hour costs 30, so that the total tells how long it took."""
    said = told(Element((component(Dimension.TIME, "30"),)), place=place)
    assert said.total is not None
    assert said.total.amount == pytest.approx(30 * Decimal(hours), abs=Decimal("0.01"))


def test_that_another_charge_can_be_asked_about() -> None:
    flat_and_time = Element((component(Dimension.FLAT, "1"), component(Dimension.TIME, "6")))
    said = told(flat_and_time, place=DC, usual=Usual(energy_wh=50_000, minutes=30))
    assert (said.total, said.per_kwh) == (Money(400, "EUR"), Decimal("0.0800"))


def test_that_nothing_is_parked_and_limits_hold() -> None:
    parking = Element((component(Dimension.PARKING_TIME, "100"),))
    assert told(per_kwh("0.10"), parking).per_kwh == Decimal("0.1000")
    assert told(per_kwh("0.10"), min_price=PriceLimit(net=Decimal(5))).per_kwh == Decimal("0.2500")


def test_that_zero_is_free_and_unknown_is_not() -> None:
    assert told(per_kwh("0")) == told(per_kwh("0.00"))
    assert (told(per_kwh("0")).total, told(per_kwh("0")).per_kwh) == (Money(0, "EUR"), Decimal(0))
    unknown = price(missing("TARIFF_UNKNOWN"), NET, AC, Usual(), TUESDAY, ZONE)
    assert unknown == Indicative(missing_reason="TARIFF_UNKNOWN")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (document(per_kwh("1"), not_computable="a second language"), "NOT_COMPUTABLE"),
        (document(), "NOT_COMPUTABLE"),
        (document(per_kwh("1e30")), "NOT_COMPUTABLE"),
        (document(per_kwh("1"), currency="XXX"), "CURRENCY_UNKNOWN"),
        (document(per_kwh("1", days_of_week=(Day.SUNDAY,))), "NO_PRICE_AT_THIS_TIME"),
        (b'{"what": "is this"}', "NOT_COMPUTABLE"),
    ],
)
def test_that_what_gives_no_price_has_a_reason_and_nothing_else(said: bytes, reason: str) -> None:
    assert price(wholesale_of(said), NET, AC, Usual(), TUESDAY, ZONE) == Indicative(missing_reason=reason)


def test_that_a_brand_and_a_plan_have_their_own_price() -> None:
    dearer = Terms(PricePolicy(markup_percent=Decimal(10), session_fee_net=Decimal(1)), "EUR")
    member = Terms(PricePolicy(), "EUR", HeldPlan("Half", PlanTerms(energy_discount_percent=Decimal(50))))
    own = OwnPrice(countries=("NL",), currency="EUR", tax_included=True, vat_percent=Decimal(0), per_kwh=Decimal("0.3"))
    table = Terms(PricePolicy(own_prices=(own,)), "EUR")
    vat = Place("NLD", "NL-ABC", Decimal(22_000), direct_current=False)
    assert told(per_kwh("0.50"), place=vat).per_kwh == Decimal("0.5000")
    assert told(per_kwh("0.50"), terms=dearer, place=vat).per_kwh == Decimal("0.6105")
    assert told(per_kwh("0.50"), terms=member, place=vat).per_kwh == Decimal("0.2500")
    assert told(per_kwh("0.50"), terms=table, place=vat).per_kwh == Decimal("0.3000")
    assert price(missing("TARIFF_UNKNOWN"), table, vat, Usual(), TUESDAY, ZONE).per_kwh == Decimal("0.3000")


def test_that_a_price_by_the_clock_is_that_of_the_minute_in_the_zone_of_the_place() -> None:
    from_one = per_kwh("0.20", start_time=time(13))
    until_one = [told(from_one, per_kwh("0.60"), at=TUESDAY + timedelta(minutes=m)).per_kwh for m in (0, 20, 30)]
    assert until_one == [Decimal("0.3100"), Decimal("0.2365"), Decimal("0.2000")]
    assert told(from_one, per_kwh("0.60"), at=TUESDAY + timedelta(seconds=50)).per_kwh == until_one[0]
    assert told(from_one, per_kwh("0.60"), at=TUESDAY, zone="Europe/Helsinki").per_kwh == Decimal("0.2000")
    assert told(per_kwh("0.30", end_date=date(2026, 6, 3)), at=TUESDAY).per_kwh == Decimal("0.3000")
    gone = told(per_kwh("0.30", end_date=date(2026, 6, 2)), at=TUESDAY)
    assert gone.missing_reason == "NO_PRICE_AT_THIS_TIME"


def test_that_what_is_equal_is_made_once() -> None:
    """Two tariffs that differ in name and validity only, at operators and powers that make no difference."""
    first = wholesale_of(document(per_kwh("0.4321"), external_id="A", valid_from=TUESDAY))
    second = wholesale_of(document(per_kwh("0.4321"), external_id="B"))
    elsewhere = Place("NLD", "NL-XYZ", Decimal(11_000), direct_current=False)
    assert first is second
    one = price(first, NET, AC, Usual(), TUESDAY, ZONE)
    assert price(second, Terms(PricePolicy(), "EUR"), elsewhere, Usual(), TUESDAY + timedelta(days=9), ZONE) is one


@pytest.mark.parametrize(
    ("energy_wh", "minutes", "field"),
    [(0, 20, "energyWh"), (-1, 20, "energyWh"), (1_000_001, 20, "energyWh"), (1, 0, "minutes"), (1, 1441, "minutes")],
)
def test_that_what_is_no_charge_is_refused(energy_wh: int, minutes: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Usual(energy_wh, minutes)
    assert refused.value.field == field


@given(
    amount=st.decimals(0, 3, places=4),
    energy_wh=st.integers(1, 200_000),
    minutes=st.integers(1, 1440),
    power_w=st.integers(1_000, 400_000),
)
def test_that_each_kilowatt_hour_is_the_total_shared_out(
    amount: Decimal, energy_wh: int, minutes: int, power_w: int
) -> None:
    place = Place("NLD", power_w=Decimal(power_w), direct_current=True)
    said = told(per_kwh(str(amount)), place=place, usual=Usual(energy_wh, minutes))
    assert said.total is not None
    assert said.per_kwh is not None
    assert abs(said.total.amount - amount * energy_wh / 1000) <= Decimal("0.005")
    assert abs(said.per_kwh * energy_wh / 1000 - said.total.amount) <= Decimal("0.00005") * energy_wh / 1000
