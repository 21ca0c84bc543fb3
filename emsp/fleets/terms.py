"""On which terms a fleet pays its invoices, and to whom they are addressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from emsp.papers.details import checked_country, checked_email, checked_text, checked_vat_id
from emsp.written import demand, read

LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
CHECKS: dict[str, Callable[[str | None, str], str | None]] = {
    "name": checked_text,
    "company": checked_text,
    "street": checked_text,
    "postal_code": checked_text,
    "city": checked_text,
    "country": checked_country,
    "vat_id": checked_vat_id,
    "registration_number": checked_text,
    "email": checked_email,
    "order_reference": checked_text,
}


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When an invoice is to be paid, and what follows when it is not. Days count from the day it is due."""

    pay_within_days: int = 14
    direct_debit: bool = True
    """Whether invoices are collected as soon as there is a mandate."""
    remind_after_days: tuple[int, ...] = (3, 10, 17)
    block_after_reminders: int | None = None
    """After so many reminders nothing can be started at the fleet's cost."""


class Billing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The buyer on invoices. `email` is where they are sent, else to the managers."""

    name: str | None = None
    company: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2
    vat_id: str | None = None
    registration_number: str | None = None
    email: str | None = None
    order_reference: str | None = None  # what the buyer wants to read on invoices
    language: str | None = None


def read_terms(written: object) -> Terms:
    """Terms from parsed JSON. Raises Invalid naming the path of the first field that is wrong."""
    terms = read(written, Terms)
    demand(_checks_of_terms(terms))
    return terms


def read_billing(written: object) -> Billing:
    """A buyer from parsed JSON, in one spelling. Raises Invalid naming the path of the first field that is wrong."""
    billing = read(written, Billing)
    language = billing.language
    demand([("language", language is None or LANGUAGE.fullmatch(language), "a language code, such as nl or nl-BE")])
    return msgspec.structs.replace(
        billing, **{name: check(getattr(billing, name), name) for name, check in CHECKS.items()}
    )


def _checks_of_terms(terms: Terms) -> Iterator[tuple[str, object, str]]:
    yield "pay_within_days", 0 <= terms.pay_within_days <= 120, "from 0 to 120"
    before = 0
    for number, days in enumerate(terms.remind_after_days):
        yield f"remind_after_days.{number}", before < days <= 365, "more than the one before, at most 365"
        before = days
    most = terms.block_after_reminders
    yield "block_after_reminders", most is None or 1 <= most <= len(terms.remind_after_days), "one of the reminders"
