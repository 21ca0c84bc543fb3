"""Seller and buyer, from the details that brands, drivers and fleets keep of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel import Locale

from emsp.papers.paper import Party
from emsp.papers.said import locale_of
from emsp.papers.words import word

NUMBERS = ("vat_id", "registration_number")
WAYS = ("email", "phone")


def party(role: str, details: Mapping[str, Any], wanted: str, *, otherwise: str) -> Party:
    """`seller` or `buyer` by details with the keys name, street, postal_code, city, country (ISO 3166-1), vat_id,
    registration_number, email, phone; each may be missing. `otherwise` is the name of one who gave none."""
    return Party(
        heading=word(role, wanted),
        name=details.get("company") or details.get("name") or otherwise,
        lines=tuple(line for line in _lines(details, wanted) if line),
    )


def _lines(details: Mapping[str, Any], wanted: str) -> list[str]:
    person = details.get("name") if details.get("company") else None
    place = " ".join(part for part in (details.get("postal_code"), details.get("city")) if part)
    town = ", ".join(part for part in (place, country_name(details.get("country"), wanted)) if part)
    numbers = [f"{word(key, wanted)} {details[key]}" for key in NUMBERS if details.get(key)]
    ways = " · ".join(details[key] for key in WAYS if details.get(key))
    return [text for text in (person, details.get("street"), town, *numbers, ways) if text]


def country_name(country: str | None, wanted: str) -> str | None:
    """The country's name in the language; its code where that has none."""
    locale: Locale = locale_of(wanted)
    return locale.territories.get(country, country) if country else None
