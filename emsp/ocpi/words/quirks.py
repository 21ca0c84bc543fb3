"""What partners plainly got wrong and what can only have been meant: corrected, and said so, before it is understood.

Nothing here guesses: a figure is changed only where it is impossible as it stands and ordinary when changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from babel.core import get_global
from msgspec.structs import replace

from emsp.ocpi.wire import utc
from emsp.ocpi.words import messages

M = TypeVar("M")
MOST_PLAUSIBLE_KW, ORDINARY_KW = Decimal(4000), Decimal(1000)
MOST_OF_A_CAR_KWH = Decimal(250)
"""No more goes into a car: less than this is taken as it is, however short the time, since times are wrong as well."""
UNIT_MIX_UP = Decimal(900)
"""From how many times the total on the energy of periods is taken to be in Wh."""
ZERO = Decimal(0)
SECOND, SECONDS_PER_HOUR = timedelta(seconds=1), 3600
FAR_DEGREES = 1.0


class Box(NamedTuple):
    """The least box around a country, in degrees; far islands may lie outside."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, latitude: float, longitude: float, margin: float = 0.0) -> bool:
        """Whether a place lies within the box, or not further outside than the margin."""
        in_height = self.south - margin <= latitude <= self.north + margin
        return in_height and self.west - margin <= longitude <= self.east + margin


def corrected(message: M) -> tuple[M, list[str]]:
    """The message as it can only have been meant, and a remark for each correction."""
    match message:
        case messages.Location():
            return _location(message)
        case messages.Session():
            return _energy(message, "kwh", message.end_date_time or message.last_updated)
        case messages.Cdr():
            return _cdr(message)
    return message, []


def _location(location: messages.Location) -> tuple[Any, list[str]]:
    """A place far outside its country that lies inside it when latitude and longitude change places."""
    place = location.coordinates
    if not are_swapped(location.country, place.latitude, place.longitude, FAR_DEGREES):
        return location, []
    swapped = messages.Coordinates(latitude=place.longitude, longitude=place.latitude)
    remark = f"coordinates: latitude and longitude were swapped; {place.latitude}, {place.longitude} is not in "
    return replace(location, coordinates=swapped), [f"{remark}{location.country}"]


def are_swapped(country: str | None, latitude: float, longitude: float, margin: float = 0.0) -> bool:
    """Whether a place lies outside its country, further than the margin in degrees, and inside it when latitude and
    longitude change places; False where nothing is known of the country."""
    box = box_of(country)
    return box is not None and not box.holds(latitude, longitude, margin) and box.holds(longitude, latitude)


def box_of(country: str | None) -> Box | None:
    """The box around a country, by its alpha-2 or alpha-3 code; None for one that has none here."""
    code = (country or "").strip().upper()
    alias = get_global("territory_aliases").get(code) or [code]
    return BOXES.get(alias[0])


def _cdr(cdr: messages.Cdr) -> tuple[Any, list[str]]:
    """A credit takes back money only (CDRs: credit_reference_id); some turn the sign of its energy and times too."""
    if not cdr.credit or cdr.total_energy >= 0:
        return _energy(cdr, "total_energy", cdr.end_date_time)
    periods = _scaled(cdr.charging_periods or [], lambda dimension: abs(dimension.volume))
    positive = replace(cdr, total_energy=abs(cdr.total_energy), charging_periods=periods)
    found, remarks = _energy(positive, "total_energy", cdr.end_date_time)
    return found, [f"total_energy: {cdr.total_energy} of a credit was taken without its sign", *remarks]


def _energy(charge: Any, field: str, end: datetime) -> tuple[Any, list[str]]:
    """Energy in Wh where kWh is due: in the total when no charger is that strong, in periods when they exceed it."""
    remarks, total, periods = [], getattr(charge, field), charge.charging_periods or []
    elapsed_s = (utc(end) - utc(charge.start_date_time)) // SECOND
    if _is_in_wh(total, elapsed_s - _sum(periods, "PARKING_TIME") * SECONDS_PER_HOUR):
        remarks.append(f"{field}: {total} was taken to be in Wh")
        total = total / 1000
        charge = replace(charge, **{field: total})
    told = _sum(periods, "ENERGY")
    if total > 0 and told > total * UNIT_MIX_UP:
        remarks.append(f"charging_periods: ENERGY volumes of {told} in all were taken to be in Wh")
        charge = replace(charge, charging_periods=_scaled(periods, _in_kwh))
    return charge, remarks


def _is_in_wh(energy: Decimal, charging_s: Decimal) -> bool:
    if charging_s <= 0 or energy <= MOST_OF_A_CAR_KWH:
        return False
    average_kw = energy * SECONDS_PER_HOUR / charging_s
    return MOST_PLAUSIBLE_KW < average_kw <= ORDINARY_KW * 1000


