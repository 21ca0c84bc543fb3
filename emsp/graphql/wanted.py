"""What is wanted of stations, and what comes first, as an app says it."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry import field

from emsp.brands.network import read_network
from emsp.brands.tables import Brand
from emsp.charging.ways import prices_over_ways
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.graphql import ids
from emsp.graphql.fields import value
from emsp.graphql.scalars import CurrencyCode
from emsp.graphql.viewer import Info
from emsp.graphql.ways import terms_of_asker
from emsp.graphql.words import ConnectorStandard, Facility
from emsp.pricing.retail.countries import written
from emsp.stations import asking

NOBODY = 0
Pricing = Callable[[Db], asking.Prices | None]


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: Decimal = field(description="The amount in major units, such as 0.49 for 49 cents.")
    currency: CurrencyCode = field(description="The currency of the amount.")


@strawberry.input(description="What a station must have; everything that is set must hold at one of its charge points.")
class StationFilter:
    available_now: bool | None = field(default=strawberry.UNSET, description="A charge point that is free now.")
    standards: list[ConnectorStandard] | None = field(
        default=strawberry.UNSET, description="A connector of one of these kinds."
    )
    min_power_kw: float | None = field(default=strawberry.UNSET, description="A connector with at least this power.")
    operators: list[strawberry.ID] | None = field(default=strawberry.UNSET, description="One of these operators.")
    open_now: bool | None = field(default=strawberry.UNSET, description="It is known to be open now.")
    open24h: bool | None = field(default=strawberry.UNSET, description="It is known to be always open.")
    facilities: list[Facility] | None = field(default=strawberry.UNSET, description="All of these facilities.")
    remote_start: bool | None = field(
        default=strawberry.UNSET, description="A charge point that can be started by app."
    )
    reservable: bool | None = field(default=strawberry.UNSET, description="A charge point that can be reserved.")
    accessible: bool | None = field(
        default=strawberry.UNSET, description="A charge point that is known to be usable by somebody with a disability."
    )
    plug_and_charge: bool | None = field(
        default=strawberry.UNSET,
        description="A connector at which the car itself says who pays (ISO 15118), so that plugging in is enough.",
    )
    ad_hoc_payment: bool | None = field(
        default=strawberry.UNSET, description="A charge point that takes payment cards, without a contract."
    )
    max_price_per_kwh: MoneyInput | None = field(
        default=strawberry.UNSET,
        description="A connector whose `indicativePrice` is known and at most this for each kWh; prices in another"
        " currency are converted by the reference rates, and are not known without a rate.",
    )


@strawberry.enum(description="What comes first.")
class StationOrder(Enum):
    DISTANCE = value(
        "DISTANCE",
        "The nearest to the point, or to the middle of the box; along a route, what one passes first; ids keep their"
        " order.",
    )
    POWER = value("POWER", "The strongest that fits, then the nearest.")
    BEST_MATCH = value("BEST_MATCH", "Where one is free that fits, then where that is not known; the nearest first.")
    PRICE = value(
        "PRICE",
        "The lowest `indicativePrice` for each kWh among the connectors that fit, then the nearest; where no price is"
        " known comes last. Prices are compared in the currency of `maxPricePerKwh`, else in the brand's.",
    )


def filter_of(given: StationFilter | None, network: asking.Network | None = None) -> asking.Filter:
    """A filter as the search knows it, within a network. Raises Invalid."""
    if not given:
        return asking.Filter(network=network)
    power_kw = given.min_power_kw
    return asking.Filter(
        available_now=bool(given.available_now),
        standards=tuple(standard.value for standard in given.standards or ()),
        min_power_w=round(power_kw * 1000) if power_kw else None,
        operator_ids=_operators(given.operators or []),
        open_now=bool(given.open_now),
        open_24h=bool(given.open24h),
        facilities=tuple(facility.value for facility in given.facilities or ()),
        remote_start=bool(given.remote_start),
        reservable=bool(given.reservable),
        accessible=bool(given.accessible),
        plug_and_charge=bool(given.plug_and_charge),
        ad_hoc_payment=bool(given.ad_hoc_payment),
        network=network,
        max_price_per_kwh=_limit(given.max_price_per_kwh) if given.max_price_per_kwh else None,
    )


def network_of(brand: Brand) -> asking.Network | None:
    """Where the drivers of a brand may charge; None: anywhere."""
    if not brand.network_policy:
        return None
    policy = read_network(brand.network_policy)
    return asking.Network(
        allowed_parties=policy.allowed_parties,
        blocked_parties=policy.blocked_parties,
        allowed_countries=_written(policy.allowed_countries),
        blocked_countries=_written(policy.blocked_countries),
        max_power_w=policy.max_power_w,
    )


def _written(countries: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for country in countries for code in written(country))


def _limit(given: MoneyInput) -> Decimal:
    if given.amount < 0:
        raise Invalid("must not be negative", "filter.maxPricePerKwh.amount")
    return given.amount


async def pricing(info: Info, given: StationFilter | None, order: asking.Order | None = None) -> Pricing:
    """How the asker's prices are come by in a transaction, where prices are asked for."""
    limit = given.max_price_per_kwh if given else None
    if not limit and order is not asking.Order.PRICE:
        return lambda db: None
    brand, terms, currency = info.context.asker.brand, await terms_of_asker(info), limit.currency if limit else None
    return lambda db: prices_over_ways(db, brand, terms, currency)


def _operators(unchecked_ids: list[strawberry.ID]) -> tuple[int, ...]:
    """Ids that are no operator's find nothing, rather than everything."""
    found = tuple(number for unchecked_id in unchecked_ids for number in numbers_of(unchecked_id, "Operator"))
    return found if found or not unchecked_ids else (NOBODY,)


def numbers_of(unchecked_id: str, kind: str) -> list[int]:
    """The number in an id of this kind; none in another."""
    try:
        return [ids.number_of(unchecked_id, kind)]
    except NotFound:
        return []
