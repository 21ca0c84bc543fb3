"""Money, days and quantities as a language writes them on paper."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from emsp.money import Money

LANGUAGES = ("en", "nl", "de", "fr")


def language_of(wanted: str) -> str:
    """The language of a document for whoever asks for `wanted`: en, nl, de or fr, else English."""
    code = wanted.replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else "en"


@cache
def locale_of(wanted: str) -> Locale:
    """How numbers and dates are written: those of the region where one is named, such as nl-BE."""
    if language_of(wanted) != wanted.replace("_", "-").partition("-")[0].lower():
        return Locale.parse("en_GB")
    try:
        found = Locale.parse(wanted.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        found = Locale.parse(language_of(wanted))
    return Locale.parse("en_GB") if str(found) == "en" else found


def amount(money: Money, wanted: str) -> str:
    """An amount with its currency, with exactly the currency's decimals."""
    return str(format_currency(money.amount, money.currency, locale=locale_of(wanted)))


def number(value: Decimal, wanted: str, *, decimals: int = 0, at_least: int = 0) -> str:
    """A number with at most so many decimals, and at least some of them."""
    pattern = "#,##0" + ("." + "0" * at_least + "#" * (decimals - at_least) if decimals else "")
    return str(format_decimal(value, format=pattern, locale=locale_of(wanted)))


def percent(value: Decimal, wanted: str) -> str:
    """A rate, such as 21%."""
    return f"{number(value, wanted, decimals=2)}%"


def energy(energy_wh: int, wanted: str, *, at_least: int = 2) -> str:
    """Watt-hours as kWh with every digit that was measured, and at least so many decimals."""
    return f"{number(Decimal(energy_wh) / 1000, wanted, decimals=3, at_least=at_least)} kWh"


def duration(duration_s: int) -> str:
    """Hours and minutes, such as 1 h 05 min; seconds below a minute."""
    hours, minutes = divmod(duration_s // 60, 60)
    if duration_s < 60:
        return f"{duration_s} s"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def day(at: datetime, zone: str, wanted: str) -> str:
    """A day in words, as it is called in the time zone."""
    return str(format_date(at.astimezone(ZoneInfo(zone)), format="long", locale=locale_of(wanted)))


def moment(at: datetime, zone: str, wanted: str) -> str:
    """A day and a time of it, with the zone as UTC offset or abbreviation."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, format='d MMM y, HH:mm', locale=locale_of(wanted))} ({local.tzname()})"
