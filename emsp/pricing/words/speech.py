"""How prices, quantities, times and conditions are said in a language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_time, get_day_names
from babel.numbers import NumberPattern, format_decimal, get_currency_precision, parse_pattern

from emsp.pricing.engine.report import LineKind
from emsp.pricing.engine.restrictions import DAYS, MIDNIGHT, covers_whole_day, ends_with_the_day
from emsp.pricing.engine.tariff import Day, Restrictions
from emsp.pricing.words.phrases import PHRASES

PRICE_DIGITS_MAX = 4
RATE_DIGITS = Context(prec=6)
WORKING_DAYS, WEEKEND = DAYS[:5], DAYS[5:]
USED_SO_FAR = ("first", "after")
PER_KWH = (LineKind.ENERGY, LineKind.ENERGY_FEE)
AT_THE_MOMENT = ("below", "at_least")


@dataclass(frozen=True, slots=True)
class Speech:
    """A language and a currency, and how things are said in them."""

    locale: Locale
    words: dict[str, str]
    currency: str

    def say(self, phrase: str, **parts: str) -> str:
        return self.words[phrase].format(**parts)

    def sentence(self, text: str) -> str:
        return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")

    def price(self, amount: Decimal | None) -> str:
        pattern = _price_pattern(self.locale, self.currency)
        return str(pattern.apply(amount or 0, self.locale, currency=self.currency, currency_digits=False))

    def per_session(self, amount: Decimal | None) -> str:
        """A price that is paid as it is said: in the currency's own decimals, unless that would leave nothing."""
        digits = get_currency_precision(self.currency)
        whole = (amount or Decimal(0)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        return self.price(amount if amount and not whole else whole)

    def percent(self, value: Decimal) -> str:
        return self.number(value) + " %"

    def rate(self, value: Decimal) -> str:
        """An exchange rate in six digits, as it is usual to say them."""
        return format_decimal(RATE_DIGITS.plus(value), format="#,##0.########", locale=self.locale)

    def number(self, value: Decimal) -> str:
        return format_decimal(value, format="#,##0.###", locale=self.locale)

    def kilo(self, value: Decimal, unit: str) -> str:
        return f"{self.number(value / 1000)} {unit}"

    def duration(self, seconds: Decimal) -> str:
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
        return " ".join(f"{self.number(n)} {unit}" for n, unit in parts if n) or "0 min"

    def quantity(self, kind: LineKind, value: Decimal) -> str:
        return self.kilo(value, "kWh") if kind in PER_KWH else self.duration(value)

    def times(self, start: datetime, end: datetime) -> str:
        same_day = start.date() == end.date()
        first = f"{self.date(start.date())} {self.clock(start.time())}"
        return f"{first}–{'' if same_day else self.date(end.date()) + ' '}{self.clock(end.time())}"

    def clock(self, value: time) -> str:
        return format_time(value, "HH:mm", locale=self.locale)

    def date(self, value: date) -> str:
        return format_date(value, "medium", locale=self.locale)

    def per_time(self, per_hour: Decimal) -> tuple[str, str]:
        """Price and unit: per minute where that is a price one can read, else per hour."""
        per_minute = per_hour / 60
        if per_minute == per_minute.quantize(Decimal("0.001")):
            return self.price(per_minute), self.words["minute"]
        return self.price(per_hour), self.words["hour"]


def speech_of(language: str, currency: str) -> Speech:
    """The speech of a language tag such as "de" or "nl-BE"; English when we do not speak it."""
    known = language[:2].lower() if language[:2].lower() in PHRASES else "en"
    return Speech(Locale(known), PHRASES[known], currency)


@lru_cache
def _price_pattern(locale: Locale, currency: str) -> NumberPattern:
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    pattern.frac_prec = (get_currency_precision(currency), PRICE_DIGITS_MAX)
    return pattern


def conditions(r: Restrictions, speech: Speech) -> list[str]:
    """What must hold for an element to apply, each condition a few words; nothing that always holds."""
    days_and_times = " ".join(filter(None, [_days(r.days_of_week, speech), _times_of_day(r, speech)]))
    said = [
        days_and_times,
        *_dates(r, speech),
        _span(r.min_energy_wh, r.max_energy_wh, USED_SO_FAR, speech, lambda wh: speech.kilo(wh, "kWh")),
        _span(r.min_duration_s, r.max_duration_s, USED_SO_FAR, speech, speech.duration),
        _span(r.min_power_w, r.max_power_w, AT_THE_MOMENT, speech, lambda w: speech.kilo(w, "kW")),
        _span(r.min_current_a, r.max_current_a, AT_THE_MOMENT, speech, lambda a: speech.number(a) + " A"),
    ]
    return [text for text in said if text]


def _span(
    least: Decimal | int | None,
    below: Decimal | int | None,
    phrases: tuple[str, str],
    speech: Speech,
    say: Callable[[Decimal], str],
) -> str:
    if not least:
        return "" if below is None else speech.say(phrases[0], max=say(Decimal(below)))
    if below is None:
        return speech.say(phrases[1], min=say(Decimal(least)))
    return speech.say("between", min=say(Decimal(least)), max=say(Decimal(below)))


def _days(days: tuple[Day, ...], speech: Speech) -> str:
    chosen = tuple(day for day in DAYS if day in days)
    if not chosen or chosen == DAYS:
        return ""
    if chosen in (WORKING_DAYS, WEEKEND):
        return speech.words["weekdays" if chosen == WORKING_DAYS else "weekend"]
    names = get_day_names("abbreviated", locale=speech.locale)
    first, last = DAYS.index(chosen[0]), DAYS.index(chosen[-1])
    if len(chosen) > 2 and last - first + 1 == len(chosen):
        return f"{names[first]}–{names[last]}"
    return ", ".join(names[DAYS.index(day)] for day in chosen)


def _times_of_day(r: Restrictions, speech: Speech) -> str:
    if covers_whole_day(r):
        return ""
    start = speech.clock(r.start_time or MIDNIGHT)
    if r.end_time is None:
        return speech.say("time_from", start=start)
    end = "24:00" if ends_with_the_day(r.end_time) else speech.clock(r.end_time)
    return f"{start}–{end}"


def _dates(r: Restrictions, speech: Speech) -> Iterator[str]:
    if r.start_date is not None:
        yield speech.say("date_from", start=speech.date(r.start_date))
    if r.end_date is not None:
        yield speech.say("date_until", end=speech.date(r.end_date - timedelta(days=1)))
