"""Names, addresses and numbers of sellers and buyers, checked before they stand on a document."""

from __future__ import annotations

import re

from babel import Locale

from emsp.errors import Invalid

TEXT_MAX = 120
ONE_LINE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]+")
NO_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES = {
    code for code in map(str, Locale.parse("en").territories) if re.fullmatch(r"[A-Z]{2}", code)
} - NO_COUNTRIES

VAT_IDS = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}",
    "GB": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"[0-9A-Z+*]{8,9}",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}
"""What follows the two letters of a VAT id (Directive 2006/112/EC, article 215), as VIES takes it."""


def checked_text(text: str | None, field: str) -> str | None:
    """One line of text, or None for an empty one. Raises Invalid."""
    trimmed = (text or "").strip()
    if trimmed and (len(trimmed) > TEXT_MAX or not ONE_LINE.fullmatch(trimmed)):
        raise Invalid(f"must be at most {TEXT_MAX} characters on one line", field)
    return trimmed or None


def checked_country(code: str | None, field: str = "country") -> str | None:
    """Two letters in upper case. Raises Invalid for what is no country."""
    told = (code or "").strip().upper()
    if told and told not in COUNTRIES:
        raise Invalid("must be a country in two letters (ISO 3166-1), such as NL", field)
    return told or None


def checked_vat_id(vat_id: str | None, field: str = "vat_id") -> str | None:
    """In upper case without blanks, dots and hyphens. Raises Invalid for what cannot be one in its country.

    Only the form is checked: whether it was given out is for VIES to say. Of countries outside the EU anything with
    their two letters in front is taken.
    """
    said = re.sub(r"[\s.\-]", "", vat_id or "").upper()
    if not said:
        return None
    country, rest = said[:2], said[2:]
    known = VAT_IDS.get("EL" if country == "GR" else country)
    if not re.fullmatch(r"[A-Z]{2}[0-9A-Z+*]{2,18}", said) or (known and not re.fullmatch(known, rest)):
        raise Invalid("must be a VAT id with the country's two letters in front, such as NL123456789B01", field)
    return f"EL{rest}" if country == "GR" else said


def checked_iban(iban: str | None, field: str = "iban") -> str | None:
    """An account's number (ISO 13616) without blanks, its check digits right. Raises Invalid."""
    told = re.sub(r"\s", "", iban or "").upper()
    if told and not (re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", told) and _is_97_1(told)):
        raise Invalid("must be an IBAN, such as NL91ABNA0417164300", field)
    return told or None


def _is_97_1(iban: str) -> bool:
    """Whether the check digits are right (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def checked_email(address: str | None, field: str = "email") -> str | None:
    """An e-mail address, loosely. Raises Invalid."""
    told = checked_text(address, field)
    if told and not re.fullmatch(r"[^@\s]+@[^@\s]+", told):
        raise Invalid("must be an e-mail address", field)
    return told
