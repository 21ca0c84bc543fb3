"""A fleet's invoice as a document: the buyer as it was, a line per driver, taxes by rate, and how it is paid."""

from __future__ import annotations

from decimal import Decimal

from emsp.fleets.invoice_words import word
from emsp.fleets.issued import Issued
from emsp.money import Money
from emsp.papers import words
from emsp.papers.paper import Column, Fact, Look, Paper, Row, Section, Table
from emsp.papers.parties import party
from emsp.papers.said import amount, energy, percent

KIND = "FLEET_INVOICE"


def paper_of(issued: Issued) -> Paper:
    """The invoice before it is typeset."""
    invoice, brand, language = issued.invoice, issued.brand, issued.language
    return Paper(
        kind=KIND,
        title=word("credit_note" if invoice.total_minor < 0 else "invoice", language),
        number=invoice.number,
        language=language,
        issued_at=invoice.issued_at,
        look=Look(brand.name, brand.primary_color),
        seller=party("seller", brand.legal, language, otherwise=brand.name),
        buyer=party("buyer", invoice.buyer, language, otherwise=issued.fleet.name),
        headline=Fact(words.word("total", language), amount(issued.total, language), strong=True),
        facts=_facts(issued),
        lines=_lines(issued),
        totals=_totals(issued),
        taxes=_taxes(issued),
        sections=(Section(word("payment", language), _payment(issued)),),
        remarks=(issued.how,),
    )


def _facts(issued: Issued) -> tuple[Fact, ...]:
    invoice, language = issued.invoice, issued.language
    order = invoice.buyer.get("order_reference")
    is_transferred = issued.left.amount_minor > 0 and not issued.is_collected
    return (
        Fact(words.word("date", language), issued.day(invoice.issued_at)),
        Fact(word("month", language), issued.month),
        *([Fact(word("due", language), issued.day(invoice.due_at))] if is_transferred else []),
        *([Fact(word("order", language), str(order))] if order else []),
    )


def _lines(issued: Issued) -> Table:
    language = issued.language
    heads = (word("driver", language), word("charges", language), word("energy", language))
    sums = (words.word("net", language), words.word("total", language))
    rows = tuple(
        Row(
            (
                str(driver["email"]),
                str(driver["charges"]),
                energy(driver["energy_wh"], language),
                _amount(issued, driver["net_minor"]),
                _amount(issued, driver["total_minor"]),
            )
        )
        for driver in issued.invoice.drivers
    )
    return Table((Column(heads[0]), *(Column(head, "end") for head in (*heads[1:], *sums))), rows)


def _totals(issued: Issued) -> tuple[Fact, ...]:
    invoice, language = issued.invoice, issued.language
    tax_minor, set_off_minor = invoice.total_minor - invoice.net_minor, max(invoice.paid_minor, 0)
    return (
        Fact(words.word("net", language), _amount(issued, invoice.net_minor)),
        Fact(words.word("tax", language), _amount(issued, tax_minor)),
        Fact(words.word("total", language), amount(issued.total, language), strong=True),
        *([Fact(word("set_off", language), _amount(issued, -set_off_minor))] if set_off_minor else []),
        *([Fact(word("left", language), amount(issued.left, language), strong=True)] if set_off_minor else []),
    )


def _taxes(issued: Issued) -> Table:
    language = issued.language
    heads = (words.word("rate", language), words.word("net", language), words.word("tax", language))
    rows = tuple(
        Row(
            (
                "–" if tax["percent"] is None else percent(Decimal(tax["percent"]), language),
                _amount(issued, tax["net_minor"]),
                _amount(issued, tax["tax_minor"]),
            )
        )
        for tax in issued.invoice.taxes
    )
    return Table((Column(heads[0]), *(Column(head, "end") for head in heads[1:])), rows)


def _payment(issued: Issued) -> tuple[Fact, ...]:
    language, mandate = issued.language, issued.mandate
    if issued.is_collected and mandate:
        return (
            Fact(word("mandate", language), mandate.reference or "–"),
            Fact(word("account", language), f"•••• {mandate.last4 or '–'}"),
        )
    iban = issued.brand.legal.get("iban")
    return (
        Fact(word("left", language), amount(issued.left, language)),
        *([Fact(word("iban", language), str(iban))] if iban else []),
    )


def _amount(issued: Issued, minor: int) -> str:
    return amount(Money(minor, issued.invoice.currency), issued.language)
