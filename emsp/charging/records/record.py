"""What a partner reports of a charge, in our words: a running session, and the record at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import msgspec
from msgspec.structs import replace

from emsp.pricing.engine.periods import Period, seconds_between
from emsp.pricing.engine.tariff import Tariff

FAR_MORE = 2
"""From how many times the record's energy on its periods are not believed."""
FINEST_WH, ZERO = Decimal("1E-6"), Decimal(0)


class SessionReport(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's session as it stands. `status`: PENDING, ACTIVE, COMPLETED, INVALID, RESERVATION or UNKNOWN."""

    country_code: str
    party_id: str
    external_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    energy_wh: Decimal
    periods: list[Period] = []
    power_w: int | None = None
    state_of_charge_percent: int | None = None
    authorization_reference: str | None = None
    token_uid: str | None = None
    contract_id: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    currency: str | None = None
    net_cost: Decimal | None = None
    gross_cost: Decimal | None = None
    updated_at: datetime


class Cost(msgspec.Struct, frozen=True):
    """A part of what is asked, in major units of the record's currency. `gross` is None where no tax is stated."""

    net: Decimal
    gross: Decimal | None = None


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the partner asks for each part of a charge; None for what the record does not say.

    The parts need not sum to the total: the total has its floor and ceiling, the parts have not.
    """

    energy: Cost | None = None
    time: Cost | None = None
    parking: Cost | None = None
    fixed: Cost | None = None
    reservation: Cost | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's charge detail record. Costs are what they ask of us (wholesale), in major units.

    `periods` cover the session in order; `tariffs` are those that the record carries itself. A `credit` takes back
    the record that it names. `total_time_s` counts charging and parking, `total_parking_s` parking alone, both as
    the partner totals them and None where it does not.
    """

    country_code: str
    party_id: str
    external_id: str
    session_external_id: str | None = None
    authorization_reference: str | None = None
    token_uid: str | None = None
    contract_id: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    country: str | None = None
    started_at: datetime
    ended_at: datetime
    energy_wh: Decimal
    periods: list[Period]
    currency: str
    net_cost: Decimal
    gross_cost: Decimal | None = None
    asked: Asked = Asked()
    total_time_s: Decimal | None = None
    total_parking_s: Decimal | None = None
    tariffs: list[Tariff] = []
    credit: bool = False
    credits_external_id: str | None = None
    updated_at: datetime


def measured_periods(record: Record) -> list[Period]:
    """What the record says was measured: its periods, where they can be what was.

    Without periods, or with periods of far more energy than the record, the record's own totals stand for them.
    Energy that no period tells of is shared out by the time of charging.
    """
    told_wh = sum((period.energy_wh for period in record.periods), ZERO)
    if not record.periods or 0 < record.energy_wh * FAR_MORE < told_wh:
        return _by_totals(record)
    if told_wh or not record.energy_wh:
        return record.periods
    weights = _weights(record.periods)
    return list(_with_energy(record, weights)) if any(weights) else _by_totals(record)


def _by_totals(record: Record) -> list[Period]:
    """A period for the whole charge, and one for the parking after it where that is known."""
    start, end = record.started_at, record.ended_at
    elapsed_s = seconds(start, end)
    parking_s = min(record.total_parking_s or ZERO, elapsed_s)
    parked_at = later(end, -parking_s)
    charging = Period(start, parked_at, record.energy_wh, charging_s=elapsed_s - parking_s)
    return [charging, Period(parked_at, end, parking_s=parking_s)] if parking_s else [charging]


def _weights(periods: list[Period]) -> list[Decimal]:
    """How much of the energy goes to each period: by the time of charging; evenly where none is told."""
    weights = [ZERO if period.reserved else period.charging_s for period in periods]
    return weights if any(weights) else [Decimal(not period.reserved) for period in periods]


def _with_energy(record: Record, weights: list[Decimal]) -> Iterator[Period]:
    """The periods with the energy shared out; the last share is what the others leave over."""
    whole, used, left_wh = sum(weights, ZERO), ZERO, record.energy_wh
    for period, weight in zip(record.periods, weights, strict=True):
        used += weight
        share_wh = left_wh if used == whole else (record.energy_wh * weight / whole).quantize(FINEST_WH, ROUND_DOWN)
        left_wh -= share_wh
        yield replace(period, energy_wh=share_wh)


def seconds(start: datetime, end: datetime) -> Decimal:
    """From start to end, never less than nothing."""
    return max(seconds_between(start, end), ZERO)


def later(moment: datetime, by_s: Decimal) -> datetime:
    """So many seconds later. Raises OverflowError for a moment that no calendar has."""
    return moment + timedelta(microseconds=int(by_s * 1_000_000))
