"""What happens to stations, as events; the timetable says which jobs follow each."""

from __future__ import annotations

from dataclasses import dataclass

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class StationsReported(Event):
    """These stations are new, gone, or no longer what they were; not told where only statuses changed."""

    station_ids: list[int]

    @property
    def lock(self) -> str:
        return "stations reported"
