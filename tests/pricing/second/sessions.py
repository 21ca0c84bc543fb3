"""Sessions as a CDR tells them, and the twelve that every tariff is asked about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.pricing.second.walk import Document

TIME_ZONE = "Europe/Amsterdam"
HOUR_MIN = Decimal(60)


class Stretch(NamedTuple):
    """So many minutes of charging at so many kW, of parking, or of being reserved. Multiples of 3 are exact hours."""

    minutes: int
    power_kw: Decimal | str = "0"
    kind: str = "TIME"


def parked(minutes: int) -> Stretch:
    return Stretch(minutes, kind="PARKING_TIME")


def reserved(minutes: int) -> Stretch:
    return Stretch(minutes, kind="RESERVATION_TIME")


def session(start: datetime, *stretches: Stretch) -> Document:
    """The periods of a CDR, each with its volume, and with its power where there is any."""
    at, periods = start.astimezone(UTC), []
    for minutes, power_kw, kind in stretches:
        hours, kw = minutes / HOUR_MIN, Decimal(power_kw)
        dimensions = [{"type": kind, "volume": hours}]
        if kw:
            dimensions += [{"type": "ENERGY", "volume": kw * hours}, {"type": "MAX_POWER", "volume": kw}]
        periods.append({"start_date_time": _written(at), "dimensions": dimensions})
        at += timedelta(minutes=minutes)
    return {"start_date_time": _written(start), "charging_periods": periods, "end_date_time": _written(at)}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(TIME_ZONE))


TUESDAY, WEDNESDAY, SATURDAY, CLOCKS_BACK = "2026-06-02", "2026-06-03", "2026-06-06", "2026-10-25"

STANDARD: dict[str, Document] = {
    "AC 11 kW, then a while": session(_at(TUESDAY, "10:00"), Stretch(120, "11"), parked(30)),
    "AC 3.7 kW, slowly": session(_at(TUESDAY, "14:30"), Stretch(330, "3.7")),
    "DC 50 kW": session(_at(TUESDAY, "17:45"), Stretch(30, "50")),
    "DC 150 kW, falling": session(_at(WEDNESDAY, "12:15"), Stretch(9, "150"), Stretch(12, "94.5"), Stretch(6, "48")),
    "night": session(_at(TUESDAY, "00:30"), Stretch(300, "7.4"), parked(90)),
    "over midnight": session(_at(TUESDAY, "22:12"), Stretch(180, "11"), parked(390)),
    "weekend": session(_at(SATURDAY, "11:21"), Stretch(150, "11"), parked(60)),
    "long parking": session(_at(WEDNESDAY, "09:00"), Stretch(120, "11"), parked(600)),
    "the night of 25 hours": session(_at(CLOCKS_BACK, "00:30"), Stretch(240, "11"), parked(120)),
    "three minutes": session(_at(TUESDAY, "08:57"), Stretch(3, "7.4")),
    "reserved before": session(_at(TUESDAY, "13:48"), reserved(15), Stretch(45, "22")),
    "two days": session(_at(TUESDAY, "09:15"), Stretch(360, "11"), parked(2520)),
}
