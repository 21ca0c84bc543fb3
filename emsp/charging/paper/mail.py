"""The e-mail that brings a receipt or a credit note, in the driver's language."""

from __future__ import annotations

from emsp.charging.paper.facts import Facts
from emsp.charging.paper.paper import form_of
from emsp.charging.paper.words import phrase
from emsp.money import Money
from emsp.papers import said


def receipt_mail(facts: Facts) -> tuple[str, str]:
    """Subject and plain-text body."""
    language, receipt, form = facts.driver.language, facts.receipt, form_of(facts)
    station = facts.place.station
    started_at = facts.delivered.started_at or facts.session.created_at
    parts = {
        "brand": facts.brand.name,
        "station": _one_line(station.name or station.street or station.external_id),
        "date": said.day(started_at, station.time_zone, language),
        "energy": said.energy(facts.delivered.energy_wh, language),
        "total": said.amount(Money(abs(receipt.total_minor), receipt.currency), language),
        "number": receipt.number,
        "first": facts.first.number if facts.first else "",
        "reason": phrase("mail_reason", language, reason=receipt.reason) if receipt.reason else "",
        "payment": _payment(facts, form),
    }
    body = phrase(f"mail_{form}", language, **parts)
    if facts.brand.support_email:
        body += phrase("mail_questions", language, email=facts.brand.support_email)
    return phrase(f"mail_{form}_subject", language, **parts), body


def _payment(facts: Facts, form: str) -> str:
    """What became of the money, or what the driver is to do."""
    language, payment = facts.driver.language, facts.payment
    if payment.due.amount_minor and form != "CREDIT_NOTE":
        return phrase("mail_due", language, due=said.amount(payment.due, language))
    if form != "CREDIT_NOTE":
        return phrase("mail_paid", language)
    was_paid = payment.back or payment.balance.amount_minor or payment.paid_in_all.amount_minor
    return phrase("mail_back" if was_paid and not payment.due.amount_minor else "mail_less_due", language)


def _one_line(text: str) -> str:
    return " ".join(text.split())
