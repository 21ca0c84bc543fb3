"""What was seen of stations over time: how busy, how reliable, and what there is to doubt."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp import clock
from emsp.graphql.fields import value
from emsp.graphql.words import Weekday
from emsp.stations.history import read
from emsp.stations.history.share import Share as Counted

WEEKDAYS = list(Weekday)
HOURS = [(weekday, hour) for weekday in WEEKDAYS for hour in range(24)]
STANDS_BESIDE = {"FAILED_STARTS": "AVAILABLE", "STUCK": "CHARGING"}
"""The status that is doubted: beside another one there is nothing to doubt."""


@strawberry.type(
    description="A share of what was counted, from 0 to 1. The fewer were counted, the wider is the interval in which"
    " the true one lies with a probability of 95 % (Wilson)."
)
class Share:
    value: float = field(description="The share that was counted.")
    lowest: float = field(description="The lower end of the interval.")
    highest: float = field(description="The upper end of the interval.")
    sample_size: int = field(description="Of how many.")


@strawberry.type(description="An hour of the week, by the clock of the station.")
class OccupancyHour:
    weekday: Weekday = field(description="The day.")
    hour: int = field(description="The hour of the day, 0 to 23, at which it begins.")
    occupied: Share | None = field(
        description="Which share of its charge points was in use or blocked, counted in hours of charge points; null"
        " when too little was seen of this hour."
    )


@strawberry.type(description="How busy a station usually is, as we saw it.")
class Occupancy:
    hours: list[OccupancyHour] = field(description="The 168 hours of a week, from Monday 0:00 on.")
    since: datetime = field(description="Since when the station was seen.")
    until: datetime = field(description="Until when what was seen is counted in.")


@strawberry.type(description="How often charges that were asked for by app came to something, with all drivers.")
class Reliability:
    started: Share = field(
        description="The share of them that began, and went on until somebody ended them. Those that failed for"
        " another reason than the charge point are not counted: a payment, a car that was never plugged in."
    )
    since: datetime = field(description="Since when they are counted.")
    last_charge_at: datetime | None = field(description="When the last one began that worked; null when none did.")


@strawberry.enum(description="Why one may doubt what the operator says of a charge point.")
class DoubtReason(Enum):
    FAILED_STARTS = value("FAILED_STARTS", "It is said to be free, and several starts in a row failed there.")
    STUCK = value("STUCK", "It is said to be in use without a break for days.")


@strawberry.type(description="A reason to doubt what the operator says of a charge point.")
class Doubt:
    reason: DoubtReason = field(description="The reason.")
    failed_starts: int | None = field(description="How many starts failed in a row; null for another reason.")
    duration_s: int | None = field(description="For how many seconds it is said to be in use; null for another reason.")
    since: datetime = field(description="Since the first of these starts, or since it is said to be in use.")


def occupancy_of(found: read.Occupancy) -> Occupancy:
    """How busy a station is, as the schema shows it."""
    hours = [
        OccupancyHour(weekday=weekday, hour=hour, occupied=_share(share) if share else None)
        for (weekday, hour), share in zip(HOURS, found.hours, strict=True)
    ]
    return Occupancy(hours=hours, since=found.since, until=found.until)


def reliability_of(found: read.Reliability) -> Reliability:
    """How reliable a station is, as the schema shows it."""
    return Reliability(started=_share(found.worked), since=found.since, last_charge_at=found.last_charge_at)


def doubt_of(found: read.DoubtShown, status: str) -> Doubt | None:
    """A doubt as the schema shows it beside a status; None when it is not of that status."""
    if STANDS_BESIDE[found.reason] != status:
        return None
    is_start = found.reason == "FAILED_STARTS"
    return Doubt(
        reason=DoubtReason(found.reason.value),
        failed_starts=found.evidence if is_start else None,
        duration_s=None if is_start else int((clock.now() - found.since).total_seconds()),
        since=found.since,
    )


def _share(counted: Counted) -> Share:
    return Share(value=counted.value, lowest=counted.lowest, highest=counted.highest, sample_size=counted.sample)
