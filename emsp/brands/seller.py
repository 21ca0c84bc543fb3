"""Who a brand is by law: the seller on its receipts and invoices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emsp.brands.manage import the_brand
from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.papers.details import checked_country, checked_email, checked_iban, checked_text, checked_vat_id

CHECKS: dict[str, Callable[[str | None, str], str | None]] = {
    "name": checked_text,
    "street": checked_text,
    "postal_code": checked_text,
    "city": checked_text,
    "country": checked_country,
    "vat_id": checked_vat_id,
    "registration_number": checked_text,
    "email": checked_email,
    "phone": checked_text,
    "iban": checked_iban,
}


async def set_seller(db: Db, slug: str, given: Mapping[str, str | None]) -> Brand:
    """Put these facts about the seller on what is issued from now on; None leaves one as it is, "" takes it away.

    Raises NotFound, and Invalid naming the field; a seller has a name.
    """
    brand = await the_brand(db, slug)
    told = {field: CHECKS[field](text, field) for field, text in given.items() if text is not None}
    legal = {field: value for field, value in (brand.legal | told).items() if value}
    if "name" not in legal:
        raise Invalid("must be the name of the company", "name")
    brand.legal = legal
    await db.flush()
    return brand
