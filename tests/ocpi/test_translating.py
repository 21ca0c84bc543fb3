"""OCPI's words into ours: stations, tariffs, sessions and CDRs."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import pytest

from emsp.charging.records.record import Record, SessionReport
from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert, read
from emsp.ocpi.words.translate_charge import record_of, report_of
from emsp.ocpi.words.translate_location import station_of, time_zone
from emsp.ocpi.words.translate_tariff import tariff_facts
from emsp.pricing.engine.price import Period
from emsp.pricing.engine.tariff import Day, Dimension, ReservationUse, Restrictions, Tariff, TaxIncluded
from emsp.stations.facts import ConnectorFacts, StationFacts
from tests.ocpi import people

M = TypeVar("M")


def station(**members: Any) -> StationFacts:
    return station_of(read(msgspec.json.encode(people.location(**members)), messages.Location))


def connector(**members: Any) -> ConnectorFacts:
    made = {"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", **members}
    return station(evses=[people.evse("1", connectors=[made])]).evses[0].connectors[0]


def understood(module: str, said: dict[str, Any], message: type[M], version: str = "2.2.1") -> M:
    """What a partner of the version says, as one of the newest would."""
    return convert(bridge.lift(module, version, wire.decode(wire.encode(said))), message)


def tariff(**members: Any) -> Tariff:
    return tariff_facts(understood("tariffs", people.tariff(**members), messages.Tariff)).tariff


def restricted(**restrictions: Any) -> Tariff:
    component = {"type": "ENERGY", "price": 1, "step_size": 1}
    return tariff(elements=[{"price_components": [component], "restrictions": restrictions}])


def record(**members: Any) -> Record:
    return record_of(understood("cdrs", people.cdr(**members), messages.Cdr))


def report(**members: Any) -> SessionReport:
    return report_of(understood("sessions", people.session(**members), messages.Session))


@pytest.mark.parametrize(
    ("members", "power_w"),
    [
        ({"max_electric_power": 150_000, "max_voltage": 500, "max_amperage": 300}, 150_000),
        ({"max_voltage": 230, "max_amperage": 16}, 11_040),
        ({"max_voltage": 400, "max_amperage": 16}, 11_085),
        ({"max_voltage": 230, "max_amperage": 32, "power_type": "AC_1_PHASE"}, 7_360),
        ({"max_voltage": 230, "max_amperage": 16, "power_type": "ac_2_phase"}, 7_360),
        ({"max_voltage": 400, "max_amperage": 125, "power_type": "DC"}, 50_000),
        ({"max_electric_power": 6, "max_voltage": 230, "max_amperage": 32, "power_type": "AC_1_PHASE"}, 7_360),
        ({"max_electric_power": 22}, None),
        ({}, None),
        ({"max_voltage": 230, "max_amperage": 16, "power_type": "AC_9_PHASE"}, None),
    ],
)
def test_power_is_what_is_stated_if_plausible_else_what_volts_and_amperes_give(
    members: dict[str, Any], power_w: int | None
) -> None:
    assert connector(**members).max_power_w == power_w


def test_enums_are_known_in_any_case_and_unknown_ones_stay() -> None:
    assert connector(standard="iec_62196_t2_combo").standard == "IEC_62196_T2_COMBO"
    assert connector(standard="IEC_60309_2_THREE_16").standard == "IEC_60309_2_three_16"
    assert connector(standard="LEVITATION").standard == "LEVITATION"
    statuses = [people.evse(str(n), status=word) for n, word in enumerate(["available", "OutOfOrder", "HOVERING"])]
    assert [evse.status for evse in station(evses=statuses).evses] == ["AVAILABLE", "OUTOFORDER", "UNKNOWN"]


def test_an_evse_id_is_in_capitals_and_the_operators_own_ids_stay() -> None:
    lower = station(
        id="loc1", country_code="nl", evses=[people.evse("a1", evse_id="nl*abc*e1"), people.evse("a2", evse_id=None)]
    )
    assert (lower.country_code, lower.external_id) == ("NL", "loc1")
    assert [(evse.uid, evse.evse_id) for evse in lower.evses] == [("a1", "NL*ABC*E1"), ("a2", None)]


def test_a_station_is_as_new_as_its_newest_evse() -> None:
    newer = people.evse("1", last_updated="2026-06-05T00:00:00Z")
    assert station(evses=[newer]).updated_at == datetime(2026, 6, 5, tzinfo=UTC)


def test_opening_times_that_are_absent_are_unknown() -> None:
    assert (station().twenty_four_seven, station().opening_hours) == (None, None)
    hours = {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
    }
    open_on_monday = station(opening_times=hours)
    assert open_on_monday.twenty_four_seven is False
    assert open_on_monday.opening_hours == {"regular_hours": hours["regular_hours"]}


@pytest.mark.parametrize(
    ("stated", "country", "zone"),
    [
        ("Europe/Amsterdam", "DEU", "Europe/Amsterdam"),
        (None, "NLD", "Europe/Amsterdam"),
        ("Europe/Utrecht", "NL", "Europe/Amsterdam"),
        (None, "ESP", "UTC"),
        ("../../etc/passwd", "XXX", "UTC"),
    ],
)
def test_a_zone_is_as_stated_or_the_only_one_of_the_country(stated: str | None, country: str, zone: str) -> None:
    assert time_zone(stated, country) == zone


def test_no_place_at_all() -> None:
    with pytest.raises(Invalid, match="coordinates: 0, 0"):
        station(coordinates={"latitude": "0.0", "longitude": "0"})


def test_a_tariff_keeps_its_components_in_order_and_its_missing_vat_missing() -> None:
    parts = [
        {"type": "flat", "price": 0.5, "step_size": 0},
        {"type": "TIME", "price": "2.00", "vat": 10, "step_size": 60},
    ]
    [element] = tariff(elements=[{"price_components": parts}]).elements
    assert [(c.dimension, c.price, c.vat_percent, c.step_size) for c in element.components] == [
        (Dimension.FLAT, Decimal("0.5"), None, 0),
        (Dimension.TIME, Decimal("2.00"), Decimal(10), 60),
    ]


def test_restrictions_in_our_units() -> None:
    stated = {
        "start_time": "8:00",
        "end_time": "24:00",
        "start_date": "2026-01-01",
        "day_of_week": ["MONDAY", "sunday"],
        "min_kwh": 1.5,
        "max_power": "22",
        "min_duration": 3600,
        "max_current": 32,
        "reservation": "RESERVATION",
        "end_date": None,
    }
    assert restricted(**stated).elements[0].restrictions == Restrictions(
        start_time=time(8),
        end_time=time(0),
        start_date=date(2026, 1, 1),
        days_of_week=(Day.MONDAY, Day.SUNDAY),
        min_energy_wh=Decimal(1500),
        max_power_w=Decimal(22000),
        max_current_a=Decimal(32),
        min_duration_s=3600,
        reservation=ReservationUse.RESERVATION,
    )
    assert restricted(day_of_week=[], min_kwh=None).elements[0].restrictions is None


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (restricted(phase_of_moon="FULL"), "the restriction 'phase_of_moon' is not known"),
        (restricted(day_of_week=["FUNDAY"]), "the restriction day_of_week ['FUNDAY'] is not understood"),
        (restricted(day_of_week=[5]), "the restriction day_of_week [5] is not understood"),
        (restricted(start_time="noon"), "the restriction start_time 'noon' is not understood"),
        (restricted(start_time=800), "the restriction start_time 800 is not understood"),
        (restricted(end_date=["2026-06-01"]), "the restriction end_date ['2026-06-01'] is not understood"),
        (restricted(max_kwh="1e999999999"), "the restriction max_kwh '1e999999999' is not understood"),
        (restricted(max_duration=2**31), "the restriction max_duration 2147483648 is not understood"),
        (
            tariff(elements=[{"price_components": [{"type": "MILEAGE", "price": 1, "step_size": 1}]}]),
            "the price component type 'MILEAGE' is not known",
        ),
    ],
)
def test_a_tariff_with_something_unknown_has_no_price_and_says_why(made: Tariff, reason: str) -> None:
    assert (made.not_computable, made.elements) == (reason, ())


def test_limits_apart_for_net_and_gross() -> None:
    limited = tariff(min_price={"excl_vat": 0.5, "incl_vat": 0.55}, max_price={"excl_vat": 10})
    assert limited.min_price
    assert (limited.min_price.net, limited.min_price.gross) == (Decimal("0.5"), Decimal("0.55"))
    assert limited.max_price
    assert limited.max_price.gross is None


def test_periods_last_until_the_next_one_and_carry_our_units() -> None:
    periods = [
        {
            "start_date_time": "2026-06-01T10:30:00Z",
            "dimensions": [{"type": "PARKING_TIME", "volume": 0.5}],
        },
        {
            "start_date_time": "2026-06-01T10:00:00Z",
            "dimensions": [
                {"type": "ENERGY", "volume": 12.345},
                {"type": "TIME", "volume": 0.5},
                {"type": "MIN_POWER", "volume": 3},
                {"type": "MAX_POWER", "volume": 11},
                {"type": "MAX_CURRENT", "volume": 48},
            ],
        },
    ]
    half_past, hour = datetime(2026, 6, 1, 10, 30, tzinfo=UTC), datetime(2026, 6, 1, 11, tzinfo=UTC)
    assert record(charging_periods=periods).periods == [
        Period(
            start=datetime(2026, 6, 1, 10, tzinfo=UTC),
            end=half_past,
            energy_wh=Decimal("12345.000"),
            charging_s=Decimal("1800.0"),
            power_w=Decimal(11000),
            current_a=Decimal(48),
        ),
        Period(start=half_past, end=hour, parking_s=Decimal("1800.0")),
    ]


def test_a_record_takes_what_is_not_available_as_absent() -> None:
    bare = record(
        session_id="#NA",
        cdr_location={"id": "#NA", "evse_uid": "#NA", "country": "nld"},
        start_date_time="1970-1-1T00:00:00Z",
        credit=None,
    )
    assert (bare.session_external_id, bare.location_id, bare.evse_uid, bare.country) == (None, None, None, "NLD")
    assert bare.started_at == datetime(2026, 6, 1, 10, tzinfo=UTC), "the first period tells"
    assert bare.credit is False


def test_a_gross_that_is_not_stated_is_unknown() -> None:
    assert record(total_cost={"excl_vat": 3}).gross_cost is None
    assert record(total_cost={"excl_vat": 3, "incl_vat": 3.63}).gross_cost == Decimal("3.63")


def test_a_session_in_our_words() -> None:
    last = {
        "start_date_time": "2026-06-01T10:00:00Z",
        "dimensions": [{"type": "POWER", "volume": 10.5}, {"type": "STATE_OF_CHARGE", "volume": 64}],
    }
    running = report(kwh="1.5", status="reserved", charging_periods=[last])
    assert (running.status, running.energy_wh, running.power_w, running.state_of_charge_percent) == (
        "RESERVATION",
        Decimal(1500),
        10_500,
        64,
    )
    assert running.net_cost is None, "no cost is not a cost of nothing"


def test_a_session_without_a_token_or_a_reference_is_read() -> None:
    bare = report(cdr_token=None, evse_uid="#NA")
    assert (bare.token_uid, bare.authorization_reference, bare.evse_uid) == (None, None, None)


def test_a_token_that_only_its_contract_is_told_of_is_known_by_it() -> None:
    assert report(cdr_token={"contract_id": "NLEMPC1"}).token_uid == "NLEMPC1"
    assert record(cdr_token={"uid": "#NA", "contract_id": "NLEMPC1"}).token_uid == "NLEMPC1"
    assert record(cdr_token={"uid": "APP1", "contract_id": "NLEMPC1"}).token_uid == "APP1"


def test_taxes_of_the_newest_version_are_added_up_and_none_of_them_is_no_tax() -> None:
    taxed = {"before_taxes": 4, "taxes": [{"name": "GST", "amount": 0.2}, {"name": "QST", "amount": "0.399"}]}
    assert record(total_cost=taxed).gross_cost == Decimal("4.599")
    assert record(total_cost={"before_taxes": 4}).gross_cost == Decimal(4)
    assert record(total_cost={"before_taxes": 4, "taxes": None}).gross_cost is None


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("YES", TaxIncluded.YES),
        ("no", TaxIncluded.NO),
        ("N/A", TaxIncluded.NOT_APPLICABLE),
        (None, TaxIncluded.NO),
    ],
)
def test_whether_prices_contain_tax(stated: str | None, meant: TaxIncluded) -> None:
    assert tariff(tax_included=stated).tax_included is meant


def test_prices_that_nobody_can_tell_the_tax_of_have_no_price() -> None:
    assert tariff(tax_included="SOMETIMES").not_computable == "tax_included 'SOMETIMES' is not known"


def test_what_prices_bookings_is_not_for_charges() -> None:
    fee = {"price_components": [{"type": "FLAT", "price": 4}], "restrictions": {"booking": "BOOKING_EXPIRES"}}
    energy = {"price_components": [{"type": "ENERGY", "price": 1}], "restrictions": {"booking": None}}
    assert [e.components[0].dimension for e in tariff(elements=[fee, energy]).elements] == [Dimension.ENERGY]


def test_a_credit_names_what_it_takes_back() -> None:
    back = record(id="C1-C", credit=True, credit_reference_id="C1", total_cost={"excl_vat": -3, "incl_vat": -3.63})
    assert (back.credit, back.credits_external_id, back.net_cost) == (True, "C1", Decimal(-3))
    assert back.gross_cost == Decimal("-3.63")
    assert record().credits_external_id is None


def test_what_connectors_can_do_is_told_of_their_charge_point() -> None:
    made = {"id": "1", "capabilities": ["ISO_15118_2_PLUG_AND_CHARGE"]}
    place = station(help_phone="+31 20 1234567", evses=[people.evse("1", connectors=[made, made])])
    assert place.evses[0].capabilities == ["REMOTE_START_STOP_CAPABLE", "ISO_15118_2_PLUG_AND_CHARGE"]
    assert place.operator_phone == "+31 20 1234567"


def test_a_charge_of_the_oldest_version() -> None:
    place = {"id": "LOC1", "country": "NLD", "evses": [{"uid": "3256", "connectors": [{"id": "1"}]}]}
    told = {"id": "S1", "auth_id": "APP1", "location": place, "currency": "EUR", "status": "ACTIVE"}
    session = {"start_datetime": "2026-06-01T10:00:00Z", "last_updated": "2026-06-01T10:05:00Z", "total_cost": 1.2}
    owner = ("NL", "ABC")
    lifted = bridge.lift("sessions", "2.1.1", wire.decode(wire.encode({**told, **session, "kwh": 1.5})), owner)
    running = report_of(convert(lifted, messages.Session))
    assert (running.country_code, running.party_id, running.token_uid) == ("NL", "ABC", "APP1")
    assert (running.location_id, running.evse_uid, running.connector_id) == ("LOC1", "3256", "1")
    assert (running.net_cost, running.gross_cost) == (Decimal("1.2"), None)


def test_nothing_at_all_in_the_lists_of_an_object() -> None:
    assert station(evses=[people.evse("1", connectors=[], capabilities=[])]).evses[0].connectors == []
    assert tariff(elements=[]).elements == ()
    assert tariff(elements=[{"price_components": []}]).not_computable is None
    assert record(charging_periods=[], tariffs=[]).periods == []
    assert report(charging_periods=[], status="LEVITATING").status == "UNKNOWN"


def test_who_may_park_where_one_charges() -> None:
    places = [
        {"id": "P1", "vehicle_types": ["PERSONAL_VEHICLE", "disabled"]},
        {"id": "p2", "vehicle_types": ["PERSONAL_VEHICLE"]},
        {"id": "P3", "vehicle_types": None},
    ]
    linked = [
        people.evse("1", parking=[{"parking_id": "P2"}, {"parking_id": "p1"}]),
        people.evse("2", parking=[{"parking_id": "P2"}]),
        people.evse("3", parking=[{"parking_id": "P3"}, {"parking_id": "gone"}]),
        people.evse("4", parking_restrictions=["Disabled", "EV_ONLY"]),
        people.evse("5", parking_restrictions=None),
    ]
    found = station(parking_places=places, evses=linked).evses
    assert [evse.accessible for evse in found] == [True, False, None, True, None]
    assert [evse.parking_restrictions for evse in found] == [[], [], [], ["DISABLED", "EV_ONLY"], []]


def test_a_connector_keeps_what_it_can_do_of_itself() -> None:
    made = {"id": "1", "capabilities": ["iso_15118_20_plug_and_charge"]}
    (evse,) = station(evses=[people.evse("1", connectors=[made, {"id": "2"}])]).evses
    assert [connector.capabilities for connector in evse.connectors] == [["ISO_15118_20_PLUG_AND_CHARGE"], []]
