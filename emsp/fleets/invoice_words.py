"""What invoices and the e-mails about them say, in each language."""

from __future__ import annotations

from emsp.papers.said import language_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "month": "Month",
        "due": "Pay by",
        "order": "Your reference",
        "driver": "Driver",
        "charges": "Charges",
        "energy": "Energy",
        "set_off": "Set off against earlier credits",
        "left": "To pay",
        "payment": "Payment",
        "mandate": "Mandate",
        "account": "Account",
        "iban": "IBAN",
        "by_debit": "This amount is collected from your bank account by SEPA Direct Debit; you need not do anything.",
        "by_transfer": "Please transfer this amount and name the invoice number.",
        "by_credit": "This credit is set off against your next invoices.",
        "by_nothing": "There is nothing left to pay.",
    },
    "nl": {
        "invoice": "Factuur",
        "credit_note": "Creditnota",
        "month": "Maand",
        "due": "Uiterlijk te betalen op",
        "order": "Uw referentie",
        "driver": "Bestuurder",
        "charges": "Laadsessies",
        "energy": "Energie",
        "set_off": "Verrekend met eerdere tegoeden",
        "left": "Te betalen",
        "payment": "Betaling",
        "mandate": "Machtiging",
        "account": "Rekening",
        "iban": "IBAN",
        "by_debit": "Dit bedrag wordt per SEPA-incasso van uw rekening afgeschreven; u hoeft niets te doen.",
        "by_transfer": "Maak dit bedrag over onder vermelding van het factuurnummer.",
        "by_credit": "Dit tegoed wordt verrekend met uw volgende facturen.",
        "by_nothing": "Er is niets meer te betalen.",
    },
    "de": {
        "invoice": "Rechnung",
        "credit_note": "Gutschrift",
        "month": "Monat",
        "due": "Zahlbar bis",
        "order": "Ihre Referenz",
        "driver": "Fahrer",
        "charges": "Ladevorgänge",
        "energy": "Energie",
        "set_off": "Mit früheren Gutschriften verrechnet",
        "left": "Zu zahlen",
        "payment": "Zahlung",
        "mandate": "Mandat",
        "account": "Konto",
        "iban": "IBAN",
        "by_debit": "Der Betrag wird per SEPA-Lastschrift von Ihrem Konto eingezogen; Sie müssen nichts tun.",
        "by_transfer": "Bitte überweisen Sie den Betrag unter Angabe der Rechnungsnummer.",
        "by_credit": "Diese Gutschrift wird mit Ihren nächsten Rechnungen verrechnet.",
        "by_nothing": "Es ist nichts mehr zu zahlen.",
    },
    "fr": {
        "invoice": "Facture",
        "credit_note": "Avoir",
        "month": "Mois",
        "due": "À payer au plus tard le",
        "order": "Votre référence",
        "driver": "Conducteur",
        "charges": "Recharges",
        "energy": "Énergie",
        "set_off": "Déduction des avoirs précédents",
        "left": "À payer",
        "payment": "Paiement",
        "mandate": "Mandat",
        "account": "Compte",
        "iban": "IBAN",
        "by_debit": "Ce montant est prélevé sur votre compte par prélèvement SEPA ; vous n’avez rien à faire.",
        "by_transfer": "Merci de virer ce montant en indiquant le numéro de facture.",
        "by_credit": "Cet avoir sera déduit de vos prochaines factures.",
        "by_nothing": "Il n’y a plus rien à payer.",
    },
}

MAILS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "issued": (
            "{brand} invoice {number} for {month}",
            "Attached is invoice {number} for the charges of {fleet} in {month}: {total}.\n\n{how}\n\n"
            "Every charge as CSV, for 30 days:\n{csv}\n",
        ),
        "failed": (
            "{brand} invoice {number} could not be collected",
            "Your bank did not pay invoice {number} over {left}: {reason}\n\nPlease transfer the amount and name the "
            "invoice number.\n",
        ),
        "reminder": (
            "{brand} invoice {number} is not paid yet",
            "Invoice {number} for {month} was to be paid by {due}; {left} are open. Please transfer the amount and "
            "name the invoice number. If you have paid in the meantime, thank you.\n",
        ),
    },
    "nl": {
        "issued": (
            "{brand}-factuur {number} over {month}",
            "Bijgevoegd is factuur {number} voor de laadsessies van {fleet} in {month}: {total}.\n\n{how}\n\n"
            "Alle laadsessies als CSV, 30 dagen lang:\n{csv}\n",
        ),
        "failed": (
            "{brand}-factuur {number} kon niet worden geïncasseerd",
            "Uw bank heeft factuur {number} van {left} niet betaald: {reason}\n\nMaak het bedrag over onder vermelding "
            "van het factuurnummer.\n",
        ),
        "reminder": (
            "{brand}-factuur {number} is nog niet betaald",
            "Factuur {number} over {month} had uiterlijk {due} betaald moeten zijn; {left} staat open. Maak het "
            "bedrag over onder vermelding van het factuurnummer. Heeft u al betaald? Dank u wel.\n",
        ),
    },
    "de": {
        "issued": (
            "{brand}-Rechnung {number} für {month}",
            "Anbei die Rechnung {number} für die Ladevorgänge von {fleet} im {month}: {total}.\n\n{how}\n\n"
            "Alle Ladevorgänge als CSV, 30 Tage lang:\n{csv}\n",
        ),
        "failed": (
            "{brand}-Rechnung {number} konnte nicht eingezogen werden",
            "Ihre Bank hat die Rechnung {number} über {left} nicht bezahlt: {reason}\n\nBitte überweisen Sie den "
            "Betrag unter Angabe der Rechnungsnummer.\n",
        ),
        "reminder": (
            "{brand}-Rechnung {number} ist noch nicht bezahlt",
            "Die Rechnung {number} für {month} war bis {due} zu zahlen; {left} sind offen. Bitte überweisen Sie den "
            "Betrag unter Angabe der Rechnungsnummer. Haben Sie inzwischen bezahlt, vielen Dank.\n",
        ),
    },
    "fr": {
        "issued": (
            "Facture {brand} {number} de {month}",
            "Vous trouverez ci-joint la facture {number} des recharges de {fleet} en {month} : {total}.\n\n{how}\n\n"
            "Toutes les recharges en CSV, pendant 30 jours :\n{csv}\n",
        ),
        "failed": (
            "La facture {brand} {number} n’a pas pu être prélevée",
            "Votre banque n’a pas payé la facture {number} de {left} : {reason}\n\nMerci de virer le montant en "
            "indiquant le numéro de facture.\n",
        ),
        "reminder": (
            "La facture {brand} {number} n’est pas encore payée",
            "La facture {number} de {month} était à payer au plus tard le {due} ; {left} restent dus. Merci de virer "
            "le montant en indiquant le numéro de facture. Si vous avez payé entre-temps, merci.\n",
        ),
    },
}


def word(key: str, wanted: str) -> str:
    """What an invoice calls something in the language, in English where there is no text in it."""
    return WORDS[language_of(wanted)][key]


def mail(kind: str, wanted: str, **facts: str) -> tuple[str, str]:
    """Subject and plain-text body of an e-mail: `issued`, `failed` or `reminder`."""
    subject, body = MAILS[language_of(wanted)][kind]
    return subject.format(**facts), body.format(**facts)
