"""The words that every kind of document shares, in each language."""

from __future__ import annotations

from emsp.papers.said import language_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "seller": "Seller",
        "buyer": "Buyer",
        "number": "Number",
        "date": "Date",
        "what": "Description",
        "quantity": "Quantity",
        "unit_price": "Price",
        "vat": "VAT",
        "rate": "VAT rate",
        "net": "Excl. VAT",
        "tax": "VAT",
        "amount": "Amount",
        "total": "Total",
        "vat_id": "VAT ID",
        "registration_number": "Company no.",
        "email": "E-mail",
        "phone": "Phone",
    },
    "nl": {
        "seller": "Verkoper",
        "buyer": "Koper",
        "number": "Nummer",
        "date": "Datum",
        "what": "Omschrijving",
        "quantity": "Hoeveelheid",
        "unit_price": "Prijs",
        "vat": "Btw",
        "rate": "Btw-tarief",
        "net": "Excl. btw",
        "tax": "Btw",
        "amount": "Bedrag",
        "total": "Totaal",
        "vat_id": "Btw-nummer",
        "registration_number": "KvK-nummer",
        "email": "E-mail",
        "phone": "Telefoon",
    },
    "de": {
        "seller": "Verkäufer",
        "buyer": "Käufer",
        "number": "Nummer",
        "date": "Datum",
        "what": "Beschreibung",
        "quantity": "Menge",
        "unit_price": "Preis",
        "vat": "USt.",
        "rate": "USt.-Satz",
        "net": "Netto",
        "tax": "USt.",
        "amount": "Betrag",
        "total": "Gesamtbetrag",
        "vat_id": "USt-IdNr.",
        "registration_number": "Registernummer",
        "email": "E-Mail",
        "phone": "Telefon",
    },
    "fr": {
        "seller": "Vendeur",
        "buyer": "Client",
        "number": "Numéro",
        "date": "Date",
        "what": "Désignation",
        "quantity": "Quantité",
        "unit_price": "Prix",
        "vat": "TVA",
        "rate": "Taux de TVA",
        "net": "HT",
        "tax": "TVA",
        "amount": "Montant",
        "total": "Total",
        "vat_id": "N° de TVA",
        "registration_number": "N° d’entreprise",
        "email": "E-mail",
        "phone": "Téléphone",
    },
}


def word(key: str, wanted: str) -> str:
    """The word for `key` in the language, English where there is none."""
    return WORDS[language_of(wanted)][key]
