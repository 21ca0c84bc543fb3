"""Who asks, and the one place that decides what they may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry

from emsp.accounts.tables import Driver
from emsp.accounts.tokens import driver_of
from emsp.brands.choose import memory
from emsp.brands.tables import Brand
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db, reading
from emsp.fleets.tables import FleetMember
from emsp.graphql.errors import SignInNeeded
from emsp.graphql.loaders import Loaders
from emsp.payments.tables import Hold, PaymentMethod
from emsp.pricing.tables import Quote

MANAGER = "MANAGER"


@dataclass(frozen=True)
class Asker:
    """The brand that a request came in for, its driver when signed in, and the language to answer in."""

    brand: Brand
    driver: Driver | None
    language: str
    access_token: str | None = None


@dataclass
class Context:
    """What the resolvers of one request, or of one WebSocket connection, share."""

    request_id: str
    headers: Mapping[str, str]
    loaders: Loaders
    connection_params: dict[str, Any] | None = None
    asker: Asker = field(init=False)

    @property
    def driver(self) -> Driver:
        """The signed-in driver. Raises SignInNeeded."""
        if self.asker.driver is None:
            raise SignInNeeded("Sign in first: send `Authorization: Bearer <access token>`.")
        return self.asker.driver

    def begin_anew(self) -> None:
        """Another engine runs the same query: what was loaded is loaded again, so that it answers as if alone."""
        self.loaders = self.loaders.emptied()

    def signed_in(self, driver: Driver, access_token: str) -> None:
        """From here on `driver` is the one who asks."""
        self.asker = Asker(self.asker.brand, driver, driver.language, access_token)


Info = strawberry.Info[Context, None]


async def asker_of(db: Db, headers: Mapping[str, str]) -> Asker:
    """Who sent these headers (names in lower case).

    Raises NotFound for an unknown brand and SignInNeeded for a token that is not good any more.
    """
    brand = await memory.brand_for(db, host=headers.get("host"), header=headers.get("x-brand"))
    token = _token(headers.get("authorization", ""))
    if token is None:
        return _somebody(brand, headers)
    driver = await driver_of(db, brand.id, token)
    if driver is None:
        raise SignInNeeded("The access token is not good any more: refresh it or sign in again.")
    return Asker(brand, driver, driver.language, token)


async def identify(context: Context) -> None:
    """Set who asks: by the headers, over which what a WebSocket sends at its beginning wins. Raises as `asker_of`."""
    headers = context.headers
    if context.connection_params:
        sent = context.connection_params.items()
        headers = dict(headers) | {name.lower(): value for name, value in sent if isinstance(value, str)}
    brand = memory.known(host=headers.get("host"), header=headers.get("x-brand"))
    if brand and not headers.get("authorization"):  # as most who look at the map
        context.asker = _somebody(brand, headers)
        return
    async with reading() as db:
        context.asker = await asker_of(db, headers)


def _somebody(brand: Brand, headers: Mapping[str, str]) -> Asker:
    return Asker(brand, None, _language(brand, headers.get("accept-language", "")))


def _token(authorization: str) -> str | None:
    scheme, _, token = authorization.strip().partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise SignInNeeded("The Authorization header is to be `Bearer <access token>`.")
    return token.strip() or None


def _language(brand: Brand, accepted: str) -> str:
    """The first language of `Accept-Language` that the brand speaks, else the brand's first."""
    wanted = (part.partition(";")[0].strip()[:2].lower() for part in accepted.split(","))
    spoken = brand.languages or ["en"]
    return next((language for language in wanted if language in spoken), spoken[0])


def sees(asker: Asker, row: object) -> bool:
    """Whether `row` is of the asker's own. Every id that an app sends in is checked here and nowhere else."""
    me = asker.driver.id if asker.driver else None
    match row:
        case ChargingSession() | Receipt() | Hold():
            return row.driver_id == me
        case PaymentMethod():
            return row.driver_id == me and row.removed_at is None
        case Quote():
            return row.brand_id == asker.brand.id and row.driver_id in (None, me)
        case Driver():
            return row.id == me
        case FleetMember():
            return row.driver_id == me and row.removed_at is None
    return False


def manages(asker: Asker, membership: FleetMember | None) -> bool:
    """Whether the asker manages the fleet of this membership of theirs."""
    return membership is not None and sees(asker, membership) and membership.role == MANAGER
