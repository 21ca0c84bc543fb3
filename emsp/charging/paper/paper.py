"""What stands on a receipt or a credit note, from all that is known of it; in the driver's language."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from emsp.charging.billing.issue import bill_in
from emsp.charging.paper.facts import Facts
from emsp.charging.paper.lines import lines_table
from emsp.charging.paper.parts import card_name, sections, shown
from emsp.charging.paper.words import phrase
from emsp.charging.tables import Receipt
from emsp.papers import parties, said
from emsp.papers.paper import Fact, Look, Paper
from emsp.papers.words import word


def kind_of(receipt: Receipt) -> str:
    """What its document is kept as: CREDIT_NOTE for less than nothing, else RECEIPT."""
    return "CREDIT_NOTE" if receipt.total_minor < 0 else "RECEIPT"


def form_of(facts: Facts) -> str:
    """What it is to the driver: RECEIPT, CREDIT_NOTE, CORRECTION (more to pay), or STATEMENT (a fleet is invoiced)."""
    if kind_of(facts.receipt) == "CREDIT_NOTE":
        return "CREDIT_NOTE"
    if facts.fleet:
        return "STATEMENT"
    return "CORRECTION" if facts.first else "RECEIPT"


def file_name(facts: Facts) -> str:
    """The name under which a driver finds it again."""
    return f"{phrase(f'file_{form_of(facts)}', facts.driver.language)}-{facts.receipt.number}.pdf"


def paper_of(facts: Facts) -> Paper:
    """The document. It says nothing that was not known when it was issued, but for the payment, as that stands now."""
    receipt, language = facts.receipt, facts.driver.language
    form, bill = form_of(facts), bill_in(receipt)
    time_zone = facts.place.station.time_zone
    return Paper(
        kind=kind_of(receipt),
        title=phrase(f"title_{form}", language),
        number=receipt.number,
        language=language,
        issued_at=receipt.issued_at,
        look=Look(facts.brand.name, facts.brand.primary_color),
        seller=parties.party("seller", _seller(facts), language, otherwise=facts.brand.name),
        buyer=parties.party("buyer", _buyer(facts), language, otherwise=facts.driver.name or facts.driver.email),
        headline=Fact(_total_label(facts, form), said.amount(bill.total, language)),
        status=_status(facts, form),
        facts=tuple(_about(facts)),
        lines=lines_table(bill, language, time_zone=time_zone, reason=receipt.reason),
        totals=tuple(_totals(facts, form)),
        sections=tuple(sections(facts, form)),
        remarks=tuple(_remarks(facts, form)),
    )


def _seller(facts: Facts) -> dict[str, str | None]:
    return {"email": facts.brand.support_email} | facts.brand.legal


def _buyer(facts: Facts) -> dict[str, str | None]:
    if facts.fleet:
        return {"name": facts.fleet.name} | facts.fleet.billing
    return {"name": facts.driver.name, "email": facts.driver.email} | facts.driver.billing


def _total_label(facts: Facts, form: str) -> str:
    if not bill_in(facts.receipt).tax_known:
        return word("total", facts.driver.language)
    return phrase("total_CREDIT_NOTE" if form == "CREDIT_NOTE" else "total_RECEIPT", facts.driver.language)


def _status(facts: Facts, form: str) -> str | None:
    """How it was paid, in a few words."""
    language, payment = facts.driver.language, facts.payment
    if facts.fleet:
        return phrase("fleet", language, fleet=facts.fleet.name)
    if form == "CREDIT_NOTE":
        back = dict.fromkeys(card_name(one.card, language) for one in payment.back)
        return f"{phrase('given_back', language)} · {', '.join(back)}" if back else None
    if payment.due.amount_minor:
        return f"{phrase('due', language)}: {said.amount(payment.due, language)}"
    cards = [one.card for one in (payment.captured, *payment.charged) if one]
    return " · ".join([phrase("paid", language), *dict.fromkeys(card_name(card, language) for card in cards)])


def _about(facts: Facts) -> Iterator[Fact]:
    """Days, and what it corrects."""
    receipt, language, zone = facts.receipt, facts.driver.language, facts.brand.time_zone
    yield Fact(phrase("date_of_issue", language), said.day(receipt.issued_at, zone, language))
    if facts.first:
        first_day = said.day(facts.first.issued_at, zone, language)
        value = phrase("corrects_value", language, number=facts.first.number, date=first_day)
        yield Fact(phrase("corrects", language), value)
    elif facts.delivered.started_at:
        place_zone = facts.place.station.time_zone
        yield Fact(phrase("date_of_charge", language), said.day(facts.delivered.started_at, place_zone, language))


def _totals(facts: Facts, form: str) -> Iterator[Fact]:
    """Net, the tax at each rate, and the total; after a correction also what the charge costs now."""
    bill, language = bill_in(facts.receipt), facts.driver.language
    if bill.tax_known:
        yield Fact(word("net", language), shown(facts, bill.net_minor))
        for tax in bill.taxes:
            rate = "–" if tax.percent is None else said.percent(Decimal(tax.percent), language)
            label = phrase("vat_on", language, rate=rate, net=shown(facts, tax.net_minor))
            yield Fact(label, shown(facts, tax.tax_minor))
    yield Fact(_total_label(facts, form), said.amount(bill.total, language), strong=True)
    if facts.first:
        yield Fact(phrase("now_costs", language), said.amount(facts.costs, language))


def _remarks(facts: Facts, form: str) -> Iterator[str]:
    language = facts.driver.language
    if not bill_in(facts.receipt).tax_known:
        yield phrase("vat_unknown", language)
    if facts.fleet:
        yield phrase("fleet_remark", language, fleet=facts.fleet.name)
    yield phrase("unchanging", language)
    if facts.brand.support_email:
        yield phrase("support", language, email=facts.brand.support_email)
