"""Changes of sessions while a charge runs (chapter Sessions, receiver interface); the rest is `whole`."""

from __future__ import annotations

from typing import Any

from emsp.ocpi.door import Call, Given
from emsp.ocpi.keep.objects import Json, merged
from emsp.ocpi.serve import whole

PERIODS = "charging_periods"


async def patch(call: Call) -> Given:
    """PATCH sessions/{country_code}/{party_id}/{session_id}; charging periods are added to those that are known."""
    return await whole.patch(call, with_changes)


def with_changes(known: Json, changes: Json) -> Json:
    """A session after a PATCH. A period replaces the known one with the same start: a repeat adds nothing."""
    if not changes.get(PERIODS):
        return merged(known, {name: value for name, value in changes.items() if name != PERIODS})
    added = changes[PERIODS] if isinstance(changes[PERIODS], list) else [changes[PERIODS]]
    periods = {_start(period): period for period in [*(known.get(PERIODS) or []), *added]}
    return merged(known, {**changes, PERIODS: list(periods.values())})


def _start(period: Any) -> str:
    return str(period.get("start_date_time")) if isinstance(period, dict) else repr(period)
