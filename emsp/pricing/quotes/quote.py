"""Quotes: a price for a charge that has not begun, kept with the tariff as it stood, signed as evidence.

A kept quote never changes: its signature says what it said when it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
from sqlmodel import col, select

from emsp import clock
from emsp.accounts.vehicles import no_such_vehicle, vehicle_of
from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.money import Money
from emsp.pricing import catalog
from emsp.pricing.catalog import Missing
from emsp.pricing.engine.report import Assumption, AssumptionCode, plain
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.quotes import evidence
from emsp.pricing.quotes.missing import NoPrice, believable, known_bill, rule_for, usable_tariff
from emsp.pricing.quotes.planned import (
    USUAL_LEVEL_PERCENT,
    Car,
    Levels,
    PlannedCharge,
    planned_energy,
    planned_levels,
    within,
)
from emsp.pricing.quotes.usual import cheapest_first
from emsp.pricing.quotes.worst_case import Bounds, bounds_of, worst_case
from emsp.pricing.retail.prices import Place, RetailTariff, Terms
from emsp.pricing.retail.sale import place_of, terms_of
from emsp.pricing.tables import Quote, TariffRow
from emsp.stations.tables import Connector, Evse, Station

HOLDS_FOR = timedelta(minutes=15)
MAX_ENERGY_WH = 1_000_000
MAX_STAY = timedelta(days=7)


class ToLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A car of the driver's, to be charged to a percentage of its battery, from what it holds now if that is known."""

    vehicle_id: UUID
    target_percent: int
    current_percent: int | None = None


Where = tuple[Connector, Evse, Station]


class _Wanted(NamedTuple):
    """The charge that is asked for, begun at `start`."""

    driver_id: UUID | None
    energy_wh: int | None
    to_level: ToLevel | None
    start: datetime
    stay_until: datetime | None


async def make_quote(
    db: Db,
    *,
    brand: Brand,
    driver_id: UUID | None,
    connector_id: int,
    instead: Sequence[int] = (),
    energy_wh: int | None = None,
    to_level: ToLevel | None = None,
    stay_until: datetime | None = None,
    at: datetime | None = None,
) -> Quote:
    """A price for a charge at a connector, staying until `stay_until` (or until it is charged).

    `instead` are connectors of which it is made for the cheapest; of equal ones, and where no price is known, for the
    first. With `at` it is the price that applied at that moment, of a charge that has begun; also where nothing is
    shown now.

    What is wanted is either energy or a level of a car's battery. Without a price the quote says why in
    `missing_reason`. Raises NotFound for a connector that is not shown, Invalid for what makes no sense, and Refused
    (VEHICLE_NOT_FOUND, VEHICLE_CANNOT_CHARGE_HERE).
    """
    places = [await _place(db, id_, has_begun=at is not None) for id_ in instead or [connector_id]]
    now = (at or clock.now()).replace(microsecond=0)
    _check_stay(stay_until, now)
    terms, wanted = await terms_of(db, brand, driver_id), _Wanted(driver_id, energy_wh, to_level, now, stay_until)
    made = [(await _quote_at(db, brand, terms, where, wanted), where) for where in places]
    quote, where = min(made, key=lambda each: cheapest_first(_total(each[0]), brand.currency))
    quote.signature = evidence.signed(evidence.statement_of(quote, brand, where))
    db.add(quote)
    await db.flush()
    return quote


async def _quote_at(db: Db, brand: Brand, terms: Terms, where: Where, wanted: _Wanted) -> Quote:
    """Neither signed nor kept yet."""
    connector, _, station = where
    connector_id, now = connector.id or 0, wanted.start
    place = place_of(connector, station)
    planned = await _planned(db, place, wanted.driver_id, wanted.energy_wh, wanted.to_level, now, wanted.stay_until)
    found = (await catalog.tariffs_of_connectors(db, [connector_id], now))[connector_id]
    quote = Quote(
        id=uuid4(),
        brand_id=brand.id,
        driver_id=wanted.driver_id,
        connector_id=connector_id,
        plan=msgspec.to_builtins(planned),
        lines=[],
        assumptions=[],
        valid_until=now + HOLDS_FOR,
        created_at=now,
    )
    if isinstance(found, TariffRow):
        quote.tariff_id, quote.wholesale = found.id, found.document
    try:
        _price(quote, rule_at(found, terms, place), planned, station.time_zone)
    except NoPrice as none:
        quote.missing_reason = none.reason
    return quote


def _total(quote: Quote) -> Money | None:
    return Money(quote.total_minor, quote.currency) if quote.total_minor is not None and quote.currency else None


