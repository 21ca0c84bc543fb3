"""Prices in words, in four languages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.price import Period, price
from emsp.pricing.engine.report import Assumption, AssumptionCode, Line, LineKind
from emsp.pricing.engine.tariff import (
    Component,
    Day,
    Dimension,
    Element,
    PriceLimit,
    ReservationUse,
    Restrictions,
    Tariff,
)
from emsp.pricing.retail.prices import Place, PricePolicy, Terms, UsageFeePolicy, retail_price, retail_tariff
from emsp.pricing.retail.terms import FeePer
from emsp.pricing.words.explain import assumption_text, line_text, summary
from emsp.pricing.words.phrases import PHRASES

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
WEEKDAYS = tuple(Day)[:5]


def component(dimension: Dimension, amount: str, vat: str | None = None, step: int = 1) -> Component:
    return Component(dimension, Decimal(amount), None if vat is None else Decimal(vat), step)


ENERGY = component(Dimension.ENERGY, "0.30")
PARKING = component(Dimension.PARKING_TIME, "3.00")
DAYTIME = Restrictions(start_time=time(8), end_time=time(20), days_of_week=WEEKDAYS)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "€0.30 per kWh, plus €0.05 per minute while parked after charging; weekdays 08:00–20:00. "
            "VAT is not stated and may be added.",
        ),
        (
            "de",
            "0,30\xa0€ pro kWh, zuzüglich 0,05\xa0€ pro Minute Standzeit nach dem Laden; werktags (Mo–Fr) "
            "08:00–20:00. Die MwSt. ist nicht angegeben und kann hinzukommen.",
        ),
        (
            "fr",
            "0,30\xa0€ par kWh, plus 0,05\xa0€ par minute de stationnement après la charge; du lundi au "
            "vendredi 08:00–20:00. La TVA n’est pas indiquée et peut s’ajouter.",
        ),
        (
            "nl-BE",
            "€\xa00,30 per kWh, plus €\xa00,05 per minuut parkeren na het laden; op werkdagen 08:00–20:00. "
            "De btw is niet vermeld en kan erbij komen.",
        ),
        (
            "pt",
            "€0.30 per kWh, plus €0.05 per minute while parked after charging; weekdays 08:00–20:00. "
            "VAT is not stated and may be added.",
        ),
    ],
)
def test_a_tariff_in_each_language(language: str, said: str) -> None:
    assert summary(Tariff("EUR", (Element((ENERGY, PARKING), DAYTIME),)), language) == said


def test_a_price_is_shown_with_its_vat() -> None:
    tariff = Tariff(
        "EUR",
        (Element((component(Dimension.FLAT, "1.00", "21"), component(Dimension.ENERGY, "0.35", "21"))),),
        max_price=PriceLimit(net=Decimal(10)),
    )
    assert summary(tariff, "en") == (
        "€1.21 per session, plus €0.4235 per kWh. At most €12.10 per session. Prices include VAT."
    )


@pytest.mark.parametrize(
    ("restrictions", "said"),
    [
        (Restrictions(start_time=time(0), end_time=time(23, 59)), ""),
        (Restrictions(start_time=time(22), end_time=time(0)), "; 22:00–24:00"),
        (Restrictions(start_time=time(22)), "; from 22:00"),
        (Restrictions(days_of_week=tuple(Day)), ""),
        (Restrictions(days_of_week=tuple(Day)[5:]), "; weekends"),
        (Restrictions(days_of_week=tuple(Day)[:4]), "; Mon–Thu"),
        (Restrictions(days_of_week=(Day.MONDAY, Day.SUNDAY)), "; Mon, Sun"),
        (
            Restrictions(start_date=date(2026, 1, 1), end_date=date(2026, 2, 1)),
            "; from Jan 1, 2026, until Jan 31, 2026",
        ),
        (Restrictions(min_energy_wh=Decimal(0), max_energy_wh=Decimal(10_000)), "; for the first 10 kWh"),
        (Restrictions(min_duration_s=5400), "; after 1 h 30 min"),
        (Restrictions(min_duration_s=1800, max_duration_s=3600), "; from 30 min to 1 h"),
        (Restrictions(max_power_w=Decimal(50_000)), "; below 50 kW"),
        (Restrictions(min_current_a=Decimal(32)), "; from 32 A"),
    ],
)
def test_a_condition_in_words(restrictions: Restrictions, said: str) -> None:
    free_of_tax = component(Dimension.ENERGY, "0.30", "0")

    text = summary(Tariff("EUR", (Element((free_of_tax,), restrictions),)), "en")

    assert text == f"€0.30 per kWh{said}. Prices include VAT."


def test_free_is_said_only_of_a_tariff_that_is_free() -> None:
    nothing = component(Dimension.FLAT, "0.00")
    assert summary(Tariff("EUR", (Element((nothing,)),)), "en") == "Free of charge."
    assert summary(Tariff("EUR", (), not_computable="no elements"), "en") == "The price cannot be computed."
    first_free = Element((component(Dimension.ENERGY, "0"),), Restrictions(max_duration_s=1800))
    assert summary(Tariff("EUR", (first_free, Element((ENERGY,)))), "en").startswith(
        "Energy free; for the first 30 min. €0.30 per kWh."
    )


def test_a_reservation_in_words() -> None:
    reserved = Restrictions(reservation=ReservationUse.RESERVATION)
    expired = Restrictions(reservation=ReservationUse.RESERVATION_EXPIRES)
    tariff = Tariff(
        "EUR",
        (
            Element((component(Dimension.FLAT, "4", "0"),), expired),
            Element((component(Dimension.TIME, "2", "0"),), reserved),
        ),
    )
    assert summary(tariff, "en") == (
        "Unused reservation: €4.00 per session. Reservation: €2.00 per hour. Prices include VAT."
    )


def test_many_alternatives_are_drawn_together_to_a_range() -> None:
    hours = tuple(
        Element(
            (component(Dimension.ENERGY, f"0.{30 + h}", "0"), component(Dimension.FLAT, "1", "0")),
            Restrictions(start_time=time(h), end_time=time(h + 1)),
        )
        for h in range(12)
    )
    assert summary(Tariff("EUR", hours), "en") == (
        "€0.30 to €0.41 per kWh, depending on the moment. €1.00 per session. Prices include VAT."
    )


def test_each_line_says_why_it_is_there() -> None:
    stepped = component(Dimension.PARKING_TIME, "3.00", step=900)
    tariff = Tariff("EUR", (Element((component(Dimension.FLAT, "1"), ENERGY, stepped), DAYTIME),))
    retail = retail_tariff(tariff, Terms(policy=PricePolicy(session_fee_net=Decimal("0.35"))), Place(country="DE"))
    periods = periods_of_plan(START, Decimal(15_500), Decimal(15_500), START + timedelta(minutes=80))

    report = retail_price(retail, periods, time_zone="Europe/Berlin")

    said = [line_text(line, "en", currency="EUR", time_zone="Europe/Berlin") for line in report.lines]
    assert said == [
        "Start fee (weekdays 08:00–20:00)",
        "15.5 kWh at €0.357 per kWh (Jun 2, 2026 12:00–13:00; weekdays 08:00–20:00)",
        "30 min parked at €3.57 per hour (Jun 2, 2026 13:00–13:20; weekdays 08:00–20:00; "
        "20 min used, billed in steps of 15 min)",
        "Service fee",
    ]


def test_a_line_of_unknown_tax_says_so() -> None:
    report = price(
        Tariff("EUR", (Element((ENERGY,)),)),
        [Period(START, START + timedelta(hours=1), Decimal(500))],
        time_zone="Europe/Berlin",
    )
    assert line_text(report.lines[0], "de", currency="EUR") == (
        "0,5 kWh zu 0,30\xa0€ pro kWh (02.06.2026 10:00–11:00; ohne MwSt.)"
    )


def test_assumptions_in_words() -> None:
    vat = Assumption(AssumptionCode.VAT_OF_PLACE_OF_CHARGING, {"country": "FI", "vat_percent": "25.5"})
    assert assumption_text(vat, "fr") == ("L’opérateur n’indique pas de TVA ; 25,5 % (FI) ont été ajoutés.")
    power = Assumption(AssumptionCode.CONSTANT_POWER, {"power_w": "11000"})
    assert assumption_text(power, "en") == "Charging at 11 kW throughout."


def test_a_price_per_session_is_said_in_the_decimals_of_its_currency() -> None:
    flat, small = component(Dimension.FLAT, "4.32", "21"), component(Dimension.FLAT, "0.002", "0")

    assert summary(Tariff("EUR", (Element((flat,)),)), "en") == "€5.23 per session. Prices include VAT."
    assert summary(Tariff("JPY", (Element((flat,)),)), "en") == "¥5 per session. Prices include VAT."
    assert summary(Tariff("EUR", (Element((small,)),)), "en") == "€0.002 per session. Prices include VAT."


def test_fees_for_usage_in_words() -> None:
    per_kwh, per_minute = (
        UsageFeePolicy(FeePer.KWH, Decimal("0.02")),
        UsageFeePolicy(FeePer.PARKING_MINUTE, Decimal("0.10")),
    )
    terms = Terms(policy=PricePolicy(usage_fees=(per_kwh, per_minute)))
    periods = periods_of_plan(START, Decimal(10_000), Decimal(10_000), START + timedelta(minutes=90))

    report = retail_price(
        retail_tariff(Tariff("EUR", (Element((ENERGY,)),)), terms, Place(country="DE")),
        periods,
        time_zone="Europe/Berlin",
    )

    assert [line_text(line, "de", currency="EUR") for line in report.lines[1:]] == [
        "Servicegebühr für 10 kWh zu 0,0238\xa0€ pro kWh",
        "Servicegebühr für 30 min Standzeit zu 0,119\xa0€ pro Minute",
    ]


def test_a_line_that_is_taken_back_says_so() -> None:
    line = Line(kind=LineKind.FLAT, net=Decimal(1), gross=Decimal(1))

    assert line_text(line, "en", currency="EUR", taken_back=True) == "Taken back: Start fee"
    assert line_text(Line(kind=LineKind.GOODWILL, net=Decimal(-1), gross=Decimal(-1)), "nl", currency="EUR") == (
        "Coulance: niet meer dan op uw eerste bon"
    )


@pytest.mark.parametrize("language", PHRASES)
def test_every_assumption_is_a_sentence_in_every_language(language: str) -> None:
    said = [assumption_text(Assumption(code), language) for code in AssumptionCode]

    assert all(text.endswith(".") and "{" not in text for text in said)
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("language", PHRASES)
def test_every_language_says_everything(language: str) -> None:
    words = PHRASES[language]
    assert words.keys() == PHRASES["en"].keys()
    assert {"line_" + kind for kind in LineKind} <= words.keys()
    assert set(AssumptionCode) <= words.keys()
    placeholders = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words.items()}
    assert placeholders == {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in PHRASES["en"].items()}
