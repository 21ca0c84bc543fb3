"""An invoice with all that its documents, e-mails and payment depend on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from babel.dates import format_skeleton
from sqlmodel import select

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import NotFound
from emsp.fleets.invoice_words import word
from emsp.fleets.tables import Fleet, FleetInvoice
from emsp.fleets.terms import read_terms
from emsp.money import Money
from emsp.papers.said import day, locale_of
from emsp.payments import mandates
from emsp.payments.tables import Mandate


@dataclass(frozen=True)
class Issued:
    """An invoice, whose it is, and the mandate by which it may be collected."""

    invoice: FleetInvoice
    fleet: Fleet
    brand: Brand
    mandate: Mandate | None

    @property
    def language(self) -> str:
        return str(self.invoice.buyer.get("language") or next(iter(self.brand.languages), "en"))

    @property
    def total(self) -> Money:
        return Money(self.invoice.total_minor, self.invoice.currency)

    @property
    def left(self) -> Money:
        return Money(self.invoice.total_minor - self.invoice.paid_minor, self.invoice.currency)

    @property
    def is_collected(self) -> bool:
        """Whether it is taken from a bank account, as far as that is known now."""
        allowed = self.mandate is not None and read_terms(self.fleet.terms).direct_debit
        return allowed and self.invoice.currency == mandates.CURRENCY and self.left.amount_minor > 0

    @property
    def how(self) -> str:
        """The sentence on how it is paid."""
        if self.total.amount_minor < 0:
            return word("by_credit", self.language)
        if self.left.amount_minor <= 0:
            return word("by_nothing", self.language)
        return word("by_debit" if self.is_collected else "by_transfer", self.language)

    @property
    def month(self) -> str:
        """The month in words, such as June 2026."""
        first = datetime.strptime(self.invoice.month, "%Y-%m").replace(tzinfo=UTC)
        return str(format_skeleton("yMMMM", first, locale=locale_of(self.language)))

    def day(self, moment: datetime) -> str:
        """A day as the fleet's place calls it."""
        return day(moment, self.fleet.time_zone, self.language)


def payer_of(fleet_id: UUID) -> str:
    """The account of a fleet in the books."""
    return f"fleet:{fleet_id}"


async def issued_of(db: Db, invoice_id: UUID) -> Issued:
    """The invoice, locked until the transaction ends. Raises NotFound."""
    query = select(FleetInvoice).where(FleetInvoice.id == invoice_id).with_for_update()
    invoice = (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()
    if invoice is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    fleet, brand = await db.get_one(Fleet, invoice.fleet_id), await db.get_one(Brand, invoice.brand_id)
    return Issued(invoice, fleet, brand, await mandates.active_of(db, payer_of(fleet.id)))
