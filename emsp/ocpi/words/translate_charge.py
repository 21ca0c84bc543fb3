"""Sessions and CDRs in OCPI's words become reports and records of charges in ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from emsp.charging.records.record import Asked, Cost, Record, SessionReport, later, seconds
from emsp.errors import Invalid
from emsp.ocpi.wire import utc
from emsp.ocpi.words import messages
from emsp.ocpi.words.reading import convert
from emsp.ocpi.words.translate_location import known, owner_of
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.ocpi.words.v2_2_1 import number
from emsp.pricing.engine.trace import Period

SECONDS_PER_HOUR = 3600
STATUSES = frozenset({"ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"})
TIMES = ("TIME", "PARKING_TIME", "RESERVATION_TIME")
ZERO = Decimal(0)
ROUNDED_UP_S = 2
"""By how much three decimals of an hour can overstate it, in whole seconds."""
MOST_KWH = 1_000_000
UNKNOWN_YEAR = 1970
"""A time in this year stands for one that is not known (CDRs: start_date_time)."""


def report_of(session: messages.Session) -> SessionReport:
    """The session as it stands. Raises Invalid."""
    country_code, party_id = owner_of(session)
    periods = sorted(session.charging_periods or [], key=lambda period: utc(period.start_date_time))
    latest = _volumes(periods[-1]) if periods else {}
    power_kw, charge_percent = latest.get("POWER"), latest.get("STATE_OF_CHARGE")
    return SessionReport(
        country_code=country_code,
        party_id=party_id,
        external_id=session.id,
        status=session_status(session.status),
        started_at=utc(session.start_date_time),
        ended_at=utc(session.end_date_time) if session.end_date_time else None,
        energy_wh=_energy_wh(session.kwh, "kwh"),
        periods=periods_of(periods, utc(session.end_date_time or session.last_updated)),
        power_w=None if power_kw is None else int(power_kw * 1000),
        state_of_charge_percent=None if charge_percent is None else int(charge_percent),
        authorization_reference=session.authorization_reference,
        token_uid=_token_uid(session.cdr_token),
        contract_id=_contract_id(session.cdr_token),
        location_id=known(session.location_id),
        evse_uid=known(session.evse_uid),
        connector_id=known(session.connector_id),
        currency=session.currency.upper() if session.currency else None,
        net_cost=session.total_cost.before_taxes if session.total_cost else None,
        gross_cost=_gross(session.total_cost) if session.total_cost else None,
        updated_at=utc(session.last_updated),
    )


def session_status(text: str) -> str:
    """The status; RESERVED is what the specification's prose calls RESERVATION."""
    status = text.strip().upper()
    if status == "RESERVED":
        return "RESERVATION"
    return status if status in STATUSES else "UNKNOWN"


def record_of(cdr: messages.Cdr) -> Record:
    """The record of a charge. Raises Invalid for what would make its money doubtful."""
    country_code, party_id = owner_of(cdr)
    periods = sorted(cdr.charging_periods or [], key=lambda period: utc(period.start_date_time))
    started_at, ended_at = _span(cdr, periods)
    place = cdr.cdr_location or messages.CdrLocation()
    return Record(
        country_code=country_code,
        party_id=party_id,
        external_id=cdr.id,
        session_external_id=known(cdr.session_id),
        authorization_reference=cdr.authorization_reference,
        token_uid=_token_uid(cdr.cdr_token),
        contract_id=_contract_id(cdr.cdr_token),
        location_id=known(place.id),
        evse_uid=known(place.evse_uid),
        connector_id=known(place.connector_id),
        country=place.country.upper() if place.country else None,
        started_at=started_at,
        ended_at=ended_at,
        energy_wh=_energy_wh(cdr.total_energy, "total_energy"),
        periods=periods_of(periods, ended_at),
        currency=cdr.currency.strip().upper(),
        net_cost=cdr.total_cost.before_taxes,
        gross_cost=_gross(cdr.total_cost),
        asked=_asked(cdr),
        total_time_s=_seconds(cdr.total_time),
        total_parking_s=_seconds(cdr.total_parking_time),
        tariffs=[replace(tariff_of(tariff), external_id=tariff.id) for tariff in cdr.tariffs or []],
        credit=cdr.credit is True,
        credits_external_id=known(cdr.credit_reference_id),
        updated_at=utc(cdr.last_updated),
    )


def _token_uid(token: messages.CdrToken | None) -> str | None:
    """The token that was used; where only its contract is told, that, since the two are the same in our starts."""
    return known(token.uid) or known(token.contract_id) if token else None


def _contract_id(token: messages.CdrToken | None) -> str | None:
    return known(token.contract_id) if token else None


def _gross(price: messages.Price) -> Decimal | None:
    """The amount with all taxes, None when they are not known."""
    return None if price.taxes is None else sum((tax.amount for tax in price.taxes), price.before_taxes)


def _asked(cdr: messages.Cdr) -> Asked:
    return Asked(
        energy=cost_of(cdr.total_energy_cost),
        time=cost_of(cdr.total_time_cost),
        parking=cost_of(cdr.total_parking_cost),
        fixed=cost_of(cdr.total_fixed_cost),
        reservation=cost_of(cdr.total_reservation_cost),
    )


