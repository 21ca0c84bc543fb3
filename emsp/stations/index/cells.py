"""The columns of a segment read one value at a time: a view gives a plain number in a third of the time numpy takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

NAMES = (
    "id", "code", "version", "longitude", "latitude", "operator", "party", "country", "partner", "hours_ref",
    "facility_list",
    "source_updated_at", "as_of", "evse_start", "evse_id", "status", "status_as_of", "capability_list", "accessible",
    "connector_start", "connector_id", "standard", "format", "power_type", "power_w", "outlet", "heap", "heap_start",
    "evse_heap", "evse_heap_start",
)  # fmt: skip


class Cells:
    """Views of columns, which are only ever changed in place; `counts` has those of one station after another."""

    id: memoryview
    code: memoryview
    version: memoryview
    longitude: memoryview[float]
    latitude: memoryview[float]
    operator: memoryview
    party: memoryview
    country: memoryview
    partner: memoryview
    hours_ref: memoryview
    facility_list: memoryview
    source_updated_at: memoryview
    as_of: memoryview
    evse_start: memoryview
    evse_id: memoryview
    status: memoryview
    status_as_of: memoryview
    capability_list: memoryview
    accessible: memoryview
    connector_start: memoryview
    connector_id: memoryview
    standard: memoryview
    format: memoryview
    power_type: memoryview
    power_w: memoryview
    outlet: memoryview
    heap: memoryview
    heap_start: memoryview
    evse_heap: memoryview
    evse_heap_start: memoryview
    counts: memoryview
    as_of_delta: Callable[[int], timedelta | None]
    """Since the beginning of 1970."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        for name in NAMES:
            setattr(self, name, memoryview(columns[name]))
        self.counts = memoryview(columns["counts"].reshape(-1))
        self.as_of_delta = columns["as_of"].view("m8[us]").item
