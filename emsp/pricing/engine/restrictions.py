"""When a restriction holds, and at which moments it may begin or cease to hold.

Named policies, where the field and the specification (OCPI 2.2.1, chapter Tariffs) leave room:

* END_OF_DAY: an end of 00:00 or of 23:59 is the end of the day; 23:59 is seen everywhere and never means that
  the last minute of the day has no price.
* WHOLE_DAY: the same start and end are the whole day.
* DAY_OF_THE_MOMENT: when a window wraps past midnight, days and dates are those of the moment itself (or of its
  start, by an agreement: `policies.NightWindows`).
* WALL_CLOCK: across a change of the clocks, the time on the wall decides: a repeated hour applies twice, a
  skipped one not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from emsp.pricing.engine.policies import NightWindows
from emsp.pricing.engine.tariff import Day, Restrictions

MIDNIGHT = time(0)
DAYS = tuple(Day)
ONE_DAY = timedelta(days=1)


class Moment(NamedTuple):
    """Everything a restriction may ask about one moment of a session."""

    local: datetime
    elapsed_s: Decimal
    energy_wh: Decimal
    power_w: Decimal
    current_a: Decimal


class Turns(NamedTuple):
    """Where restrictions may begin or cease to hold: times of day, durations, and amounts in ascending order."""

    walls: frozenset[time]
    durations_s: list[Decimal]
    energies_wh: list[Decimal]
    powers_w: list[Decimal]
    currents_a: list[Decimal]


def matches(
    restrictions: Restrictions | None,
    moment: Moment,
    night_windows: NightWindows = NightWindows.DAY_OF_THE_MOMENT,
) -> bool:
    """True when every restriction that is set holds at the moment (`reservation` is not asked here)."""
    if restrictions is None:
        return True
    return (
        _day_matches(restrictions, moment.local, night_windows)
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


NO_TURNS = Turns(frozenset(), [], [], [], [])


def turns_of(found: Sequence[Restrictions]) -> Turns:
    """Everything at which one of the restrictions may turn."""
    if not found:
        return NO_TURNS
    return Turns(
        _wall_times(found),
        _ascending((r.min_duration_s, r.max_duration_s) for r in found),
        _ascending((r.min_energy_wh, r.max_energy_wh) for r in found),
        _ascending((r.min_power_w, r.max_power_w) for r in found),
        _ascending((r.min_current_a, r.max_current_a) for r in found),
    )


def instants_of_change(turns: Turns, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Moments between start and end, in order, at which a clock, date, day or duration restriction may turn.

    More may be named than truly matter: the caller looks whether anything changed there.
    """
    if not turns.durations_s and not turns.walls:
        return []
    instants = {start + timedelta(seconds=int(seconds)) for seconds in turns.durations_s}
    if turns.walls:
        instants.update(_changes_of_clocks(start, end, zone))
        instants.update(
            _instants_of_walls(turns.walls, start.astimezone(zone).date(), end.astimezone(zone).date(), zone)
        )
    return sorted(i for i in instants if start < i < end)


def _ascending(limits: Iterable[tuple[Decimal | int | None, Decimal | int | None]]) -> list[Decimal]:
    """Minima and maxima; a minimum of nothing always holds, so that nothing turns there."""
    least_and_below = list(limits)
    found = {least for least, _ in least_and_below if least} | {b for _, b in least_and_below if b is not None}
    return sorted(Decimal(limit) for limit in found)


def _within(value: Decimal, least: Decimal | int | None, below: Decimal | int | None) -> bool:
    return (least is None or value >= least) and (below is None or value < below)


def _day_asked(restrictions: Restrictions, local: datetime, night_windows: NightWindows) -> date:
    """The local day, or that on which the night began, if the window wraps and the agreement says so."""
    if night_windows is NightWindows.DAY_OF_THE_MOMENT:
        return local.date()
    start, end = restrictions.start_time or MIDNIGHT, restrictions.end_time or MIDNIGHT
    return local.date() - ONE_DAY if local.time() < end < start and not ends_with_the_day(end) else local.date()


def _day_matches(restrictions: Restrictions, local: datetime, night_windows: NightWindows) -> bool:
    if restrictions.start_date is None and restrictions.end_date is None and not restrictions.days_of_week:
        return True
    day = _day_asked(restrictions, local, night_windows)
    if restrictions.start_date is not None and day < restrictions.start_date:
        return False
    if restrictions.end_date is not None and day >= restrictions.end_date:
        return False
    return not restrictions.days_of_week or DAYS[day.weekday()] in restrictions.days_of_week


def _time_matches(restrictions: Restrictions, wall: time) -> bool:
    if restrictions.start_time is None and restrictions.end_time is None:
        return True
    start, end = restrictions.start_time or MIDNIGHT, restrictions.end_time
    if start == end:
        return True
    if end is None or ends_with_the_day(end):
        return wall >= start
    return start <= wall < end if start < end else wall >= start or wall < end


def _wall_times(restrictions: Iterable[Restrictions]) -> frozenset[time]:
    walls: set[time] = set()
    for r in restrictions:
        if r.start_time or r.end_time or r.start_date or r.end_date or r.days_of_week:
            walls.update((MIDNIGHT, r.start_time or MIDNIGHT, r.end_time or MIDNIGHT))
    return frozenset(walls)


def _instants_of_walls(walls: Iterable[time], first: date, last: date, zone: ZoneInfo) -> Iterator[datetime]:
    """When each wall shows on each day, twice where the clock is put back over it."""
    for day in range((last - first).days + 1):
        for wall in walls:
            at = datetime.combine(first + timedelta(days=day), wall, zone)
            again = at.replace(fold=1)
            yield at.astimezone(UTC)
            if again.utcoffset() != at.utcoffset():
                yield again.astimezone(UTC)


def _changes_of_clocks(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The first moments with another offset than before, to the second; no zone changes twice in a day."""
    low = start.astimezone(UTC)
    while low < end:
        high = min(low + ONE_DAY, end.astimezone(UTC))
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            yield _change_of_clocks(low, high, zone)
        low = high


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
