"""What drivers are written about their balance, in their language."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

PAUSED = {
    "en": (
        "{brand}: your automatic top-up is paused",
        "Your card did not accept the automatic top-up of {amount}, so nothing was paid in and the automatic top-up "
        "is paused.\n\nYour balance is now {balance}. Choose another card in the {brand} app, or set the automatic "
        "top-up again once your card is in order.\n",
    ),
    "nl": (
        "{brand}: je automatische opwaardering staat op pauze",
        "Je kaart heeft de automatische opwaardering van {amount} niet geaccepteerd. Er is niets afgeschreven en de "
        "automatische opwaardering staat op pauze.\n\nJe saldo is nu {balance}. Kies een andere kaart in de app van "
        "{brand}, of stel de automatische opwaardering opnieuw in zodra je kaart weer werkt.\n",
    ),
    "de": (
        "{brand}: Ihre automatische Aufladung ist angehalten",
        "Ihre Karte hat die automatische Aufladung von {amount} nicht angenommen. Es wurde nichts abgebucht, und die "
        "automatische Aufladung ist angehalten.\n\nIhr Guthaben beträgt jetzt {balance}. Wählen Sie in der App von "
        "{brand} eine andere Karte, oder stellen Sie die automatische Aufladung neu ein, sobald Ihre Karte wieder "
        "funktioniert.\n",
    ),
    "fr": (
        "{brand} : votre rechargement automatique est suspendu",
        "Votre carte n’a pas accepté le rechargement automatique de {amount}. Rien n’a été débité et le rechargement "
        "automatique est suspendu.\n\nVotre solde est maintenant de {balance}. Choisissez une autre carte dans "
        "l’application {brand}, ou réglez de nouveau le rechargement automatique dès que votre carte fonctionne.\n",
    ),
}
"""Subject and body of the e-mail about an automatic top-up that was declined."""

ENTRIES = {
    "top_up_received": {
        "en": "Paid in by card",
        "nl": "Opgewaardeerd met je kaart",
        "de": "Mit der Karte aufgeladen",
        "fr": "Rechargé par carte",
    },
    "top_up_received_automatically": {
        "en": "Topped up automatically",
        "nl": "Automatisch opgewaardeerd",
        "de": "Automatisch aufgeladen",
        "fr": "Rechargé automatiquement",
    },
    "voucher_redeemed": {
        "en": "Credit from a voucher",
        "nl": "Tegoed van een voucher",
        "de": "Guthaben aus einem Gutschein",
        "fr": "Crédit d’un bon",
    },
    "balance_used": {
        "en": "Charge, receipt {receipt}",
        "nl": "Laadsessie, bon {receipt}",
        "de": "Ladevorgang, Beleg {receipt}",
        "fr": "Recharge, reçu {receipt}",
    },
    "balance_given_back": {
        "en": "Given back for a charge, receipt {receipt}",
        "nl": "Teruggegeven voor een laadsessie, bon {receipt}",
        "de": "Für einen Ladevorgang zurückgegeben, Beleg {receipt}",
        "fr": "Rendu pour une recharge, reçu {receipt}",
    },
    "balance_paid_back": {
        "en": "Paid back to your card",
        "nl": "Teruggestort op je kaart",
        "de": "Auf Ihre Karte zurückgezahlt",
        "fr": "Remboursé sur votre carte",
    },
    "balance_pay_back_returned": {
        "en": "Could not be paid back to your card",
        "nl": "Kon niet op je kaart worden teruggestort",
        "de": "Konnte nicht auf Ihre Karte zurückgezahlt werden",
        "fr": "N’a pas pu être remboursé sur votre carte",
    },
    "other": {
        "en": "Changed by our support",
        "nl": "Gewijzigd door onze klantenservice",
        "de": "Von unserem Kundendienst geändert",
        "fr": "Modifié par notre service client",
    },
}
"""What came onto a balance or went off it, by the event in the books."""


def paused_mail(language: str, *, brand: str, amount: str, balance: str) -> tuple[str, str]:
    """Subject and body of the e-mail about an automatic top-up that was declined; English for other languages."""
    subject, body = _in(PAUSED, language)
    facts = {"brand": brand, "amount": amount, "balance": balance}
    return subject.format(**facts), body.format(**facts)


def entry_text(event: str, language: str, *, receipt: str = "") -> str:
    """What came onto a balance or went off it, in a sentence without its end."""
    return _in(ENTRIES.get(event, ENTRIES["other"]), language).format(receipt=receipt)


def _in(texts: dict[str, T], language: str) -> T:
    return texts.get(language.partition("-")[0].lower(), texts["en"])
