"""A quote as evidence: all that it was made of and came to, signed, to be shown to somebody else.

It names no driver. Whoever holds it can check with our public keys that we made it, and with the tariff and the plan
in it that the price follows from them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from emsp import vault
from emsp.brands.tables import Brand
from emsp.errors import Invalid
from emsp.money import Money
from emsp.pricing.engine.billed import Bill
from emsp.pricing.quotes.missing import NoPrice, known_bill
from emsp.pricing.quotes.planned import PlannedCharge
from emsp.pricing.retail.prices import Guarantee, RetailTariff
from emsp.pricing.tables import Quote
from emsp.settings import settings
from emsp.stations.tables import Connector, Evse, Station

KIND = "emsp-quote+jws"


class Where(msgspec.Struct, frozen=True, omit_defaults=True):
    """The connector, by our number of it and by what is printed on the charge point."""

    connector: int
    connector_id: str
    operator: str
    time_zone: str
    evse_id: str | None = None
    station: str | None = None


class Statement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a quote says. Amounts are in major units; without a price, `missing_reason` tells why.

    `net` is the total without tax; where tax is not known, the total is the net amount.
    """

    quote: UUID
    issuer: str
    brand: str
    where: Where
    issued_at: datetime
    valid_until: datetime
    plan: PlannedCharge
    guaranteed: bool = False
    currency: str | None = None
    net: Decimal | None = None
    total: Decimal | None = None
    worst_case: Decimal | None = None
    worst_case_until: datetime | None = None
    tariff: RetailTariff | None = None
    missing_reason: str | None = None


def statement_of(quote: Quote, brand: Brand, place: tuple[Connector, Evse, Station]) -> Statement:
    """What a quote says, as it is kept."""
    connector, evse, station = place
    return Statement(
        quote=quote.id,
        issuer=settings().public_url,
        brand=brand.name,
        where=Where(
            connector=quote.connector_id,
            connector_id=connector.external_id,
            operator=f"{station.country_code}-{station.party_id}",
            time_zone=station.time_zone,
            evse_id=evse.evse_id,
            station=station.name,
        ),
        issued_at=quote.created_at.replace(microsecond=0),
        **_priced(quote),
    )


def signed(statement: Statement) -> str:
    """The statement as a compact JWS."""
    return vault.sign_document(msgspec.json.encode(statement), KIND)


def read(token: str, keys: dict[str, Any] | None = None) -> tuple[str, Statement]:
    """The id of the key that signed it, and what it says. Raises Invalid for what does not hold."""
    key_id, document = vault.read_document(token, KIND, keys)
    try:
        return key_id, msgspec.json.decode(document, type=Statement)
    except msgspec.ValidationError as error:
        raise Invalid(f"says what cannot be understood: {error}", "token") from error


def computed_again(statement: Statement) -> Bill | None:
    """The bill of the plan by the tariff that the statement holds; None where it has no price."""
    if statement.tariff is None:
        return None
    try:
        return known_bill(statement.tariff, statement.plan.periods(), time_zone=statement.where.time_zone)
    except NoPrice:
        return None


def is_as_signed(quote: Quote) -> bool:
    """Whether a kept quote is still what was signed. Raises Invalid where its token does not hold."""
    _, said = read(quote.signature)
    kept = _priced(quote)
    return said.quote == quote.id and all(getattr(said, name) == value for name, value in kept.items())


def _priced(quote: Quote) -> dict[str, Any]:
    """What a quote says of its price, and what it was made of."""

    def amount(minor: int | None) -> Decimal | None:
        return None if minor is None or quote.currency is None else Money(minor, quote.currency).amount

    retail = msgspec.convert(quote.tariff, RetailTariff) if quote.tariff else None
    return {
        "valid_until": quote.valid_until,
        "plan": msgspec.convert(quote.plan, PlannedCharge),
        "guaranteed": retail is not None and retail.guarantee is Guarantee.QUOTED_RULE,
        "currency": quote.currency,
        "net": amount(quote.net_minor),
        "total": amount(quote.total_minor),
        "worst_case": amount(quote.worst_case_minor),
        "worst_case_until": quote.worst_case_until,
        "tariff": retail,
        "missing_reason": quote.missing_reason,
    }
