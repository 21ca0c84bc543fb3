"""The white label that a request came in for."""

import strawberry
from strawberry import field

from emsp.brands import tables
from emsp.graphql import ids
from emsp.graphql.fields import resolver
from emsp.graphql.node import Node
from emsp.graphql.scalars import URL, CurrencyCode
from emsp.graphql.viewer import Info


@strawberry.type(description="A white label: its look, its money and its languages.")
class Brand(Node):
    name: str = field(description="The name that drivers see.")
    logo_url: URL | None = field(description="Where its logo is; null when it has none.")
    primary_color: str = field(description="Its main colour, as #rrggbb.")
    currency: CurrencyCode = field(description="The currency that it works in.")
    languages: list[str] = field(description="The languages that it speaks (ISO 639-1), the preferred one first.")
    support_email: str | None = field(description="Where its drivers find help.")


def brand_of(row: tables.Brand) -> Brand:
    """A brand as the schema shows it."""
    return Brand(
        id=ids.encode("Brand", row.id),
        name=row.name,
        logo_url=URL(row.logo_url) if row.logo_url else None,
        primary_color=row.primary_color,
        currency=CurrencyCode(row.currency),
        languages=row.languages,
        support_email=row.support_email,
    )


@strawberry.type
class BrandQuery:
    @resolver("The white label that this request came in for, by host name or `X-Brand` header.")
    def brand(self, info: Info) -> Brand:
        return brand_of(info.context.asker.brand)
