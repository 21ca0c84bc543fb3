"""Tariffs, lines and assumptions in sentences for people; for display only, nothing is computed from them.

Prices are shown with VAT wherever it is known. Languages are en, de, fr and nl; any other is answered in
English.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from emsp.pricing.engine.price import net_and_gross
from emsp.pricing.engine.report import Line, LineKind
from emsp.pricing.engine.tariff import (
    Component,
    Dimension,
    Element,
    PriceLimit,
    ReservationUse,
    Tariff,
    TaxIncluded,
)
from emsp.pricing.retail.fees import SessionFee, UsageFee
from emsp.pricing.retail.plan_terms import HeldPlan
from emsp.pricing.retail.prices import RetailTariff
from emsp.pricing.words import plan_words
from emsp.pricing.words.assumed import assumption_text
from emsp.pricing.words.plan_words import discount_text
from emsp.pricing.words.speech import PER_KWH, Speech, conditions, speech_of

__all__ = ["assumption_text", "line_text", "notes", "plan_text", "summary", "unit_price_shown"]

SENTENCES_MAX = 8
TIMED = (Dimension.TIME, Dimension.PARKING_TIME)
PER_UNIT = (
    *PER_KWH,
    LineKind.TIME,
    LineKind.PARKING_TIME,
    LineKind.RESERVATION_TIME,
    LineKind.TIME_FEE,
    LineKind.PARKING_FEE,
)
WH_PER_KWH, SECONDS_PER_HOUR = 1000, 3600


def summary(tariff: Tariff | RetailTariff, language: str) -> str:
    """The tariff in one or a few short sentences; many alternatives are drawn together to a range.

    Of a retail tariff also the brand's fees, what the driver's plan gives, and from which currency it was converted.
    """
    retail = tariff if isinstance(tariff, RetailTariff) else RetailTariff(tariff)
    tariff = retail.tariff
    speech = speech_of(language, tariff.currency)
    if tariff.not_computable is not None:
        return speech.sentence(speech.words["not_computable"])
    parts = list(dict.fromkeys(_element_sentences(tariff, speech)))
    if len(parts) > SENTENCES_MAX:
        parts = list(_ranges(tariff, speech))
    said = [*(parts or [speech.words["free"]]), *_limits(tariff, speech), *_fees(retail, speech)]
    return " ".join(
        speech.sentence(part) for part in [*said, *_about_vat(tariff, speech), *_about_sale(retail, speech)]
    )


def line_text(line: Line, language: str, *, currency: str, time_zone: str = "UTC", taken_back: bool = False) -> str:
    """What a line is for: quantity, price per unit, when (in the time zone of the place), why it applied."""
    speech = speech_of(language, currency)
    text = discount_text(line, speech) if line.kind is LineKind.PLAN_DISCOUNT else speech.words["line_" + line.kind]
    if line.kind in PER_UNIT:
        text = _quantity_text(line, speech)
    noted = list(notes(line, speech, ZoneInfo(time_zone)))
    text += f" ({'; '.join(noted)})" if noted else ""
    return speech.say("taken_back", line=text) if taken_back else text


def notes(line: Line, speech: Speech, zone: ZoneInfo) -> Iterator[str]:
    """When a line was, in the time zone of the place, and why its price applied."""
    if line.start is not None and line.end is not None and line.end > line.start:
        yield speech.times(line.start.astimezone(zone), line.end.astimezone(zone))
    if line.applied_because is not None:
        yield from conditions(line.applied_because, speech)
    if line.measured != line.billed:
        measured, step = speech.quantity(line.kind, line.measured), Decimal(line.step_size)
        yield speech.say("rounded", measured=measured, step=speech.quantity(line.kind, step))
    if line.gross is None:
        yield speech.words["without_vat"]


def plan_text(plan: HeldPlan, language: str, currency: str) -> str:
    """What a plan gives, as a sentence; its own price per kWh is said in `currency` unless it has one of its own."""
    speech = speech_of(language, plan.terms.energy_price_currency or currency)
    return speech.sentence(plan_words.plan_text(plan, speech))


def _fees(retail: RetailTariff, speech: Speech) -> Iterator[str]:
    if retail.session_fee is not None:
        yield speech.say("session_fee", price=speech.per_session(_with_tax(retail.session_fee)))
    for fee in retail.usage_fees:
        price, unit = (speech.price(_with_tax(fee)), "") if fee.kind in PER_KWH else speech.per_time(_with_tax(fee))
        yield speech.say("fee_" + fee.kind, price=price, unit=unit)


def _with_tax(fee: SessionFee | UsageFee) -> Decimal:
    net, gross = net_and_gross(fee.net, fee.vat_percent, TaxIncluded.NO)
    return gross or net or Decimal(0)


def _about_sale(retail: RetailTariff, speech: Speech) -> Iterator[str]:
    if retail.conversion is not None:
        yield speech.say("converted", currency=retail.conversion.currency)
    if retail.plan is not None:
        yield plan_words.plan_text(retail.plan, speech)


def _element_sentences(tariff: Tariff, speech: Speech) -> Iterator[str]:
    priced = {c.dimension for e in tariff.elements for c in e.components if c.price}
    for element in tariff.elements:
        wanted = [c for c in element.components if c.price or (c.dimension in priced and element.restrictions)]
        said = [_component_text(c, tariff.tax_included, element, speech) for c in wanted]
        if said:
            prices = speech.words["plus"].join(said)
            yield _label(element, speech) + "; ".join(filter(None, [prices, _condition_text(element, speech)]))


def _label(element: Element, speech: Speech) -> str:
    use = element.restrictions.reservation if element.restrictions else None
    if use is None:
        return ""
    return speech.words["reservation" if use is ReservationUse.RESERVATION else "unused_reservation"] + ": "


def _component_text(component: Component, tax_included: TaxIncluded, element: Element, speech: Speech) -> str:
    if not component.price:
        return speech.words["free_" + component.dimension]
    reserved = element.restrictions is not None and element.restrictions.reservation is not None
    return _price_text(component.dimension, _shown_price(component, tax_included), speech, reserved=reserved)


def _price_text(dimension: Dimension, price: Decimal, speech: Speech, *, reserved: bool = False) -> str:
    if dimension not in TIMED:
        said = speech.per_session(price) if dimension is Dimension.FLAT else speech.price(price)
        return speech.say(dimension, price=said)
    amount, unit = speech.per_time(price)
    return speech.say("reservation_TIME" if reserved else dimension, price=amount, unit=unit)


def _shown_price(component: Component, tax_included: TaxIncluded) -> Decimal:
    net, gross = net_and_gross(component.price, component.vat_percent, tax_included)
    return component.price if gross is None or net is None else gross


def _condition_text(element: Element, speech: Speech) -> str:
    return ", ".join(conditions(element.restrictions, speech)) if element.restrictions else ""


def _ranges(tariff: Tariff, speech: Speech) -> Iterator[str]:
    for dimension in Dimension:
        prices = [
            _shown_price(c, tariff.tax_included)
            for element in tariff.elements
            for c in element.components
            if c.dimension is dimension
        ]
        low, high = min(prices, default=Decimal(0)), max(prices, default=Decimal(0))
        if low < high:
            said = speech.per_session if dimension is Dimension.FLAT else speech.price
            yield speech.say("range_" + dimension, low=said(low), high=said(high))
        elif high:
            yield _price_text(dimension, high, speech)


def _limits(tariff: Tariff, speech: Speech) -> Iterator[str]:
    limits: tuple[tuple[str, PriceLimit | None], ...] = (
        ("min_price", tariff.min_price),
        ("max_price", tariff.max_price),
    )
    for phrase, limit in limits:
        amount = None if limit is None else limit.gross or _with_the_only_vat(limit.net, tariff)
        if amount:
            yield speech.say(phrase, price=speech.per_session(amount))


def _with_the_only_vat(net: Decimal | None, tariff: Tariff) -> Decimal | None:
    rates = {c.vat_percent for element in tariff.elements for c in element.components if c.price}
    rate = rates.pop() if len(rates) == 1 else None
    return net if net is None or rate is None else net * (100 + rate) / 100


def _about_vat(tariff: Tariff, speech: Speech) -> Iterator[str]:
    priced = [c for element in tariff.elements for c in element.components if c.price]
    if not priced or tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return
    known = tariff.tax_included is TaxIncluded.YES or all(c.vat_percent is not None for c in priced)
    yield speech.words["vat_included" if known else "vat_on_top"]


def _quantity_text(line: Line, speech: Speech) -> str:
    quantity = speech.quantity(line.kind, line.billed)
    price = unit_price_shown(line)
    if line.kind in PER_KWH:
        return speech.say("line_" + line.kind, quantity=quantity, price=speech.price(price))
    amount, unit = speech.per_time(price)
    return speech.say("line_" + line.kind, quantity=quantity, price=amount, unit=unit)


def unit_price_shown(line: Line) -> Decimal:
    """Per unit with tax where it is known, whichever way the tariff states its prices."""
    amount = line.net if line.gross is None else line.gross
    if amount is None or not line.billed:
        return line.unit_price
    per_unit = amount * (WH_PER_KWH if line.kind in PER_KWH else SECONDS_PER_HOUR) / line.billed
    return per_unit.quantize(Decimal("1E-6"), ROUND_HALF_UP)