def rule_at(found: TariffRow | Missing, terms: Terms, place: Place) -> RetailTariff:
    """As `missing.rule_for`, for what the catalog found at a connector."""
    if not isinstance(found, TariffRow):
        return rule_for(str(found), terms, place)
    try:
        tariff: Tariff | str = usable_tariff(found.document)
    except NoPrice as none:
        tariff = none.reason
    return rule_for(tariff, terms, place)


def _price(quote: Quote, retail: RetailTariff, planned: PlannedCharge, time_zone: str) -> None:
    """Fill in what it costs. Raises NoPrice, and fills in nothing then."""
    planned = within(planned, retail.tariff)
    bill = known_bill(retail, planned.periods(), time_zone=time_zone)
    bounds = bounds_of(planned, quote.valid_until)
    worst = believable(worst_case(retail, planned, bounds, time_zone=time_zone))
    quote.plan, quote.tariff = msgspec.to_builtins(planned), msgspec.to_builtins(retail)
    quote.currency, quote.net_minor, quote.total_minor = bill.currency, bill.net_minor, bill.total_minor
    quote.worst_case_minor, quote.worst_case_until = max(worst.total_minor, bill.total_minor), bounds.until
    quote.lines = msgspec.to_builtins(list(bill.lines))
    quote.assumptions = msgspec.to_builtins([*planned.assumptions(), *bill.assumptions, _about(bounds)])


def _about(bounds: Bounds) -> Assumption:
    said = {"energy_wh": str(plain(bounds.energy_wh)), "until": clock.utc_text(bounds.until)}
    return Assumption(AssumptionCode.WORST_CASE, said)


def retail_of(quote: Quote) -> RetailTariff | None:
    """The rule that the bill keeps to; None when no price was shown."""
    return msgspec.convert(quote.tariff, RetailTariff) if quote.tariff else None


async def by_ids(db: Db, ids: Sequence[UUID]) -> dict[UUID, Quote]:
    """The quotes with these ids."""
    found = await db.execute(select(Quote).where(col(Quote.id).in_(ids)))
    return {quote.id: quote for quote in found.scalars()}


async def _place(db: Db, connector_id: int, *, has_begun: bool) -> Where:
    query = (
        select(Connector, Evse, Station)
        .join(Evse, col(Evse.id) == Connector.evse_id)
        .join(Station, col(Station.id) == Evse.station_id)
        .where(Connector.id == connector_id)
    )
    if not has_begun:
        query = query.where(Station.shown, ~col(Connector.removed), ~col(Evse.removed))
    found = (await db.execute(query)).first()
    if found is None:
        raise NotFound(f"connector {connector_id}")
    return found[0], found[1], found[2]


async def _planned(
    db: Db,
    place: Place,
    driver_id: UUID | None,
    energy_wh: int | None,
    to_level: ToLevel | None,
    start: datetime,
    stay_until: datetime | None,
) -> PlannedCharge:
    if (energy_wh is None) == (to_level is None):
        raise Invalid("say how much: an amount of energy, or a vehicle and its target, and not both", "energyWh")
    if energy_wh is not None:
        if not 0 < energy_wh <= MAX_ENERGY_WH:
            raise Invalid(f"must be more than 0 and at most {MAX_ENERGY_WH} Wh", "energyWh")
        return planned_energy(place, Decimal(energy_wh), start, stay_until)
    assert to_level is not None
    levels = _levels(to_level)
    return planned_levels(place, await _car(db, driver_id, to_level.vehicle_id), levels, start, stay_until)


def _levels(wanted: ToLevel) -> Levels:
    """Raises Invalid for levels that no battery has, or that are not above one another."""
    current = wanted.current_percent
    if current is not None and not 0 <= current < 100:
        raise Invalid("must be 0 to 99", "currentPercent")
    level = USUAL_LEVEL_PERCENT if current is None else current
    if not level < wanted.target_percent <= 100:
        assumed = ", which is assumed when currentPercent is left out" if current is None else ", what it holds now"
        raise Invalid(f"must be at most 100 and more than {level}{assumed}", "targetPercent")
    return Levels(level, wanted.target_percent, from_assumed=current is None)


async def _car(db: Db, driver_id: UUID | None, vehicle_id: UUID) -> Car:
    if driver_id is None:
        raise no_such_vehicle()
    vehicle = await vehicle_of(db, driver_id, vehicle_id)
    direct_w = vehicle.max_dc_power_w
    return Car(
        Decimal(vehicle.battery_capacity_wh),
        Decimal(vehicle.max_ac_power_w),
        None if direct_w is None else Decimal(direct_w),
    )


def _check_stay(stay_until: datetime | None, now: datetime) -> None:
    if stay_until is not None and not now < stay_until <= now + MAX_STAY:
        raise Invalid("must be in the future and within seven days", "stayUntil")
