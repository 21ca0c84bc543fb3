"""Who is the buyer on a driver's receipts: name and address as the driver gives them, checked loosely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.papers.details import checked_country, checked_text, checked_vat_id


class BillingDetails(Struct, frozen=True, omit_defaults=True):
    """A party to an invoice. `country` has two letters (ISO 3166-1)."""

    name: str | None = None
    company: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    vat_id: str | None = None


async def set_billing_details(db: Db, driver_id: UUID, given: Mapping[str, str | None]) -> Driver:
    """Put these details on the driver's receipts from now on, instead of those before; receipts stay as they are.

    Raises Invalid naming the field.
    """
    details = checked_details(given)
    driver = await db.get_one(Driver, driver_id, with_for_update=True)
    driver.billing = {name: value for name, value in structs.asdict(details).items() if value}
    driver.updated_at = clock.now()
    await db.flush()
    return driver


def details_of(kept: Mapping[str, Any]) -> BillingDetails:
    """The details as they are kept with a driver."""
    return BillingDetails(**{name: kept.get(name) for name in BillingDetails.__struct_fields__})


def checked_details(given: Mapping[str, str | None]) -> BillingDetails:
    """Trimmed, empty texts as none, the country and the VAT id as they are written. Raises Invalid naming the field."""
    told = {name: checked_text(given.get(name), name) for name in BillingDetails.__struct_fields__}
    told["country"] = checked_country(told["country"])
    told["vat_id"] = checked_vat_id(told["vat_id"])
    if told["vat_id"] and not (told["company"] or told["name"]):
        raise Invalid("must be there for whoever has a VAT id", "company")
    return BillingDetails(**told)
