"""Sessions and CDRs as OCPI 2.2.1 objects, made from the books and the meter."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .charging import Meter
from .pricing import Amount, Period, Tariff, amounts_of, price_of, total_of
from .state import Session
from .wire import now, timestamp

STATUS = {"ended": "COMPLETED", "closed": "COMPLETED", "charging": "ACTIVE"}
TOKEN_FIELDS = ("country_code", "party_id", "uid", "type", "contract_id")


def session_object(session: Session, meter: Meter | None) -> dict[str, Any]:
    """The Session as it stands; only periods that are over are listed while it runs."""
    if session.final is not None:
        return session.final
    progress = session_progress(session, meter, 0)
    start = session.charging_since or session.created
    ended = {} if session.ended_after_s is None else {"end_date_time": timestamp(_at(start, session.ended_after_s))}
    return {
        "country_code": session.country_code,
        "party_id": session.party_id,
        "id": session.id,
        "start_date_time": timestamp(start),
        **ended,
        **_who(session),
        "location_id": session.location_id,
        "evse_uid": session.evse_uid,
        "connector_id": session.connector_id,
        "currency": session.tariff["currency"],
        **progress,
    }


def session_progress(session: Session, meter: Meter | None, known_periods: int) -> dict[str, Any]:
    """The part of a Session that changes while it runs, with the periods after the first `known_periods`."""
    last = {
        "status": STATUS[session.phase] if session.charging_since else "PENDING",
        "last_updated": timestamp(session.last_updated),
    }
    if meter is None:
        return {"kwh": Decimal(0), **last}
    periods = finished_periods(session, meter)
    return {
        "kwh": kwh(meter.energy_wh),
        "charging_periods": [period_object(session, period) for period in periods[known_periods:]],
        "total_cost": total_of(meter.tariff, meter.periods),
        **last,
    }


def finished_periods(session: Session, meter: Meter) -> list[Period]:
    """The periods that will not change any more."""
    return meter.periods if session.ended_after_s is not None else meter.periods[:-1]


def period_object(session: Session, period: Period) -> dict[str, Any]:
    """A ChargingPeriod with its energy and its charging or parking time."""
    dimensions = [{"type": "TIME" if period.charging else "PARKING_TIME", "volume": hours(period.duration_s)}]
    if period.energy_wh:
        dimensions.insert(0, {"type": "ENERGY", "volume": kwh(period.energy_wh)})
    assert session.charging_since is not None
    body = {
        "start_date_time": timestamp(_at(session.charging_since, period.start_s)),
        "dimensions": dimensions,
    }
    return {**body, "tariff_id": session.tariff["id"]} if session.tariff_published else body


def cdr_object(session: Session, meter: Meter, cdr_id: str) -> dict[str, Any]:
    """The CDR of an ended session."""
    start = session.charging_since or session.created
    return {
        "country_code": session.country_code,
        "party_id": session.party_id,
        "id": cdr_id,
        "start_date_time": timestamp(start),
        "end_date_time": timestamp(_at(start, meter.at_s)),
        "session_id": session.id,
        **_who(session),
        "cdr_location": session.cdr_location,
        "currency": session.tariff["currency"],
        "tariffs": [session.tariff] if session.tariff_published else [],
        "charging_periods": [period_object(session, period) for period in meter.periods],
        **_totals(meter.tariff, meter.periods),
        "last_updated": timestamp(now()),
    }


def _totals(tariff: Tariff, periods: list[Period]) -> dict[str, Any]:
    amounts = amounts_of(tariff, periods)
    parking_s = sum(period.duration_s for period in periods if not period.charging)
    return {
        "total_cost": total_of(tariff, periods),
        "total_energy": kwh(sum(period.energy_wh for period in periods)),
        "total_time": hours(sum(period.duration_s for period in periods)),
        "total_parking_time": hours(parking_s),
        **_cost("total_fixed_cost", "FLAT", amounts),
        **_cost("total_energy_cost", "ENERGY", amounts),
        **_cost("total_time_cost", "TIME", amounts),
        **_cost("total_parking_cost", "PARKING_TIME", amounts),
    }


def _cost(name: str, dimension: str, amounts: list[Amount]) -> dict[str, Any]:
    own = [amount for amount in amounts if amount.dimension == dimension]
    return {name: price_of(own)} if own else {}


def _who(session: Session) -> dict[str, Any]:
    reference = session.authorization_reference
    return {
        "cdr_token": {name: session.token[name] for name in TOKEN_FIELDS},
        "auth_method": session.auth_method,
        **({"authorization_reference": reference} if reference else {}),
    }


def kwh(energy_wh: int) -> Decimal:
    """kWh with three decimals."""
    return Decimal(energy_wh) / 1000


def hours(duration_s: int) -> Decimal:
    """Hours rounded to the four decimals that an OCPI number has."""
    return (Decimal(duration_s) / 3600).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _at(start: datetime, after_s: int) -> datetime:
    return start + timedelta(seconds=after_s)
