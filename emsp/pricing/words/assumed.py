"""What was taken for granted, in sentences."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from emsp.pricing.engine.report import Assumption, AssumptionCode, LineKind
from emsp.pricing.words.speech import Speech, speech_of


def assumption_text(assumption: Assumption, language: str) -> str:
    """One assumption as a sentence."""
    speech = speech_of(language, "EUR")
    given = assumption.parameters
    said = {
        "country": given.get("country", ""),
        "currency": given.get("currency", ""),
        "into": given.get("into", ""),
        "source": given.get("source", ""),
        "date": speech.date(date.fromisoformat(given["as_of"])) if "as_of" in given else "",
        "rate": _rate_text(given, speech),
        "vat": speech.percent(Decimal(given.get("vat_percent", 0))),
        "percent": speech.percent(Decimal(given.get("percent", 0))),
        "energy": speech.quantity(LineKind.ENERGY, Decimal(given.get("energy_wh", 0))),
        "power": speech.kilo(Decimal(given.get("power_w", 0)), "kW"),
    }
    return speech.words[AssumptionCode(assumption.code)].format(**said)


def _rate_text(given: dict[str, str], speech: Speech) -> str:
    """1 EUR = 10.978 SEK: the way round in which the rate is above one."""
    rate = Decimal(given.get("rate", 0))
    pair = (given.get("currency", ""), given.get("into", ""))
    one, other = pair if rate >= 1 else pair[::-1]
    return f"1 {one} = {speech.rate(rate if rate >= 1 or not rate else 1 / rate)} {other}"
