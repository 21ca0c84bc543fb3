"""A session cut into slices so small that no price changes within one: how much of what, where, and after how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
ROUNDED_H = Fraction(2, 3600)  # three decimals of an hour are off by up to 1.8 seconds
VOLTS = 230  # of a phase, where a record gives power and a tariff asks for current

ZERO = Fraction(0)
FLOWS = ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME")

Document = dict[str, Any]  # a piece of OCPI, parsed


class Slice(NamedTuple):
    """A minute or a second of a session; kWh, kW and A, hours as fractions."""

    date: str
    clock: str
    day: str
    is_reserved: bool
    session_s: int
    session_kwh: Fraction
    kwh: Fraction
    charging_h: Fraction
    parking_h: Fraction
    reserved_h: Fraction
    power_kw: Fraction
    current_a: Fraction


def number(value: Any) -> Fraction:
    """What is written, exactly."""
    return Fraction(str(value))


def moment(text: str) -> datetime:
    """A DateTime of OCPI: UTC, with or without a Z."""
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def walk(cdr: Document, time_zone: str, slice_s: int, thresholds_kwh: Sequence[Fraction]) -> Iterator[Slice]:
    """The slices of a CDR in their order. The clock starts again when a reservation ends and the charging begins."""
    periods = cdr["charging_periods"]
    starts = [moment(period["start_date_time"]) for period in periods]
    ends = [*starts[1:], moment(cdr["end_date_time"])]
    began, kwh, was_reserved = starts[0], ZERO, False
    for period, start, end in zip(periods, starts, ends, strict=True):
        volumes = _volumes(period, Fraction(int((end - start).total_seconds()), 3600))
        reserved = "RESERVATION_TIME" in volumes
        if was_reserved and not reserved:
            began = start
        was_reserved = reserved
        for whole in _even_slices(volumes, start, end, began, ZoneInfo(time_zone), slice_s):
            yield from _cut(whole._replace(session_kwh=kwh), thresholds_kwh)
            kwh += whole.kwh


def _volumes(period: Document, length_h: Fraction) -> dict[str, Fraction]:
    """As told; hours that are the length of the period but for their rounding are that length."""
    told = {each["type"]: number(each["volume"]) for each in period["dimensions"]}
    return {
        name: length_h if name in FLOWS[1:] and abs(volume - length_h) < ROUNDED_H else volume
        for name, volume in told.items()
    }


def _even_slices(
    volumes: dict[str, Fraction], start: datetime, end: datetime, began: datetime, zone: ZoneInfo, slice_s: int
) -> Iterator[Slice]:
    """Everything in a period flows evenly from its start to its end; one without a length is taken for a second."""
    length_s = int((end - start).total_seconds()) or 1
    reserved = "RESERVATION_TIME" in volumes
    whole = Slice("", "", "", reserved, 0, ZERO, *_flows(volumes), *_levels(volumes, length_s))
    of_length = {
        seconds: _part(whole, Fraction(seconds, length_s)) for seconds in (slice_s, length_s % slice_s or slice_s)
    }
    for at_s in range(0, length_s, slice_s):
        at = start + timedelta(seconds=at_s)
        local = at.astimezone(zone)
        yield of_length[min(slice_s, length_s - at_s)]._replace(
            date=local.isoformat()[:10],
            clock=local.isoformat()[11:16],
            day=DAYS[local.weekday()],
            session_s=int((at - began).total_seconds()),
        )


def _flows(volumes: dict[str, Fraction]) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    energy, charging, parking, reserved = (volumes.get(name, ZERO) for name in FLOWS)
    return energy, charging, parking, reserved


def _levels(volumes: dict[str, Fraction], length_s: int) -> tuple[Fraction, Fraction]:
    """Power and current: as reported, else what the energy says on average."""
    hours = volumes.get("TIME") or Fraction(length_s, 3600)
    average_kw = volumes.get("ENERGY", ZERO) / hours
    power_kw = volumes.get("MAX_POWER", volumes.get("MIN_POWER", average_kw))
    return power_kw, volumes.get("MAX_CURRENT", volumes.get("MIN_CURRENT", power_kw * 1000 / VOLTS))


def _cut(whole: Slice, thresholds_kwh: Sequence[Fraction]) -> Iterator[Slice]:
    """A slice in which the meter passes an amount that the tariff names is two slices."""
    for kwh in thresholds_kwh:
        if whole.session_kwh < kwh < whole.session_kwh + whole.kwh:
            share = (kwh - whole.session_kwh) / whole.kwh
            yield from _cut(_part(whole, share), thresholds_kwh)
            yield from _cut(_part(whole, 1 - share)._replace(session_kwh=kwh), thresholds_kwh)
            return
    yield whole


def _part(whole: Slice, share: Fraction) -> Slice:
    return whole._replace(
        kwh=whole.kwh * share,
        charging_h=whole.charging_h * share,
        parking_h=whole.parking_h * share,
        reserved_h=whole.reserved_h * share,
    )
