"""Objects are read as they should be written, and as they are."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from emsp.errors import Invalid
from emsp.ocpi import messages, wire
from emsp.ocpi.reading import read
from tests.ocpi import people


def location_with(**members: Any) -> messages.Location:
    return read(msgspec.json.encode(people.location(**members)), messages.Location)


def test_absent_null_and_empty_are_the_same() -> None:
    bare = location_with(evses=[])
    assert location_with(evses=None, operator=None, time_zone=None).evses in (None, [])
    assert bare.operator is None


def test_a_list_where_an_object_is_due_and_the_reverse() -> None:
    one = location_with(evses=people.evse("1"), coordinates=[{"latitude": "52.1", "longitude": "5.1"}])
    assert [evse.uid for evse in one.evses or []] == ["1"]
    assert one.coordinates.latitude == 52.1


def test_numbers_as_texts_and_texts_as_numbers() -> None:
    one = location_with(
        id=17,
        coordinates={"latitude": 52.1, "longitude": "5.1"},
        evses=[people.evse("1", floor_level=-1, physical_reference=3, status=None)],
    )
    assert one.id == "17"
    assert one.evses
    assert (one.evses[0].floor_level, one.evses[0].physical_reference, one.evses[0].status) == ("-1", "3", "UNKNOWN")


def test_amounts_keep_every_digit() -> None:
    body = msgspec.json.encode(people.tariff()).replace(b"0.25", b'"0.1000000000000000000000001"')
    assert read(body, messages.Tariff).elements[0].price_components[0].price == Decimal("0.1000000000000000000000001")
    body = msgspec.json.encode(people.tariff()).replace(b"0.25", b"4.10")
    assert str(read(body, messages.Tariff).elements[0].price_components[0].price) == "4.10"


def test_what_nobody_knows_is_not_in_the_way() -> None:
    assert location_with(novelty={"deep": [1, 2]}, evses=[people.evse("1", status="HOVERING")]).id == "LOC1"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"coordinates": {"latitude": "north"}}, "coordinates.latitude: Expected float, got str"),
        ({"evses": [{"evse_id": "no uid"}]}, "evses[0]: Object missing required field uid"),
        ({"last_updated": "soon"}, "last_updated: Invalid RFC3339 encoded datetime"),
    ],
)
def test_what_cannot_be_read_names_the_field(members: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as refused:
        location_with(**members)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-01T10:00:00Z", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T10:00:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01 10:00:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T10:00Z", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T10:00:00.2Z", datetime(2026, 6, 1, 10, 0, 0, 200_000, tzinfo=UTC)),
        ("2026-06-01T10:00:00.123456789Z", datetime(2026, 6, 1, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-06-01T12:00:00+02:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T12:00:00+0200", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("1970-1-1T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_in_every_form_that_was_seen(text: str, moment: datetime) -> None:
    assert wire.moment(text) == moment


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "10:00", "2026-06-01T10:00:00 Europe"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        wire.moment(text)


def test_numbers_are_written_as_they_were_read() -> None:
    assert wire.encode(wire.decode(b'{"price":4.10,"n":3}')) == b'{"price":4.10,"n":3}'
