"""Ids are opaque and typed, and what is none is simply not there."""

from uuid import UUID

import pytest

from emsp.errors import NotFound
from emsp.graphql import ids

KEY = UUID("5f0c8a52-0c8f-4a9b-9a41-6f3a3f7f8b11")


def test_that_an_id_is_read_back_as_what_it_was_made_of() -> None:
    assert ids.number_of(ids.encode("Station", 42), "Station") == 42
    assert ids.uuid_of(ids.encode("Receipt", KEY), "Receipt") == KEY
    assert ids.decode(ids.encode("FleetBill", KEY, "2026-06", "EUR")) == ("FleetBill", f"{KEY}:2026-06:EUR")


def test_that_an_id_needs_no_escaping_in_a_url() -> None:
    assert set("=+/&?") & set("".join(ids.encode("Station", number) for number in range(1000))) == set()


@pytest.mark.parametrize("text", ["", "x", "Station:42", "====", "U3RhdGlvbg", "ÄÖ", "\x00", "////", "a" * 10_000])
def test_that_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        ids.number_of(text, "Station")


def test_that_an_id_of_another_type_is_not_found() -> None:
    with pytest.raises(NotFound):
        ids.number_of(ids.encode("Evse", 42), "Station")


@pytest.mark.parametrize("key", ["", "-1", "1.5", "٤٢", "9223372036854775808", "9" * 5000, str(KEY)])
def test_that_a_key_that_is_no_number_of_the_database_is_not_found(key: str) -> None:
    with pytest.raises(NotFound):
        ids.number_of(ids.encode("Station", key), "Station")


@pytest.mark.parametrize("key", ["", "42", f"{KEY}0", "{}"])
def test_that_a_key_that_is_no_uuid_is_not_found(key: str) -> None:
    with pytest.raises(NotFound):
        ids.uuid_of(ids.encode("Receipt", key), "Receipt")
