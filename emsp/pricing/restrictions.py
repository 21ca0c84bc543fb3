"""When a restriction holds, and at which moments it may begin or cease to hold.

Named policies, where the field and the specification (OCPI 2.2.1, chapter Tariffs) leave room:

* END_OF_DAY: an end of 00:00 or of 23:59 is the end of the day; 23:59 is seen everywhere and never means that
  the last minute of the day has no price.
* WHOLE_DAY: the same start and end are the whole day.
* DAY_OF_THE_MOMENT: when a window wraps past midnight, days and dates are those of the moment itself.
* WALL_CLOCK: across a change of the clocks, the time on the wall decides: a repeated hour applies twice, a
  skipped one not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from emsp.pricing.tariff import Day, Restrictions

MIDNIGHT = time(0)
DAYS = tuple(Day)


class Moment(NamedTuple):
    """Everything a restriction may ask about one moment of a session."""

    local: datetime
    elapsed_s: Decimal
    energy_wh: Decimal
    power_w: Decimal
    current_a: Decimal


def matches(restrictions: Restrictions | None, moment: Moment) -> bool:
    """True when every restriction that is set holds at the moment (`reservation` is not asked here)."""
    if restrictions is None:
        return True
    return (
        _date_matches(restrictions, moment.local)
        and _time_matches(restrictions, moment.local.time())
        and _within(moment.elapsed_s, restrictions.min_duration_s, restrictions.max_duration_s)
        and _within(moment.energy_wh, restrictions.min_energy_wh, restrictions.max_energy_wh)
        and _within(moment.power_w, restrictions.min_power_w, restrictions.max_power_w)
        and _within(moment.current_a, restrictions.min_current_a, restrictions.max_current_a)
    )


def ends_with_the_day(end_time: time) -> bool:
    """True for the two ways of writing the end of a day (policy END_OF_DAY)."""
    return end_time == MIDNIGHT or (end_time.hour, end_time.minute) == (23, 59)


def covers_whole_day(restrictions: Restrictions) -> bool:
    """True when the time of day does not restrict anything."""
    start, end = restrictions.start_time or MIDNIGHT, restrictions.end_time
    return start == end or (start == MIDNIGHT and (end is None or ends_with_the_day(end)))


def instants_of_change(
    restrictions: Iterable[Restrictions], start: datetime, end: datetime, zone: ZoneInfo
) -> list[datetime]:
    """Moments between start and end, in order, at which a clock, date, day or duration restriction may turn.

    More may be named than truly matter: the caller looks whether anything changed there.
    """
    found = list(restrictions)
    elapsed = {s for r in found for s in (r.min_duration_s, r.max_duration_s) if s}
    instants = {start + timedelta(seconds=s) for s in elapsed}
    walls = _wall_times(found)
    if walls:
        instants.update(_instants_of_walls(walls, start.astimezone(zone), end.astimezone(zone), zone))
    return sorted(i for i in instants if start < i < end)


def energies_of_change(restrictions: Iterable[Restrictions]) -> list[Decimal]:
    """Amounts of energy (Wh), in order, at which a restriction turns."""
    return sorted({e for r in restrictions for e in (r.min_energy_wh, r.max_energy_wh) if e is not None})


def _within(value: Decimal, least: Decimal | int | None, below: Decimal | int | None) -> bool:
    return (least is None or value >= least) and (below is None or value < below)


def _date_matches(restrictions: Restrictions, local: datetime) -> bool:
    if restrictions.start_date is not None and local.date() < restrictions.start_date:
        return False
    if restrictions.end_date is not None and local.date() >= restrictions.end_date:
        return False
    return not restrictions.days_of_week or DAYS[local.weekday()] in restrictions.days_of_week


def _time_matches(restrictions: Restrictions, wall: time) -> bool:
    if restrictions.start_time is None and restrictions.end_time is None:
        return True
    start, end = restrictions.start_time or MIDNIGHT, restrictions.end_time
    if start == end:
        return True
    if end is None or ends_with_the_day(end):
        return wall >= start
    return start <= wall < end if start < end else wall >= start or wall < end


def _wall_times(restrictions: Iterable[Restrictions]) -> set[time]:
    walls: set[time] = set()
    for r in restrictions:
        if r.start_time or r.end_time or r.start_date or r.end_date or r.days_of_week:
            walls.update((MIDNIGHT, r.start_time or MIDNIGHT, r.end_time or MIDNIGHT))
    return walls


def _instants_of_walls(walls: set[time], start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    clocks_change = start.utcoffset() != end.utcoffset()
    if clocks_change:
        yield _change_of_clocks(start.astimezone(UTC), end.astimezone(UTC), zone)
    for day in range((end.date() - start.date()).days + 1):
        date = start.date() + timedelta(days=day)
        for wall in walls:
            yield datetime.combine(date, wall, zone).astimezone(UTC)
            if clocks_change:
                yield datetime.combine(date, wall.replace(fold=1), zone).astimezone(UTC)


def _change_of_clocks(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first moment with the later offset, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
