"""Sessions and CDRs in OCPI's words become reports and records of charges in ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from emsp.charging.record import Record, SessionReport
from emsp.errors import Invalid
from emsp.ocpi.wire import utc
from emsp.ocpi.words import messages
from emsp.ocpi.words.translate_location import known, owner_of
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.pricing.engine import Period

SECONDS_PER_HOUR = 3600
STATUSES = frozenset({"ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"})
ZERO = Decimal(0)
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
        tariffs=[tariff_of(tariff) for tariff in cdr.tariffs or []],
        credit=cdr.credit is True,
        credits_external_id=known(cdr.credit_reference_id),
        updated_at=utc(cdr.last_updated),
    )


def _token_uid(token: messages.CdrToken | None) -> str | None:
    """The token that was used; where only its contract is told, that, since the two are the same in our starts."""
    return known(token.uid) or known(token.contract_id) if token else None


def _gross(price: messages.Price) -> Decimal | None:
    """The amount with all taxes, None when they are not known."""
    return None if price.taxes is None else sum((tax.amount for tax in price.taxes), price.before_taxes)


def periods_of(periods: Sequence[messages.ChargingPeriod], ended_at: datetime) -> list[Period]:
    """The periods in order, each lasting until the next one starts and the last one until the end."""
    starts = [utc(period.start_date_time) for period in periods]
    ends = [*starts[1:], max(ended_at, starts[-1])] if starts else []
    return [_period(period, start, end) for period, start, end in zip(periods, starts, ends, strict=True)]


def _period(period: messages.ChargingPeriod, start: datetime, end: datetime) -> Period:
    """Volumes in kWh, hours, kW and A become Wh, seconds, W and A; the maximum goes before the minimum."""
    volumes = _volumes(period)
    power_kw = volumes.get("MAX_POWER", volumes.get("MIN_POWER"))
    return Period(
        start=start,
        end=end,
        energy_wh=volumes.get("ENERGY", ZERO) * 1000,
        charging_s=volumes.get("TIME", volumes.get("RESERVATION_TIME", ZERO)) * SECONDS_PER_HOUR,
        parking_s=volumes.get("PARKING_TIME", ZERO) * SECONDS_PER_HOUR,
        power_w=None if power_kw is None else power_kw * 1000,
        current_a=volumes.get("MAX_CURRENT", volumes.get("MIN_CURRENT")),
        reserved="RESERVATION_TIME" in volumes,
    )


def _volumes(period: messages.ChargingPeriod) -> dict[str, Decimal]:
    volumes: dict[str, Decimal] = {}
    for dimension in period.dimensions or []:
        kind = dimension.type.strip().upper()
        if not dimension.volume.is_finite():
            raise Invalid(f"the volume of {kind} is not a number", "charging_periods")
        volumes[kind] = volumes.get(kind, ZERO) + dimension.volume
    return volumes


def _span(cdr: messages.Cdr, periods: list[messages.ChargingPeriod]) -> tuple[datetime, datetime]:
    """Start and end; what is not known is as near as the periods and the writing of the CDR tell."""
    stated = [utc(cdr.start_date_time), utc(cdr.end_date_time)]
    first = utc(periods[0].start_date_time) if periods else stated[1]
    start = first if stated[0].year == UNKNOWN_YEAR else stated[0]
    end = utc(cdr.last_updated) if stated[1].year == UNKNOWN_YEAR else stated[1]
    start = end if start.year == UNKNOWN_YEAR else start
    if end < start:
        raise Invalid("is before start_date_time", "end_date_time")
    return start, end


def _energy_wh(kwh: Decimal, field: str) -> Decimal:
    if not kwh.is_finite() or not 0 <= kwh <= MOST_KWH:
        raise Invalid(f"{kwh} kWh is no amount of energy", field)
    return kwh * 1000
