"""Quotes: a price for a charge that has not begun, kept with the tariff as it stood, signed as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import col, select

from emsp import clock, vault
from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.pricing import catalog
from emsp.pricing.billed import Bill, billed
from emsp.pricing.plan import periods_of_plan
from emsp.pricing.report import Assumption, AssumptionCode
from emsp.pricing.retail import Place, RetailTariff, Terms, retail_price, retail_tariff
from emsp.pricing.sale import place_of, terms_of
from emsp.pricing.tables import Quote, TariffRow
from emsp.pricing.tariff import NotComputable, Tariff
from emsp.stations.tables import Connector, Evse, Station

HOLDS_FOR = timedelta(minutes=15)
POWER_W = Decimal(11_000)
AC_CAR_POWER_W = Decimal(11_000)
WORST_CASE_ENERGY = Decimal("1.25")
WORST_CASE_OVERSTAY = timedelta(hours=1)
MAX_ENERGY_WH = Decimal(1_000_000)
MAX_STAY = timedelta(days=7)


async def make_quote(
    db: Db, *, brand: Brand, driver_id: UUID | None, connector_id: int, energy_wh: int, stay_until: datetime | None
) -> Quote:
    """A price for `energy_wh` at a connector, staying until `stay_until` (or until it is charged).

    Without a price the quote says why in `missing_reason`. Raises NotFound for a connector that is not shown,
    Invalid for an amount of energy or a stay that make no sense.
    """
    connector, station = await _place(db, connector_id)
    now = clock.now()
    _check(Decimal(energy_wh), stay_until, now)
    row = (await catalog.tariffs_of_connectors(db, [connector_id], now))[connector_id]
    plan = _plan(connector, Decimal(energy_wh), now, stay_until)
    quote = Quote(
        brand_id=brand.id,
        driver_id=driver_id,
        connector_id=connector_id,
        plan=msgspec.to_builtins(plan),
        lines=[],
        assumptions=[],
        valid_until=now + HOLDS_FOR,
    )
    if isinstance(row, TariffRow):
        _price(quote, row, plan, station, await terms_of(db, brand, driver_id), place_of(connector, station))
    else:
        quote.missing_reason = row
    quote.signature = vault.sign(_evidence(quote))
    db.add(quote)
    await db.flush()
    return quote


class _Plan(msgspec.Struct, frozen=True):
    """What is assumed of the charge: constant power from now on, then staying."""

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None

    def worst(self) -> _Plan:
        """More energy than asked for, and an overstay."""
        energy_wh = self.energy_wh * WORST_CASE_ENERGY
        charged = self.start + timedelta(seconds=int(energy_wh * 3600 / self.power_w) + 1)
        leaves = max(charged, self.stay_until or charged) + WORST_CASE_OVERSTAY
        return _Plan(self.start, energy_wh, self.power_w, leaves)


def _plan(connector: Connector, energy_wh: Decimal, start: datetime, stay_until: datetime | None) -> _Plan:
    power_w = Decimal(connector.max_power_w or 0) or POWER_W
    if connector.power_type.startswith("AC"):
        power_w = min(power_w, AC_CAR_POWER_W)
    return _Plan(start, energy_wh, power_w, stay_until)


def _price(quote: Quote, row: TariffRow, plan: _Plan, station: Station, terms: Terms, place: Place) -> None:
    """Fill in the price, or the reason why there is none."""
    wholesale = msgspec.convert(row.document, Tariff)
    quote.tariff_id, quote.wholesale, quote.currency = row.id, row.document, row.currency
    retail = retail_tariff(wholesale, terms, place)
    try:
        bill = _bill(retail, plan, station.time_zone)
        worst = _bill(retail, plan.worst(), station.time_zone)
    except NotComputable:
        quote.missing_reason = "NOT_COMPUTABLE"
        return
    if any(said.code == AssumptionCode.ENERGY_WITHOUT_PRICE for said in bill.assumptions):
        quote.missing_reason = "NO_PRICE_AT_THIS_TIME"
        return
    quote.tariff = msgspec.to_builtins(retail)
    quote.net_minor, quote.total_minor = bill.net_minor, bill.total_minor
    quote.worst_case_minor = max(worst.total_minor, bill.total_minor)
    quote.lines = msgspec.to_builtins(bill.lines)
    power = Assumption(AssumptionCode.CONSTANT_POWER, {"power_w": str(plan.power_w)})
    quote.assumptions = msgspec.to_builtins((power, *bill.assumptions))


def _bill(retail: RetailTariff, plan: _Plan, time_zone: str) -> Bill:
    periods = periods_of_plan(plan.start, plan.energy_wh, plan.power_w, plan.stay_until)
    return billed(retail_price(retail, periods, time_zone=time_zone))


def retail_of(quote: Quote) -> RetailTariff | None:
    """The rule that the bill keeps to; None when no price was shown."""
    return msgspec.convert(quote.tariff, RetailTariff) if quote.tariff else None


async def by_ids(db: Db, ids: Sequence[UUID]) -> dict[UUID, Quote]:
    """The quotes with these ids."""
    found = await db.execute(select(Quote).where(col(Quote.id).in_(ids)))
    return {quote.id: quote for quote in found.scalars()}


async def _place(db: Db, connector_id: int) -> tuple[Connector, Station]:
    query = (
        select(Connector, Station)
        .join(Evse, col(Evse.id) == Connector.evse_id)
        .join(Station, col(Station.id) == Evse.station_id)
        .where(Connector.id == connector_id, Station.shown, ~col(Connector.removed), ~col(Evse.removed))
    )
    found = (await db.execute(query)).first()
    if found is None:
        raise NotFound(f"connector {connector_id}")
    return found[0], found[1]


def _check(energy_wh: Decimal, stay_until: datetime | None, now: datetime) -> None:
    if not 0 < energy_wh <= MAX_ENERGY_WH:
        raise Invalid(f"must be more than 0 and at most {MAX_ENERGY_WH} Wh", "energyWh")
    if stay_until is not None and not now < stay_until <= now + MAX_STAY:
        raise Invalid("must be in the future and within seven days", "stayUntil")


def _evidence(quote: Quote) -> bytes:
    said: dict[str, Any] = {
        name: getattr(quote, name)
        for name in ("id", "connector_id", "tariff", "plan", "total_minor", "currency", "missing_reason", "valid_until")
    }
    return msgspec.json.encode(said, order="sorted")
