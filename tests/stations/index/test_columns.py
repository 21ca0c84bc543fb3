"""Columns, Morton codes and code books."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emsp.graphql import words
from emsp.stations.facts import EVSE_STATUSES
from emsp.stations.index import codes, morton
from emsp.stations.index.columns import NEVER, Segment, merged

SIDES = st.integers(0, morton.SIDE - 1)


def _segment(*ids: int) -> Segment:
    """Stations at 1, 2, 3 … degrees east, each with two EVSEs, the first of which has a connector."""
    count = len(ids)
    columns: dict[str, Any] = {
        **dict.fromkeys(("latitude", "operator", "party", "country", "partner", "always_open"), np.zeros(count)),
        **dict.fromkeys(("hours_ref", "facilities", "facility_list", "source_updated_at", "version"), np.zeros(count)),
        "id": ids,
        "longitude": ids,
        "evse_id": [10 * id_ + number for id_ in ids for number in (2, 1)],
        "evse_station": [row for row in range(count) for _ in range(2)],
        "position": [1, 0] * count,
        "status": [codes.STATUSES["UNKNOWN"], codes.STATUSES["AVAILABLE"]] * count,
        "status_as_of": [99, 7] * count,
        **dict.fromkeys(("capabilities", "capability_list", "accessible"), np.zeros(2 * count)),
        "connector_id": [100 * id_ for id_ in ids],
        "connector_evse": [2 * row for row in range(count)],
        "connector_position": [0] * count,
        "power_w": [1000 * id_ for id_ in ids],
        **dict.fromkeys(
            ("standard", "format", "power_type", "outlet", "connector_capabilities"), np.zeros(count, dtype=np.uint8)
        ),
    }
    texts = {
        "heap": [b"%d" % id_ for id_ in ids],
        "evse_heap": [b"%d" % id_ for id_ in columns["evse_id"]],
        "words": [b"word%d" % id_ for id_ in ids],
    }
    return Segment.made(columns, texts, Segment.empty().books)


def test_everything_stands_in_the_order_of_the_places() -> None:
    segment = _segment(3, 1, 2)
    assert segment.id.tolist() == [1, 2, 3]
    assert segment.evse_id.tolist() == [11, 12, 21, 22, 31, 32]
    assert segment.evse_start.tolist() == [0, 2, 4, 6]
    assert segment.connector_id.tolist() == [100, 200, 300]
    assert segment.connector_start.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert segment.max_power_w.tolist() == [1000, 2000, 3000]
    assert segment.heap.tobytes() == b"123"
    assert segment.evse_heap.tobytes() == b"111221223132"


def test_what_is_not_known_is_counted_and_has_no_time() -> None:
    segment = _segment(1)
    assert dict(zip(codes.COUNTED, segment.counts[0].tolist(), strict=True)) == {
        "available": 1,
        "occupied": 0,
        "reserved": 0,
        "out_of_service": 0,
        "unknown": 1,
        "total": 2,
    }
    assert segment.as_of.tolist() == [7]
    segment.status[:] = codes.STATUSES["UNKNOWN"]
    segment.count_again([0])
    assert segment.counts.tolist() == [[0, 0, 0, 0, 2, 2]]
    assert segment.as_of.tolist() == [NEVER]


def test_rows_are_found_by_ids_while_they_are_alive() -> None:
    segment = _segment(5, 7, 6)
    assert segment.id[segment.rows_of([7, 99, 5])].tolist() == [7, 5]
    segment.alive[segment.rows_of([5])] = False
    assert segment.row_of(5) is None
    assert Segment.empty().row_of(5) is None


def test_segments_are_merged_to_one() -> None:
    one, other = _segment(1, 3), _segment(2, 3)
    one.alive[0] = False
    whole = merged([one, other], without=[[3], []])
    assert whole.id.tolist() == [2, 3]
    assert whole.evse_id.tolist() == [21, 22, 31, 32]
    assert whole.words.tobytes() == b"word2word3"


@given(SIDES, SIDES)
def test_a_code_is_column_and_row(x: int, y: int) -> None:
    code = morton.interleave(x, y)
    assert tuple(int(part) for part in morton.deinterleave(code)) == (x, y)
    assert int(code) >> 60 == (y >> 30) * 2 + (x >> 30)


def test_every_word_of_the_schema_has_a_code() -> None:
    assert {word.value for word in words.ConnectorStandard} == set(codes.STANDARDS)
    assert {word.value for word in words.EvseCapability} - set(codes.CAPABILITIES) <= {"UNKNOWN"}
    assert {word.value for word in words.Facility} - set(codes.FACILITIES) == {"UNKNOWN"}
    assert set(codes.STATUSES) == EVSE_STATUSES - {"REMOVED"}
