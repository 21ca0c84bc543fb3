"""What drivers are written when a payment failed, and when it was made after all, in the languages of the product."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency

from emsp.money import Money

TEXTS = {
    "en": (
        "Please pay {amount} for your charge",
        "We could not take {amount} for receipt {receipt}.\n\n{next}\n\nOpen the {brand} app to pay now, also with "
        "another card. Until it is paid you may not be able to start another charge.\n",
        "We try again by ourselves on {day}.",
        "We do not try again by ourselves: please pay in the app.",
    ),
    "nl": (
        "Betaal {amount} voor je laadsessie",
        "Het is niet gelukt om {amount} voor bon {receipt} af te schrijven.\n\n{next}\n\nOpen de app van {brand} om nu "
        "te betalen, desgewenst met een andere kaart. Zolang er niet betaald is, kun je misschien geen nieuwe "
        "laadsessie starten.\n",
        "Op {day} proberen we het zelf opnieuw.",
        "We proberen het niet nog een keer: betaal alsjeblieft in de app.",
    ),
    "de": (
        "Bitte zahlen Sie {amount} für Ihren Ladevorgang",
        "Wir konnten {amount} für den Beleg {receipt} nicht einziehen.\n\n{next}\n\nÖffnen Sie die App von {brand}, um "
        "jetzt zu zahlen, auch mit einer anderen Karte. Bis dahin können Sie womöglich keinen neuen Ladevorgang "
        "starten.\n",
        "Am {day} versuchen wir es selbst noch einmal.",
        "Wir versuchen es nicht noch einmal: Bitte zahlen Sie in der App.",
    ),
    "fr": (
        "Merci de payer {amount} pour votre recharge",
        "Nous n’avons pas pu prélever {amount} pour le reçu {receipt}.\n\n{next}\n\nOuvrez l’application {brand} pour "
        "payer maintenant, au besoin avec une autre carte. D’ici là, vous ne pourrez peut-être pas lancer de nouvelle "
        "recharge.\n",
        "Nous réessayerons nous-mêmes le {day}.",
        "Nous ne réessayerons pas : merci de payer dans l’application.",
    ),
}


PAID = {
    "en": (
        "{amount} paid: thank you",
        "{amount} for receipt {receipt} is paid now. Nothing is due for this charge any more.\n",
    ),
    "nl": (
        "{amount} betaald: dank je wel",
        "{amount} voor bon {receipt} is nu betaald. Voor deze laadsessie staat niets meer open.\n",
    ),
    "de": (
        "{amount} bezahlt: vielen Dank",
        "{amount} für den Beleg {receipt} sind jetzt bezahlt. Für diesen Ladevorgang ist nichts mehr offen.\n",
    ),
    "fr": (
        "{amount} payés : merci",
        "{amount} pour le reçu {receipt} sont maintenant payés. Plus rien n’est dû pour cette recharge.\n",
    ),
}


def paid_mail(language: str, *, amount: Money, receipt: str) -> tuple[str, str]:
    """Subject and plain-text body for what was due and is paid now; English where there is no text in `language`."""
    language = _known(language)
    facts = {"amount": format_currency(amount.amount, amount.currency, locale=language), "receipt": receipt}
    subject, body = PAID[language]
    return subject.format(**facts), body.format(**facts)


def due_mail(
    language: str, *, brand: str, amount: Money, receipt: str, next_attempt_at: datetime | None, time_zone: str
) -> tuple[str, str]:
    """Subject and plain-text body; English where there is no text in `language`. Days are of `time_zone` (IANA)."""
    language = _known(language)
    subject, body, again, never = TEXTS[language]
    next_ = never
    if next_attempt_at:
        day = next_attempt_at.astimezone(ZoneInfo(time_zone)).date()
        next_ = again.format(day=format_date(day, "long", language))
    facts = {"amount": format_currency(amount.amount, amount.currency, locale=language), "brand": brand}
    return subject.format(**facts), body.format(**facts, receipt=receipt, next=next_)


def _known(language: str) -> str:
    first = language.partition("-")[0].lower()
    return first if first in TEXTS else "en"
