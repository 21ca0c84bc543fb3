"""When a station can be reached."""

from datetime import datetime

import strawberry
from strawberry import field

from emsp.graphql.words import Weekday
from emsp.stations import opening, tables
from emsp.stations.index.records import StationRecord

WEEKDAYS = list(Weekday)


@strawberry.type(description="Open on a day of every week, by the clock of the station.")
class RegularHours:
    weekday: Weekday = field(description="The day.")
    opens_at: str = field(description="From this time, as HH:MM.")
    closes_at: str = field(description="Until this time, as HH:MM; on the next day when it is before `opensAt`.")


@strawberry.type(description="Once, from one moment to another.")
class ExceptionalPeriod:
    begins: datetime = field(name="from", description="From this moment.")
    until: datetime = field(description="Until this moment.")


@strawberry.type(description="When a station can be reached; what is not stated is not known.")
class OpeningHours:
    twenty_four_seven: bool | None = field(description="Whether it is always open; null when that is not known.")
    regular: list[RegularHours] = field(description="Every week; empty when it is always open or not known.")
    exceptional_openings: list[ExceptionalPeriod] = field(description="Also open then.")
    exceptional_closings: list[ExceptionalPeriod] = field(description="Closed then, whatever else is said.")


def opening_hours_of(station: tables.Station | StationRecord) -> OpeningHours:
    """The opening hours of a station as the schema shows them."""
    hours = opening.read(station.opening_hours) or opening.OpeningHours()
    return OpeningHours(
        twenty_four_seven=opening.is_always_open(station.twenty_four_seven, station.opening_hours),
        regular=[
            RegularHours(
                weekday=WEEKDAYS[regular.weekday - 1], opens_at=regular.period_begin, closes_at=regular.period_end
            )
            for regular in hours.regular_hours
        ],
        exceptional_openings=_periods(hours.exceptional_openings),
        exceptional_closings=_periods(hours.exceptional_closings),
    )


def _periods(periods: list[opening.ExceptionalPeriod]) -> list[ExceptionalPeriod]:
    return [ExceptionalPeriod(begins=period.period_begin, until=period.period_end) for period in periods]
