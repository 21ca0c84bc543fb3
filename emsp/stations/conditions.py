"""Filters and orders as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Text, and_, any_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import BigInteger, Float
from sqlmodel import col

from emsp.stations.asking import Along, Filter, Ids, Near, Network, Order, Place
from emsp.stations.tables import Connector, Evse, Station
from emsp.stations.twins.shown import evse_is_shown, status
from emsp.stations.within import Condition, Number, along, distance_m, of_ids

UNKNOWN_LAST = 2**53
"""Where a price would be, when none is known."""
PLUG_AND_CHARGE = ("ISO_15118_2_PLUG_AND_CHARGE", "ISO_15118_20_PLUG_AND_CHARGE")
TAKES_CARDS = (
    "CREDIT_CARD_PAYABLE",
    "DEBIT_CARD_PAYABLE",
    "CONTACTLESS_CARD_SUPPORT",
    "CHIP_CARD_SUPPORT",
    "PED_TERMINAL",
)


class Demand(NamedTuple):
    """A filter, with what only a look at the place could tell (`demands.look_up`)."""

    filter: Filter
    open_ids: Iterable[int] = ()
    """Stations whose opening hours say that they are open."""
    cheap_ids: Iterable[int] = ()
    """Connectors that fit all of the filter, when it asks for a price."""
    cheapest: Mapping[int, int] = {}
    """Stations where the price is known, and low enough: of the cheapest of those connectors, in ten-thousandths."""


def _words(words: Iterable[str]) -> Number:
    return literal(list(words), ARRAY(Text))


def matching(demand: Demand) -> list[Condition]:
    """What is asked of a station."""
    if demand.filter.max_price_per_kwh is not None:
        return [col(Station.id) == any_(of_ids(demand.cheapest))]
    return [*_of_station(demand), *([has_evse(demand)] if _asks_of_evses(demand.filter) else [])]


def fitting(wanted: Filter, open_ids: Iterable[int]) -> list[Condition]:
    """What a filter asks of a station, an EVSE and a connector of it, as far as no price is needed to tell."""
    demand = Demand(wanted, open_ids)
    return [*_of_station(demand), *_of_evse(wanted), *_of_connector(wanted)]


def _of_station(demand: Demand) -> list[Condition]:
    wanted = demand.filter
    conditions: list[Condition] = []
    if wanted.operator_ids:
        conditions.append(col(Station.operator_id).in_(wanted.operator_ids))
    if wanted.open_24h:
        conditions.append(col(Station.twenty_four_seven).is_(True))
    if wanted.open_now:
        always = and_(col(Station.twenty_four_seven).is_(True), col(Station.opening_hours).is_(None))
        conditions.append(or_(always, col(Station.id) == any_(of_ids(demand.open_ids))))
    if wanted.facilities:
        conditions.append(col(Station.facilities).contains(list(wanted.facilities)))
    return [*conditions, *(_of_network(wanted.network) if wanted.network else [])]


def _of_network(network: Network) -> Iterable[Condition]:
    party = col(Station.country_code) + "*" + col(Station.party_id)
    country = func.coalesce(func.nullif(col(Station.country), ""), col(Station.country_code))
    for value, allowed, blocked in (
        (party, network.allowed_parties, network.blocked_parties),
        (country, network.allowed_countries, network.blocked_countries),
    ):
        if allowed:
            yield value.in_(allowed)
        if blocked:
            yield value.not_in(blocked)


def has_evse(demand: Demand, *more: Condition) -> Condition:
    """Whether the station has a charge point with all that is asked of one, and `more`."""
    wanted = demand.filter
    query = select(col(Evse.id)).where(*_of_evse(wanted), *more)
    if _asks_of_connectors(wanted):
        query = query.where(select(col(Connector.id)).where(*_of_cheap_connector(demand)).correlate(Evse).exists())
    return query.correlate(Station).exists()


def _asks_of_connectors(wanted: Filter) -> bool:
    return wanted.max_price_per_kwh is not None or bool(_connector_demands(wanted))


def _asks_of_evses(wanted: Filter) -> bool:
    return _asks_of_connectors(wanted) or bool(_evse_demands(wanted))


def _of_evse(wanted: Filter) -> list[Condition]:
    return [col(Evse.station_id) == col(Station.id), evse_is_shown(), *_evse_demands(wanted)]


def _evse_demands(wanted: Filter) -> list[Condition]:
    conditions: list[Condition] = []
    capabilities = col(Evse.capabilities)
    if wanted.available_now:
        conditions.append(status() == "AVAILABLE")
    if wanted.remote_start:
        conditions.append(or_(capabilities == [], capabilities.contains(["REMOTE_START_STOP_CAPABLE"])))
    if wanted.reservable:
        conditions.append(capabilities.contains(["RESERVABLE"]))
    if wanted.accessible:
        conditions.append(col(Evse.accessible).is_(True))
    if wanted.ad_hoc_payment:
        conditions.append(capabilities.op("&&", is_comparison=True)(_words(TAKES_CARDS)))
    return conditions


def _of_connector(wanted: Filter) -> list[Condition]:
    return [col(Connector.evse_id) == col(Evse.id), ~col(Connector.removed), *_connector_demands(wanted)]


def _connector_demands(wanted: Filter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.standards:
        conditions.append(col(Connector.standard).in_(wanted.standards))
    if wanted.min_power_w is not None:
        conditions.append(col(Connector.max_power_w) >= wanted.min_power_w)
    if wanted.network and wanted.network.max_power_w is not None:
        conditions.append(func.coalesce(col(Connector.max_power_w), 0) <= wanted.network.max_power_w)
    if wanted.plug_and_charge:
        conditions.append(col(Connector.capabilities).op("&&", is_comparison=True)(_words(PLUG_AND_CHARGE)))
    return conditions


def _of_cheap_connector(demand: Demand) -> list[Condition]:
    conditions = _of_connector(demand.filter)
    if demand.filter.max_price_per_kwh is not None:
        conditions.append(col(Connector.id) == any_(of_ids(demand.cheap_ids)))
    return conditions


def sort_values(place: Place, demand: Demand, order: Order) -> tuple[Number, Number]:
    """Two numbers that a station is sorted by, the smaller first; the distance in metres is the last that counts."""
    if isinstance(place, Ids):
        near: Number = func.array_position(of_ids(place.ids), col(Station.id)).cast(Float)
    elif isinstance(place, Along):
        near = along(place).along_m
    else:
        near = distance_m(*((place.longitude, place.latitude) if isinstance(place, Near) else place.middle()))
    if order is Order.PRICE:
        return _price(demand), near
    if order is Order.DISTANCE:
        return literal(0.0), near
    return _power(demand) if order is Order.POWER else _freedom(demand), near


def _price(demand: Demand) -> Number:
    """Looked up in one JSON object: a join with thousands of pairs would be planned as if there were few."""
    prices = literal({str(id_): price for id_, price in demand.cheapest.items()}, JSONB)
    return func.coalesce(prices[cast(col(Station.id), Text)].astext.cast(BigInteger), UNKNOWN_LAST)


def _power(demand: Demand) -> Number:
    strongest = (
        select(-func.max(col(Connector.max_power_w)))
        .where(*_of_evse(demand.filter), *_of_cheap_connector(demand))
        .correlate(Station)
        .scalar_subquery()
    )
    return func.coalesce(strongest, 1).cast(Float)


def _freedom(demand: Demand) -> Number:
    free = has_evse(demand, status() == "AVAILABLE")
    unknown = has_evse(demand, status() == "UNKNOWN")
    return case((free, 0.0), (unknown, 1.0), else_=2.0)
