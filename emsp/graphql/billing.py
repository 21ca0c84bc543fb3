"""Who is the buyer on a driver's receipts."""

from enum import Enum

import strawberry
from strawberry import field

from emsp.accounts import billing, tables
from emsp.db.engine import transaction
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.scalars import CountryCode
from emsp.graphql.viewer import Info


@strawberry.type(description="The buyer on a driver's receipts, as the driver gave it.")
class BillingDetails:
    name: str | None = field(description="A person.")
    company: str | None = field(description="The company that they charge for.")
    street: str | None = field(description="Street and house number.")
    postal_code: str | None = field(description="The postal code.")
    city: str | None = field(description="The city.")
    country: CountryCode | None = field(description="The country (ISO 3166-1 alpha-2).")
    vat_id: str | None = field(description="The company's VAT identification number, with its country's letters.")


@strawberry.input(description="The buyer on the receipts that are issued from now on; what is left out is not shown.")
class SetBillingDetailsInput:
    name: str | None = field(default=None, description="A person.")
    company: str | None = field(default=None, description="The company that they charge for.")
    street: str | None = field(default=None, description="Street and house number.")
    postal_code: str | None = field(default=None, description="The postal code.")
    city: str | None = field(default=None, description="The city.")
    country: str | None = field(default=None, description="The country in two letters (ISO 3166-1 alpha-2).")
    vat_id: str | None = field(
        default=None, description="The company's VAT identification number, with its country's letters in front."
    )


@strawberry.enum(description="Why billing details were not set.")
class SetBillingDetailsErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why billing details were not set.")
class SetBillingDetailsError(UserError):
    reason: SetBillingDetailsErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of new billing details.")
class SetBillingDetailsPayload:
    billing_details: BillingDetails | None = field(
        default=None, description="The details as they are kept; null when there are errors."
    )
    errors: list[SetBillingDetailsError] = field(default_factory=list, description="Why they were not set.")


@strawberry.type
class BillingMutation:
    @mutation(
        SetBillingDetailsPayload,
        SetBillingDetailsError,
        SetBillingDetailsErrorCode,
        "Say who is the buyer on receipts from now on; those that were issued stay as they are.",
    )
    async def set_billing_details(self, info: Info, input: Input[SetBillingDetailsInput]) -> SetBillingDetailsPayload:
        driver = info.context.driver
        given = {name: getattr(input, name) or None for name in billing.BillingDetails.__struct_fields__}
        async with transaction() as db:
            row = await billing.set_billing_details(db, driver.id, given)
        return SetBillingDetailsPayload(billing_details=billing_details_of(row))


def billing_details_of(row: tables.Driver) -> BillingDetails | None:
    """The buyer on the driver's receipts; None when nothing was said."""
    if not row.billing:
        return None
    kept = billing.details_of(row.billing)
    return BillingDetails(
        name=kept.name,
        company=kept.company,
        street=kept.street,
        postal_code=kept.postal_code,
        city=kept.city,
        country=CountryCode(kept.country) if kept.country else None,
        vat_id=kept.vat_id,
    )
