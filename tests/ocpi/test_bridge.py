"""Every version is understood as the newest, and spoken to in its own words."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words import bridge

NUMBERS = st.integers(-9999, 9999) | st.decimals(-9999, 9999, places=4)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.sampled_from(["4.00", "HUB", "", "1e999999999"])
KNOWN_NAMES = sorted(
    {
        "auth_id",
        "cdr_token",
        "connectors",
        "country_code",
        "energy_mix",
        "environ_impact",
        "evses",
        "excl_vat",
        "incl_vat",
        "location",
        "min_price",
        "party_id",
        "roles",
        "start_datetime",
        "tariff_id",
        "tariffs",
        "taxes",
        "total_cost",
        "type",
        "voltage",
    }
)
NAMES = st.sampled_from(KNOWN_NAMES) | st.text("xyz", min_size=1, max_size=3)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5))
MODULES = st.sampled_from(
    ["locations", "tariffs", "sessions", "cdrs", "tokens", "credentials", "commands", "hubclientinfo"]
)
VERSIONS = st.sampled_from(["2.1.1", "2.2.1", "2.3.0"])


def parsed(value: Any) -> Any:
    """As it comes off the wire, fractions as Decimals."""
    return wire.decode(wire.encode(value))


@settings(deadline=None)
@given(MODULES, VERSIONS, ANYTHING)
def test_that_whatever_comes_is_raised_without_an_error_or_a_change_to_it(
    module: str, version: str, value: Any
) -> None:
    before = copy.deepcopy(value)
    lifted = bridge.lift(module, version, value, ("NL", "ABC"))
    assert value == before
    assert isinstance(lifted, dict) == isinstance(value, dict)


@settings(deadline=None)
@given(MODULES, VERSIONS, st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_that_members_that_nobody_knows_stay(module: str, version: str, value: dict[str, Any]) -> None:
    unknown = {name: member for name, member in value.items() if name not in KNOWN_NAMES}
    assert unknown.items() <= bridge.lift(module, version, value).items()


@settings(deadline=None)
@given(MODULES, st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_that_raising_twice_is_raising_once(module: str, value: dict[str, Any]) -> None:
    for version in ("2.1.1", "2.2.1"):
        lifted = bridge.lift(module, version, value)
        assert bridge.lift(module, "2.3.0", lifted) == lifted
        assert bridge.lift(module, "2.2.1", lifted) == lifted


PLACE = st.fixed_dictionaries(
    {"id": st.text(max_size=3)}, optional={"evses": st.lists(st.just({"uid": "E"}), max_size=2)}
)
SESSION_MEMBERS = {
    "start_datetime": st.text(max_size=3),
    "end_datetime": st.none() | st.text(max_size=3),
    "kwh": NUMBERS,
    "auth_id": st.text(max_size=3),
    "location": PLACE,
    "total_cost": st.none() | NUMBERS,
    "status": st.text(max_size=3),
}
CONNECTOR_MEMBERS = {
    "id": st.text(max_size=3),
    "voltage": NUMBERS,
    "amperage": NUMBERS,
    "tariff_id": st.text(max_size=2),
}
NEWER_SESSION_MEMBERS = {
    "total_cost": st.none() | st.fixed_dictionaries({"excl_vat": NUMBERS}, optional={"incl_vat": st.none() | NUMBERS}),
    "kwh": NUMBERS,
}


@pytest.mark.parametrize(
    ("module", "version", "members"),
    [
        ("sessions", "2.1.1", SESSION_MEMBERS),
        ("locations", "2.1.1", CONNECTOR_MEMBERS),
        ("sessions", "2.2.1", NEWER_SESSION_MEMBERS),
    ],
)
@settings(deadline=None)
@given(data=st.data())
def test_that_a_part_means_the_same_alone_and_laid_over_the_whole(
    module: str, version: str, members: dict[str, Any], data: st.DataObject
) -> None:
    some = st.fixed_dictionaries({}, optional=members)
    known, change = data.draw(some), data.draw(some)
    apart = {**bridge.lift(module, version, known), **bridge.lift(module, version, change)}
    assert apart == bridge.lift(module, version, {**known, **change})


def test_a_location_of_the_oldest_version() -> None:
    connector = {"id": "1", "voltage": 230, "amperage": 16, "tariff_id": "T1", "terms_and_conditions": "https://t"}
    location = {"id": "L", "type": "ON_STREET", "evses": [{"uid": "1", "connectors": [connector]}], "extra": {"a": 1}}
    assert bridge.lift("locations", "2.1.1", location, ("NL", "ABC")) == {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "L",
        "parking_type": "ON_STREET",
        "evses": [
            {
                "uid": "1",
                "connectors": [
                    {
                        "id": "1",
                        "max_voltage": 230,
                        "max_amperage": 16,
                        "tariff_ids": ["T1"],
                        "terms_and_conditions": "https://t",
                    }
                ],
            }
        ],
        "extra": {"a": 1},
    }


@pytest.mark.parametrize(
    ("part", "lifted"),
    [
        ({"tariff_id": "T2"}, {"tariff_ids": ["T2"]}),
        ({"tariff_id": None}, {"tariff_ids": []}),
        ({"voltage": "400"}, {"max_voltage": "400"}),
        ({"status": "CHARGING"}, {"status": "CHARGING"}),
        (
            {"energy_mix": {"environ_impact": [{"source": "CARBON_DIOXIDE", "amount": 3}]}},
            {"energy_mix": {"environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 3}]}},
        ),
    ],
)
def test_parts_of_locations_of_the_oldest_version_at_any_depth(part: dict[str, Any], lifted: dict[str, Any]) -> None:
    assert bridge.lift("locations", "2.1.1", part) == lifted


def test_an_owner_is_put_where_none_is_named_and_nowhere_else() -> None:
    assert bridge.lift("tokens", "2.3.0", {"uid": "1"}, ("NL", "ABC")) == {
        "uid": "1",
        "country_code": "NL",
        "party_id": "ABC",
    }
    named = {"uid": "1", "country_code": "DE", "party_id": "XYZ"}
    assert bridge.lift("tokens", "2.3.0", named, ("NL", "ABC")) == named
    assert bridge.lift("hubclientinfo", "2.2.1", {"role": "CPO"}, ("NL", "ABC")) == {"role": "CPO"}


def test_a_session_of_the_oldest_version_keeps_its_location_beside_the_ids_in_it() -> None:
    location = {"id": "L", "evses": [{"uid": "E", "connectors": [{"id": "1"}]}]}
    session = {"id": "S", "start_datetime": "T0", "auth_id": "C", "location": location, "total_cost": 4}
    assert bridge.lift("sessions", "2.1.1", session) == {
        "id": "S",
        "start_date_time": "T0",
        "cdr_token": {"contract_id": "C"},
        "location": location,
        "location_id": "L",
        "evse_uid": "E",
        "connector_id": "1",
        "total_cost": {"before_taxes": 4, "taxes": None},
    }


@pytest.mark.parametrize("evses", [[], None, [{"uid": "E1"}, {"uid": "E2"}], "E1"])
def test_that_nobody_guesses_which_of_several_charge_points_was_used(evses: Any) -> None:
    lifted = bridge.lift("sessions", "2.1.1", {"location": {"id": "L", "evses": evses}})
    assert (lifted["location_id"], lifted["evse_uid"], lifted["connector_id"]) == ("L", None, None)


def test_a_cdr_of_the_oldest_version() -> None:
    connector = {"id": "1", "standard": "CHADEMO", "format": "CABLE", "power_type": "DC"}
    evses = [{"uid": "E", "evse_id": "NL*ABC*E1", "connectors": [connector]}]
    tariff = {"id": "T", "currency": "EUR", "elements": [{"price_components": [{"type": "TIME", "price": "2.00"}]}]}
    cdr = {
        "stop_date_time": "T1",
        "location": {"id": "L", "city": "Gent", "evses": evses},
        "tariffs": [tariff],
        "charging_periods": [{"dimensions": [{"type": "FLAT", "volume": 1}]}],
        "total_cost": "4.00",
    }
    lifted = bridge.lift("cdrs", "2.1.1", cdr)
    assert lifted == {
        "end_date_time": "T1",
        "cdr_location": {
            "id": "L",
            "city": "Gent",
            "evses": evses,
            "evse_uid": "E",
            "evse_id": "NL*ABC*E1",
            "connector_id": "1",
            "connector_standard": "CHADEMO",
            "connector_format": "CABLE",
            "connector_power_type": "DC",
        },
        "tariffs": [{"tax_included": "NO", **tariff}],
        "charging_periods": cdr["charging_periods"],
        "total_cost": {"before_taxes": "4.00", "taxes": None},
    }


@pytest.mark.parametrize(
    ("price", "lifted"),
    [
        ({"excl_vat": 4, "incl_vat": 4.84}, {"before_taxes": 4, "taxes": [{"name": "VAT", "amount": 0.84}]}),
        ({"excl_vat": "4", "incl_vat": "4"}, {"before_taxes": "4", "taxes": [{"name": "VAT", "amount": 0}]}),
        ({"excl_vat": 4}, {"before_taxes": 4, "taxes": None}),
        ({"excl_vat": 4, "incl_vat": None}, {"before_taxes": 4, "taxes": None}),
        ({"excl_vat": 4, "incl_vat": "much"}, {"before_taxes": 4, "taxes": "much"}),
        ({"before_taxes": 4}, {"before_taxes": 4}),
        ({"excl_vat": 4, "note": "x"}, {"before_taxes": 4, "taxes": None, "note": "x"}),
        (None, None),
        (4, 4),
    ],
)
def test_money_with_vat_becomes_money_with_taxes(price: Any, lifted: Any) -> None:
    names = ("total_cost", "total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost")
    for name in (*names, "total_reservation_cost"):
        assert bridge.lift("cdrs", "2.2.1", parsed({name: price})) == parsed({name: lifted})
    assert bridge.lift("sessions", "2.2.1", parsed({"total_cost": price})) == parsed({"total_cost": lifted})


def test_the_limits_of_a_tariff_and_its_tax() -> None:
    tariff = {"min_price": {"excl_vat": 1, "incl_vat": 1.21}, "max_price": {"excl_vat": 9}}
    lifted = {
        "tax_included": "NO",
        "min_price": {"before_taxes": 1, "after_taxes": 1.21},
        "max_price": {"before_taxes": 9},
    }
    assert bridge.lift("tariffs", "2.2.1", tariff) == lifted
    assert bridge.lift("cdrs", "2.2.1", {"tariffs": [tariff, "T2"]}) == {"tariffs": [lifted, "T2"]}


def test_credentials_of_one_party_and_of_a_hub() -> None:
    alone = {"token": "t", "url": "u", "party_id": "ABC", "country_code": "NL", "business_details": {"name": "A"}}
    role = {"role": "CPO", "party_id": "ABC", "country_code": "NL", "business_details": {"name": "A"}}
    assert bridge.lift("credentials", "2.1.1", alone) == {"token": "t", "url": "u", "roles": [role]}
    hub = {"token": "t", "url": "u", "roles": [{"role": "HUB", "party_id": "HUB", "country_code": "DE"}]}
    assert bridge.lift("credentials", "2.2.1", hub) == {**hub, "hub_party_id": "DEHUB"}
    assert bridge.lift("credentials", "2.3.0", hub) == hub


def test_only_as_far_as_wanted() -> None:
    assert bridge.lift("cdrs", "2.1.1", {"total_cost": 4}, to="2.2.1") == {"total_cost": {"excl_vat": 4}}
    assert bridge.lift("cdrs", "2.1.1", {"total_cost": 4}, to="2.1.1") == {"total_cost": 4}


def test_that_what_does_not_differ_is_read_as_it_is() -> None:
    assert not any(bridge.needs_lift(module, "2.3.0") for module in ("locations", "tariffs", "cdrs", "credentials"))
    assert not any(
        bridge.needs_lift(module, "2.2.1") for module in ("locations", "tokens", "hubclientinfo", "commands")
    )
    assert all(bridge.needs_lift(module, "2.2.1") for module in ("tariffs", "sessions", "cdrs", "credentials"))
    assert all(bridge.needs_lift(module, "2.1.1") for module in ("locations", "tokens", "tariffs", "sessions", "cdrs"))


@pytest.mark.parametrize(
    ("module", "version", "fault", "told"),
    [
        ("cdrs", "2.2.1", ("null", "total_cost.before_taxes"), "total_cost.excl_vat: null"),
        ("tariffs", "2.2.1", ("missing field before_taxes", "min_price"), "min_price: missing field excl_vat"),
        ("cdrs", "2.3.0", ("null", "total_cost.before_taxes"), "total_cost.before_taxes: null"),
        ("sessions", "2.1.1", ("missing field start_date_time", ""), "missing field start_datetime"),
        (
            "sessions",
            "2.1.1",
            ("odd", "charging_periods[0].start_date_time"),
            "charging_periods[0].start_date_time: odd",
        ),
        ("cdrs", "2.1.1", ("is before start_date_time", "end_date_time"), "stop_date_time: is before start_date_time"),
        ("locations", "2.1.1", ("odd", "evses[0].connectors[0].max_voltage"), "evses[0].connectors[0].voltage: odd"),
    ],
)
def test_a_fault_is_told_in_the_words_of_whoever_made_it(
    module: str, version: str, fault: tuple[str, str], told: str
) -> None:
    assert str(bridge.in_their_words(module, version, Invalid(*fault))) == told


TOKEN = {
    "country_code": "NL",
    "party_id": "EMP",
    "uid": "START1",
    "type": "APP_USER",
    "contract_id": "NLEMPC1",
    "issuer": "E",
    "group_id": "G",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": "2026-06-01T10:00:00.123Z",
}
OLD_TOKEN = {
    "uid": "START1",
    "type": "OTHER",
    "auth_id": "NLEMPC1",
    "issuer": "E",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": "2026-06-01T10:00:00Z",
}


def test_a_token_in_the_words_of_each_version() -> None:
    assert bridge.lower("token", "2.1.1", TOKEN) == OLD_TOKEN
    assert bridge.lower("token", "2.1.1", {**TOKEN, "type": "RFID"}) == {**OLD_TOKEN, "type": "RFID"}
    certificate = {**TOKEN, "type": "EMAID"}
    assert bridge.lower("token", "2.2.1", certificate) == {**TOKEN, "type": "OTHER"}
    assert bridge.lower("token", "2.3.0", certificate) == certificate


def test_an_authorization_in_the_words_of_each_version() -> None:
    info = {
        "allowed": "ALLOWED",
        "token": {**TOKEN, "type": "EMAID"},
        "authorization_reference": "R",
        "info": {"text": "x"},
    }
    assert bridge.lower("authorization_info", "2.1.1", info) == {"allowed": "ALLOWED", "info": {"text": "x"}}
    assert bridge.lower("authorization_info", "2.2.1", info) == {**info, "token": {**TOKEN, "type": "OTHER"}}
    assert bridge.lower("authorization_info", "2.3.0", info) == info


def test_a_start_in_the_oldest_words_is_known_by_its_token_alone() -> None:
    start = {
        "response_url": "u",
        "token": TOKEN,
        "location_id": "L",
        "evse_uid": "E",
        "connector_id": "1",
        "authorization_reference": "R",
    }
    old = {"response_url": "u", "token": {**OLD_TOKEN, "auth_id": "START1"}, "location_id": "L", "evse_uid": "E"}
    assert bridge.lower("start_session", "2.1.1", start) == old
    assert bridge.lower("start_session", "2.2.1", start) == start


def test_a_reservation_has_a_number_in_the_oldest_version_only() -> None:
    reserve = {
        "response_url": "u",
        "token": TOKEN,
        "expiry_date": "2026-06-01T11:00:00.500Z",
        "reservation_id": "a-long-id",
        "reservation_number": 17,
        "location_id": "L",
        "authorization_reference": "R",
    }
    newer = {name: value for name, value in reserve.items() if name != "reservation_number"}
    assert bridge.lower("reserve_now", "2.3.0", reserve) == newer
    assert bridge.lower("reserve_now", "2.2.1", reserve) == newer
    assert bridge.lower("reserve_now", "2.1.1", reserve) == {
        "response_url": "u",
        "token": {**OLD_TOKEN, "auth_id": "START1"},
        "expiry_date": "2026-06-01T11:00:00Z",
        "reservation_id": 17,
        "location_id": "L",
    }


def test_our_credentials_and_endpoints_in_the_oldest_words() -> None:
    party = {"party_id": "EMP", "country_code": "NL", "business_details": {"name": "E"}}
    ours = {"token": "t", "url": "u", "roles": [{"role": "OTHER", "party_id": "X"}, {"role": "EMSP", **party}]}
    assert bridge.lower("credentials", "2.1.1", ours) == {"token": "t", "url": "u", **party}
    assert bridge.lower("credentials", "2.2.1", {**ours, "hub_party_id": "NLHUB"}) == ours
    details = {"version": "2.1.1", "endpoints": [{"identifier": "cdrs", "role": "RECEIVER", "url": "u"}]}
    lowered = bridge.lower("version_details", "2.1.1", details)
    assert lowered == {"version": "2.1.1", "endpoints": [{"identifier": "cdrs", "url": "u"}]}
    assert bridge.lower("stop_session", "2.1.1", {"session_id": "S"}) == {"session_id": "S"}