def cost_of(said: Any) -> Cost | None:
    """A part of the total as a Price, or as the bare amount of older versions; None for what is neither."""
    if said is None:
        return None
    if (net := number(said)) is not None:
        return Cost(net)
    try:
        price = convert(said, messages.Price)
    except Invalid:
        return None
    return Cost(price.before_taxes, _gross(price))


def _seconds(hours: Any) -> Decimal | None:
    """A total of hours as seconds; None for what can be none."""
    known_hours = number(hours)
    return None if known_hours is None or known_hours < 0 else known_hours * SECONDS_PER_HOUR


def periods_of(periods: Sequence[messages.ChargingPeriod], ended_at: datetime) -> list[Period]:
    """The periods in order, each lasting until the next one starts and the last one until the end."""
    starts = [utc(period.start_date_time) for period in periods]
    ends = [*starts[1:], max(ended_at, starts[-1])] if starts else []
    return [ours for theirs in zip(periods, starts, ends, strict=True) for ours in _periods(*theirs)]


def _periods(period: messages.ChargingPeriod, start: datetime, end: datetime) -> Iterator[Period]:
    """One period, or two where a reservation and a charge are told as one: the reservation comes first."""
    volumes, tariff_id = _volumes(period), known(period.tariff_id)
    charged = any(volumes.get(kind) for kind in ("ENERGY", "TIME", "PARKING_TIME"))
    if "RESERVATION_TIME" in volumes and (volumes["RESERVATION_TIME"] or not charged):
        reserved_s = _by_the_clock(volumes["RESERVATION_TIME"] * SECONDS_PER_HOUR, seconds(start, end))
        charge_begins = later(start, min(reserved_s, seconds(start, end))) if charged else end
        yield Period(start, charge_begins, charging_s=reserved_s, reserved=True, tariff_id=tariff_id)
        start = charge_begins
    if charged or "RESERVATION_TIME" not in volumes:
        yield _charge(volumes, start, end, tariff_id)


def _charge(volumes: dict[str, Decimal], start: datetime, end: datetime, tariff_id: str | None) -> Period:
    """Volumes in kWh, hours, kW and A become Wh, seconds, W and A; of several, the maximum is taken first."""
    power_kw = _first(volumes, "MAX_POWER", "MIN_POWER", "POWER")
    length_s = seconds(start, end)
    return Period(
        start=start,
        end=end,
        energy_wh=volumes.get("ENERGY", ZERO) * 1000,
        charging_s=_by_the_clock(volumes.get("TIME", ZERO) * SECONDS_PER_HOUR, length_s),
        parking_s=_by_the_clock(volumes.get("PARKING_TIME", ZERO) * SECONDS_PER_HOUR, length_s),
        power_w=None if power_kw is None else power_kw * 1000,
        current_a=_first(volumes, "MAX_CURRENT", "MIN_CURRENT", "CURRENT"),
        tariff_id=tariff_id,
    )


def _by_the_clock(told_s: Decimal, length_s: Decimal) -> Decimal:
    """Hours with few decimals may come to a little more than the period lasts, which would bill a step too many."""
    return length_s if 0 < told_s - length_s < ROUNDED_UP_S else told_s


def _first(volumes: dict[str, Decimal], *kinds: str) -> Decimal | None:
    return next((volumes[kind] for kind in kinds if kind in volumes), None)


def _volumes(period: messages.ChargingPeriod) -> dict[str, Decimal]:
    volumes: dict[str, Decimal] = {}
    for dimension in period.dimensions or []:
        kind = dimension.type.strip().upper()
        if not dimension.volume.is_finite():
            raise Invalid(f"the volume of {kind} is not a number", "charging_periods")
        volumes[kind] = volumes.get(kind, ZERO) + dimension.volume
    return volumes


def _span(cdr: messages.Cdr, periods: list[messages.ChargingPeriod]) -> tuple[datetime, datetime]:
    """Start and end; what is not known is as near as the periods, the totals and the writing of the CDR tell."""
    start, end = utc(cdr.start_date_time), utc(cdr.end_date_time)
    first = utc(periods[0].start_date_time) if periods else end
    start = first if start.year == UNKNOWN_YEAR else start
    end = _end(cdr, start, periods) if end.year == UNKNOWN_YEAR else end
    start = end if start.year == UNKNOWN_YEAR else start
    if end < start:
        raise Invalid("is before start_date_time", "end_date_time")
    return start, end


def _end(cdr: messages.Cdr, start: datetime, periods: list[messages.ChargingPeriod]) -> datetime:
    """The end of a CDR that does not tell it: as long as it took in all, as its last period took, as it was written."""
    took_s = _seconds(cdr.total_time)
    if not took_s and periods:
        start, last = utc(periods[-1].start_date_time), _volumes(periods[-1])
        took_s = SECONDS_PER_HOUR * sum((last.get(kind, ZERO) for kind in TIMES), ZERO)
    if not took_s or took_s < 0 or start.year == UNKNOWN_YEAR:
        return max(start, utc(cdr.last_updated))
    try:
        return later(start, took_s)
    except OverflowError as error:
        raise Invalid(f"{took_s} s is no time to charge", "total_time") from error


def _energy_wh(kwh: Decimal, field: str) -> Decimal:
    if not kwh.is_finite() or not 0 <= kwh <= MOST_KWH:
        raise Invalid(f"{kwh} kWh is no amount of energy", field)
    return kwh * 1000