def _sum(periods: Sequence[messages.ChargingPeriod], kind: str) -> Decimal:
    dimensions = (dimension for period in periods for dimension in period.dimensions or [])
    return sum((dimension.volume for dimension in dimensions if _is(kind, dimension)), ZERO)


def _is(kind: str, dimension: messages.Dimension) -> bool:
    return dimension.type.strip().upper() == kind


def _in_kwh(dimension: messages.Dimension) -> Decimal:
    return dimension.volume / 1000 if _is("ENERGY", dimension) else dimension.volume


def _scaled(
    periods: Sequence[messages.ChargingPeriod], volume: Callable[[messages.Dimension], Decimal]
) -> list[messages.ChargingPeriod]:
    return [
        replace(period, dimensions=[replace(d, volume=volume(d)) for d in period.dimensions or []])
        for period in periods
    ]


BOXES = {
    "AD": Box(42.4, 1.4, 42.7, 1.8),
    "AE": Box(22.6, 51.5, 26.1, 56.4),
    "AL": Box(39.6, 19.2, 42.7, 21.1),
    "AT": Box(46.3, 9.5, 49.1, 17.2),
    "AU": Box(-43.7, 112.9, -10.6, 153.7),
    "BA": Box(42.5, 15.7, 45.3, 19.7),
    "BE": Box(49.4, 2.5, 51.6, 6.5),
    "BG": Box(41.2, 22.3, 44.3, 28.7),
    "CA": Box(41.6, -141.1, 83.2, -52.6),
    "CH": Box(45.8, 5.9, 47.9, 10.6),
    "CY": Box(34.5, 32.2, 35.8, 34.7),
    "CZ": Box(48.5, 12.0, 51.1, 18.9),
    "DE": Box(47.2, 5.8, 55.1, 15.1),
    "DK": Box(54.5, 8.0, 57.8, 15.3),
    "EE": Box(57.5, 21.7, 59.8, 28.3),
    "ES": Box(27.6, -18.2, 43.9, 4.4),
    "FI": Box(59.7, 19.0, 70.1, 31.6),
    "FR": Box(41.3, -5.2, 51.1, 9.6),
    "GB": Box(49.8, -8.7, 60.9, 1.8),
    "GR": Box(34.7, 19.3, 41.8, 29.7),
    "HR": Box(42.3, 13.4, 46.6, 19.5),
    "HU": Box(45.7, 16.1, 48.6, 22.9),
    "IE": Box(51.4, -10.7, 55.4, -5.9),
    "IL": Box(29.4, 34.2, 33.4, 35.9),
    "IN": Box(6.7, 68.1, 35.6, 97.4),
    "IS": Box(63.3, -24.6, 66.6, -13.4),
    "IT": Box(35.4, 6.6, 47.1, 18.6),
    "JP": Box(24.0, 122.9, 45.6, 145.9),
    "KR": Box(33.1, 125.8, 38.7, 129.6),
    "LI": Box(47.0, 9.4, 47.3, 9.7),
    "LT": Box(53.8, 20.9, 56.5, 26.9),
    "LU": Box(49.4, 5.7, 50.2, 6.6),
    "LV": Box(55.6, 20.9, 58.1, 28.3),
    "MC": Box(43.7, 7.3, 43.8, 7.5),
    "MD": Box(45.4, 26.6, 48.5, 30.2),
    "ME": Box(41.8, 18.4, 43.6, 20.4),
    "MK": Box(40.8, 20.4, 42.4, 23.1),
    "MT": Box(35.7, 14.1, 36.1, 14.6),
    "NL": Box(50.7, 3.3, 53.6, 7.3),
    "NO": Box(57.9, 4.4, 71.3, 31.2),
    "NZ": Box(-47.4, 166.4, -34.3, 178.6),
    "PL": Box(49.0, 14.1, 54.9, 24.2),
    "PT": Box(32.3, -31.3, 42.2, -6.1),
    "RO": Box(43.6, 20.2, 48.3, 29.8),
    "RS": Box(42.2, 18.8, 46.2, 23.0),
    "SE": Box(55.3, 10.9, 69.1, 24.2),
    "SG": Box(1.1, 103.5, 1.5, 104.1),
    "SI": Box(45.4, 13.3, 46.9, 16.7),
    "SK": Box(47.7, 16.8, 49.7, 22.6),
    "SM": Box(43.8, 12.4, 44.0, 12.6),
    "TH": Box(5.6, 97.3, 20.5, 105.7),
    "TR": Box(35.8, 25.6, 42.2, 44.9),
    "UA": Box(44.3, 22.1, 52.4, 40.3),
    "US": Box(24.5, -125.0, 49.4, -66.9),
    "XK": Box(41.8, 20.0, 43.3, 21.8),
    "ZA": Box(-34.9, 16.4, -22.1, 32.9),
}
