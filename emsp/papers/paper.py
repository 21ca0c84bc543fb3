"""A document before it is typeset: what stands on it, as texts in its language, in the order of the page.

Whoever makes one has formatted money and dates already. Nothing in it is markup: every text is shown as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct


class Look(Struct, frozen=True):
    """The brand at the head of the page: its name, and its colour as #rrggbb."""

    name: str
    color: str = "#1a1a1a"


class Party(Struct, frozen=True):
    """Seller or buyer: who, and below it the address and numbers, a line each."""

    heading: str
    name: str
    lines: tuple[str, ...] = ()


class Fact(Struct, frozen=True):
    """One fact with its label, such as "Energy" and "23.4 kWh"; `strong` for the one that people look for."""

    label: str
    value: str
    strong: bool = False


class Section(Struct, frozen=True):
    """Facts below one heading, such as those of the charge or of the payment."""

    heading: str
    facts: tuple[Fact, ...]
    remark: str | None = None


class Column(Struct, frozen=True):
    """The heading of a column; figures are aligned at the end."""

    heading: str
    align: Literal["start", "end"] = "start"


class Row(Struct, frozen=True):
    """A row of cells, one a column; `detail` stands smaller below the first cell."""

    cells: tuple[str, ...]
    detail: str | None = None
    muted: bool = False
    """Taken back, or otherwise not what counts now."""


class Table(Struct, frozen=True):
    """Rows below columns; goes on over as many pages as it needs, its head repeated."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    heading: str | None = None


class Paper(Struct, frozen=True, kw_only=True):
    """A document: a receipt, a credit note, an invoice."""

    kind: str
    """What it is kept as: RECEIPT, CREDIT_NOTE, FLEET_INVOICE."""
    title: str
    """What it calls itself, in its language."""
    number: str
    language: str
    """A language code, such as en or nl-BE."""
    issued_at: datetime
    """The time inside the file; the date on the page is among the facts."""
    look: Look
    seller: Party
    buyer: Party
    headline: Fact | None = None
    """The one figure that people look for, such as the total."""
    status: str | None = None
    """Below it, in a few words: how it was paid, or that it is due."""
    facts: tuple[Fact, ...] = ()
    """Dates and the like, at the top; the number stands below the title."""
    lines: Table
    totals: tuple[Fact, ...] = ()
    """Below the lines, at their end."""
    taxes: Table | None = None
    sections: tuple[Section, ...] = ()
    """Side by side in pairs, below the tables."""
    remarks: tuple[str, ...] = ()
    """Sentences at the end."""
