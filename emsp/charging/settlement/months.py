"""Calendar months, as people write them: YYYY-MM."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from emsp.errors import Invalid

WRITTEN = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class Month(NamedTuple):
    """A month of a year."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Month:
        """The month of a day, or of a moment in the zone that it is given in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """From YYYY-MM. Raises Invalid."""
        found = WRITTEN.fullmatch(text.strip())
        if found is None or int(found[1]) == 0:
            raise Invalid(f"{text!r} is no month: YYYY-MM, such as 2026-05", "month")
        return cls(int(found[1]), int(found[2]))

    @property
    def before(self) -> Month:
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def next(self) -> Month:
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    def bounds(self, time_zone: str) -> tuple[datetime, datetime]:
        """Its first moment in a time zone, and that of the month after it."""
        zone = ZoneInfo(time_zone)
        following = self.next
        return datetime(self.year, self.number, 1, tzinfo=zone), datetime(
            following.year, following.number, 1, tzinfo=zone
        )

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
