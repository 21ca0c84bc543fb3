"""Objects are read as they should be written, and as they are."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words import messages
from emsp.ocpi.words.reading import read
from tests.ocpi import people

LIMITED_AFTER_TAXES = people.tariff(min_price={"before_taxes": None, "after_taxes": 5})


def location_with(**members: Any) -> messages.Location:
    return read(msgspec.json.encode(people.location(**members)), messages.Location)


def test_absent_null_and_empty_are_the_same() -> None:
    bare = location_with(evses=[])
    assert location_with(evses=None, operator=None, time_zone=None).evses in (None, [])
    assert bare.operator is None


def test_an_optional_object_that_says_nothing_is_absent() -> None:
    logo = {"url": None, "width": None}
    empty: list[Any] = []
    hours = {"twentyfourseven": None, "regular_hours": empty}
    one = location_with(operator={"name": None, "website": None, "logo": logo}, opening_times=hours)
    assert (one.operator, one.opening_times) == (None, None)

    hollow = {"before_taxes": None, "after_taxes": None}
    priced = read(msgspec.json.encode(people.tariff(min_price=hollow, max_price={"before_taxes": 9})), messages.Tariff)
    assert (priced.min_price, priced.max_price) == (None, messages.PriceLimit(before_taxes=Decimal(9)))

    said = b'{"result": "ACCEPTED", "timeout": 30, "message": {"language": null, "text": null}}'
    assert read(said, messages.CommandOutcome) == messages.CommandOutcome(result="ACCEPTED", timeout=30)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"total_cost": {"before_taxes": None, "taxes": None}}, "total_cost.before_taxes: Expected decimal, got null"),
        ({"tariffs": [{}]}, "tariffs[0]: Object missing required field id"),
        ({"tariffs": [LIMITED_AFTER_TAXES]}, "tariffs[0].min_price.before_taxes: Expected decimal, got null"),
    ],
)
def test_a_hollow_object_where_one_is_required_is_not_read(members: dict[str, Any], message: str) -> None:
    cdr = people.cdr(**{"total_cost": {"before_taxes": 1}, **members})
    with pytest.raises(Invalid) as refused:
        read(msgspec.json.encode(cdr), messages.Cdr)
    assert message in str(refused.value)


def test_taxes_that_are_null_are_unknown_and_those_that_are_absent_are_none() -> None:
    for net in (b"4", b'"4"'):
        assert read(b'{"before_taxes": %b, "taxes": null}' % net, messages.Price).taxes is None
        assert read(b'{"before_taxes": %b}' % net, messages.Price).taxes == []


def test_a_bare_text_where_one_with_a_language_is_due() -> None:
    said = b'{"result": "REJECTED", "message": "The cable is locked"}'
    assert read(said, messages.CommandOutcome).message == [messages.DisplayText("The cable is locked")]
    said = b'{"result": "REJECTED", "message": {"language": "en", "text": "The cable is locked"}}'
    assert read(said, messages.CommandOutcome).message == [messages.DisplayText("The cable is locked", "en")]


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


NO_TIMES = ["", "soon", "2026-13-01T00:00:00Z", "10:00", "2026-06-01T10:00:00 Europe", "0001-01-01T00:00:00+14:00"]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        wire.moment(text)


@pytest.mark.parametrize(
    ("field", "number"),
    [
        *(
            ("price", number)
            for number in ("1e999999999", '"1e999999999"', '"1e9_9"', "-1e400", "0e999999", "1e-999999")
        ),
        *(("price", number) for number in ('"NaN"', '" sNaN"', '"Infinity"', "9999999999999999")),
        *(("step_size", number) for number in ("1e999999999", '"1e999999999"', '"NaN"', "9999999999999999")),
    ],
)
def test_numbers_that_nothing_amounts_to_are_refused_before_they_are_reckoned_with(field: str, number: str) -> None:
    component = {"type": "FLAT", "price": 1, field: 7777}
    whole = {"id": "T", "currency": "EUR", "elements": [{"price_components": [component]}]}
    body = msgspec.json.encode(whole).replace(b"7777", number.encode())
    with pytest.raises(Invalid, match=rf"^elements\[0\]\.price_components\[0\]\.{field}: "):
        read(body, messages.Tariff)


def test_numbers_are_written_as_they_were_read() -> None:
    assert wire.encode(wire.decode(b'{"price":4.10,"n":3}')) == b'{"price":4.10,"n":3}'
