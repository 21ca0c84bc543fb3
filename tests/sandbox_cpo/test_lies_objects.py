"""What objects look like that lie, on the wire, and what the same objects look like without the lie."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from emsp.sandbox.cpo.lies import CATALOGUE
from emsp.sandbox.cpo.options import CpoOptions
from emsp.sandbox.cpo.outgoing import spoken
from emsp.sandbox.cpo.platform import open_platform
from emsp.sandbox.cpo.state import Connection
from emsp.sandbox.cpo.wire import encode

from .fake_emsp import FakeEmsp
from .lying import charge, pulled_cdrs, pulled_location, pulled_sessions, tell
from .running import STATION, TARIFF, RunningCpo, active, sessions, until

Look = Callable[[Any], Any]
SESSION: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "SBX",
    "id": "Session-1",
    "start_date_time": "2026-01-01T10:00:00Z",
    "kwh": Decimal("7.5"),
    "cdr_token": {"country_code": "NL", "party_id": "EMS", "uid": "APP1", "type": "APP_USER", "contract_id": "C1"},
    "auth_method": "COMMAND",
    "authorization_reference": "REF-1",
    "location_id": "LOC1",
    "evse_uid": "LOC1-1",
    "connector_id": "1",
    "currency": "EUR",
    "charging_periods": [
        {
            "start_date_time": "2026-01-01T10:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": Decimal("7.5")}, {"type": "TIME", "volume": 1}],
            "tariff_id": "T1",
        }
    ],
    "total_cost": {"excl_vat": Decimal("3.75"), "incl_vat": Decimal("4.5375")},
    "status": "ACTIVE",
    "last_updated": "2026-01-01T11:00:00Z",
}
CDR: dict[str, Any] = {
    **{name: SESSION[name] for name in ("country_code", "party_id", "cdr_token", "charging_periods", "total_cost")},
    "id": "Cdr-1",
    "session_id": "Session-1",
    "cdr_location": {"id": "LOC1", "coordinates": STATION["coordinates"], "evse_uid": "LOC1-1"},
    "tariffs": [TARIFF],
    "total_energy": Decimal("7.5"),
    "total_time": 1,
    "last_updated": "2026-01-01T11:00:00Z",
}


def wire(kind: str, body: Any, *lies: str, pushed: bool = False) -> Any:
    """An object as a platform says it that tells these lies."""
    platform = open_platform(CpoOptions(stations=1, seed=7, lies=lies))
    return spoken(platform, kind, body, pushed=pushed)


def connector(location: Any) -> Any:
    return location["evses"][0]["connectors"][0]


LOCATIONS: list[tuple[str, Look, Any, Any]] = [
    ("null-tariff", lambda sent: connector(sent).get("tariff_ids"), ["T1"], None),
    ("unknown-tariff", lambda sent: connector(sent)["tariff_ids"], ["T1"], ["NO-SUCH-TARIFF"]),
    ("dropped-evses", lambda sent: [evse["uid"] for evse in sent["evses"]], ["LOC1-1"], []),
    (
        "swapped-coordinates",
        lambda sent: sent["coordinates"],
        {"latitude": "52.090000", "longitude": "5.120000"},
        {"latitude": "5.120000", "longitude": "52.090000"},
    ),
    ("numbers-as-strings", lambda sent: connector(sent)["max_voltage"], 230, "230"),
    ("no-zone-timestamps", lambda sent: sent["last_updated"], "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
    (
        "nulls-everywhere",
        lambda sent: [sent.get("operator", "absent"), sent["evses"][0].get("images", "absent")],
        ["absent", "absent"],
        [None, []],
    ),
    ("overlong-texts", lambda sent: [len(sent["name"]) > 255, len(sent["address"]) > 45], [False] * 2, [True] * 2),
]


@pytest.mark.parametrize(("lie", "look", "honest", "lied"), LOCATIONS)
async def test_a_location_lies_for_as_long_as_it_is_told(
    cpo: RunningCpo, emsp: FakeEmsp, lie: str, look: Look, honest: Any, lied: Any
) -> None:
    assert look(await pulled_location(emsp)) == honest
    await tell(cpo, lie, location_id="LOC1")
    assert look(await pulled_location(emsp)) == lied
    await tell(cpo, location_id="LOC1")
    assert await pulled_location(emsp) == STATION


CHARGES: list[tuple[str, str, Look, Any, Any]] = [
    ("wrong-total", "cdr", lambda sent: sent["total_cost"]["incl_vat"], Decimal("4.5375"), Decimal("5.8988")),
    ("wrong-vat", "cdr", lambda sent: sent["total_cost"]["incl_vat"], Decimal("4.5375"), Decimal("3.8625")),
    ("null-tariff", "cdr", lambda sent: sent["tariffs"], [TARIFF], None),
    ("null-tariff", "session", lambda sent: sent["charging_periods"][0].get("tariff_id"), "T1", None),
    ("unknown-tariff", "cdr", lambda sent: sent["charging_periods"][0]["tariff_id"], "T1", "NO-SUCH-TARIFF"),
    (
        "swapped-coordinates",
        "cdr",
        lambda sent: sent["cdr_location"]["coordinates"]["latitude"],
        "52.090000",
        "5.120000",
    ),
    ("numbers-as-strings", "cdr", lambda sent: sent["total_energy"], Decimal("7.5"), "7.5"),
    ("numbers-as-strings", "session", lambda sent: sent["total_cost"]["excl_vat"], Decimal("3.75"), "3.75"),
    ("nulls-everywhere", "cdr", lambda sent: sent.get("credit", "absent"), "absent", None),
    ("session-without-token", "session", lambda sent: "cdr_token" in sent, True, False),
    ("session-without-token", "session", lambda sent: "authorization_reference" in sent, True, False),
    ("session-without-token", "cdr", lambda sent: "cdr_token" in sent, True, True),
    ("wrong-total", "session", lambda sent: sent["total_cost"]["incl_vat"], Decimal("4.5375"), Decimal("4.5375")),
]


@pytest.mark.parametrize(("lie", "kind", "look", "honest", "lied"), CHARGES)
async def test_sessions_and_cdrs_lie(lie: str, kind: str, look: Look, honest: Any, lied: Any) -> None:
    body = {"session": SESSION, "cdr": CDR}[kind]
    assert look(wire(kind, body)) == honest
    assert look(wire(kind, body, lie)) == lied
    assert wire(kind, body) == body


@pytest.mark.parametrize(
    ("lies", "volume", "total"),
    [((), "7.5", "7.5"), (("wrong-unit-periods",), "7500", "7.5"), (("wrong-unit-total",), "7500", "7500")],
)
async def test_energy_in_the_wrong_unit(lies: tuple[str, ...], volume: str, total: str) -> None:
    for kind, body, field in (("session", SESSION, "kwh"), ("cdr", CDR, "total_energy")):
        sent = wire(kind, body, *lies)
        energy, time = sent["charging_periods"][0]["dimensions"]
        assert (energy["volume"], time["volume"], sent[field]) == (Decimal(volume), 1, Decimal(total))


async def test_a_patch_lies_as_well() -> None:
    patch = {"kwh": Decimal(2), "charging_periods": [], "last_updated": "2026-01-01T11:00:00Z"}
    assert wire("session", patch, "wrong-unit-total")["kwh"] == 2000
    assert wire("session", patch, "numbers-as-strings", "no-zone-timestamps") == {
        "kwh": "2",
        "charging_periods": [],
        "last_updated": "2026-01-01T11:00:00",
    }
    assert wire("session", patch, "nulls-everywhere") == patch


OBJECTS: dict[str, Any] = {
    "location": STATION,
    "evse": STATION["evses"][0],
    "connector": STATION["evses"][0]["connectors"][0],
    "tariff": TARIFF,
    "session": SESSION,
    "cdr": CDR,
    "response": {"result": "ACCEPTED", "timeout": 30},
    "result": {"result": "ACCEPTED"},
}
BENT = [name for name, lie in CATALOGUE.items() if lie.about == "objects"]


@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
def test_every_lie_can_be_told_in_every_version(version: str) -> None:
    platform = open_platform(CpoOptions(stations=1, versions=(version,)))
    platform.books.connection = Connection(
        version=version, token_for_us="c", token_for_them="b", versions_url="", roles=[], endpoints={}
    )
    for kind, body in OBJECTS.items():
        honest = encode(spoken(platform, kind, body, ("LOC1", "LOC1-1"), pushed=True))
        told = set[str]()
        for name in BENT:
            platform.books.lies = {"\t": [name]}
            if encode(spoken(platform, kind, body, ("LOC1", "LOC1-1"), pushed=True)) != honest:
                told.add(name)
        platform.books.lies = {}
        assert encode(spoken(platform, kind, body, ("LOC1", "LOC1-1"), pushed=True)) == honest
        assert told >= {"location": LIES_OF_LOCATIONS, "cdr": LIES_OF_CDRS}.get(kind, set())


LIES_OF_LOCATIONS = {"null-tariff", "unknown-tariff", "dropped-evses", "swapped-coordinates", "numbers-as-strings"}
LIES_OF_CDRS = {"wrong-total", "wrong-unit-periods", "wrong-unit-total", "no-zone-timestamps", "nulls-everywhere"}


async def test_last_updated_is_bumped_at_every_pull(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    since = emsp.endpoints["locations"] + "?date_from=2026-06-01T00:00:00Z"
    assert await emsp.data("GET", since) == []
    await tell(cpo, "bumped-last-updated")
    (first,) = await emsp.data("GET", since)
    await asyncio.sleep(0.01)
    (second,) = await emsp.data("GET", since)
    assert STATION["last_updated"] < first["last_updated"] < second["last_updated"]
    unchanged = [{**found, "evses": [], "last_updated": ""} for found in (first, second, STATION)]
    assert unchanged[0] == unchanged[1] == unchanged[2]


@pytest.mark.parametrize(("lies", "falls"), [(["last-updated-backwards"], True), ([], False)])
async def test_last_updated_runs_backwards(cpo: RunningCpo, emsp: FakeEmsp, lies: list[str], falls: bool) -> None:
    await tell(cpo, *lies)
    stated = [(await pulled_location(emsp))["last_updated"]]
    for number, status in enumerate(("OUTOFORDER", "AVAILABLE"), start=1):
        await cpo.lever("evse-status", location_id="LOC1", evse_uid="LOC1-1", status=status)
        await until(lambda: len(emsp.bodies("PATCH", "/2.2.1/locations")) == number)  # noqa: B023 - awaited at once
        stated.append(emsp.bodies("PATCH", "/2.2.1/locations")[-1]["last_updated"])
    assert stated == sorted(stated, reverse=falls)
    assert len(set(stated)) == 3


async def test_pushes_are_in_another_case_than_pulls(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "other-case")
    await cpo.lever("evse-status", location_id="LOC1", evse_uid="LOC1-1", status="OUTOFORDER")
    await until(lambda: emsp.bodies("PATCH", "/2.2.1/locations"))
    (push,) = (kept for kept in emsp.received if kept.method == "PATCH")
    assert push.path == "/2.2.1/locations/nl/sbx/loc1/loc1-1"
    assert push.body["status"] == "OUTOFORDER"
    assert (await pulled_location(emsp))["evses"][0]["uid"] == "LOC1-1"
    sent = wire("session", SESSION, "other-case", pushed=True)
    assert (sent["country_code"], sent["id"], sent["location_id"]) == ("nl", "sESSION-1", "loc1")
    assert (sent["cdr_token"]["uid"], sent["status"]) == ("app1", "ACTIVE")
    assert wire("session", SESSION, "other-case") == SESSION


@pytest.mark.parametrize(
    ("lies", "response", "result"),
    [
        ([], {"result": "ACCEPTED", "timeout": 30}, {"result": "ACCEPTED"}),
        (["no-timeout-field"], {"result": "ACCEPTED"}, {"result": "ACCEPTED"}),
        (["results-as-lists"], [{"result": "ACCEPTED", "timeout": 30}], [{"result": "ACCEPTED"}]),
    ],
)
async def test_answers_to_commands(
    cpo: RunningCpo, emsp: FakeEmsp, lies: list[str], response: Any, result: Any
) -> None:
    await tell(cpo, *lies, location_id="LOC1", evse_uid="LOC1-1")
    assert await emsp.start(STATION) == response
    await until(lambda: emsp.bodies("POST", "/results/1"))
    assert emsp.bodies("POST", "/results/1") == [result]


async def test_a_message_that_is_no_list(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "result-message-object")
    message = {"language": "en", "text": "The charge point says ACCEPTED"}
    assert (await emsp.start(STATION))["message"] == message
    await until(lambda: emsp.bodies("POST", "/results/1"))
    assert emsp.bodies("POST", "/results/1") == [{"result": "ACCEPTED", "message": message}]


async def test_pushes_and_pulls_lie_alike(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "wrong-unit-total", location_id="LOC1", evse_uid="LOC1-1")
    await charge(cpo, emsp)
    (kept,) = (await cpo.books())["cdrs"]
    (pushed,) = emsp.bodies("POST", "/2.2.1/cdrs")
    assert pushed["total_energy"] == Decimal(str(kept["total_energy"])) * 1000
    assert await pulled_cdrs(emsp) == [pushed]
    assert (await pulled_sessions(emsp))[0]["kwh"] == pushed["total_energy"] == sessions(emsp, "PUT")[-1]["kwh"]
    await tell(cpo, location_id="LOC1", evse_uid="LOC1-1")
    (honest,) = await pulled_cdrs(emsp)
    assert honest["total_energy"] == Decimal(str(kept["total_energy"]))


async def test_sessions_without_a_token_still_run(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "session-without-token")
    await emsp.start(STATION)
    await active(emsp)
    assert all("cdr_token" not in body for body in sessions(emsp, "PUT"))


async def test_one_evse_vanishes_and_the_others_stay() -> None:
    twins = [STATION["evses"][0], {**STATION["evses"][0], "uid": "LOC1-2"}]
    platform = open_platform(CpoOptions(stations=1))
    platform.books.lies["loc1\tloc1-2"] = ["dropped-evses"]
    sent = spoken(platform, "location", {**STATION, "evses": twins})
    assert [evse["uid"] for evse in sent["evses"]] == ["LOC1-1"]
    (left,) = wire("location", {**STATION, "evses": twins}, "dropped-evses")["evses"]
    assert wire("location", {**STATION, "evses": twins}, "dropped-evses")["evses"] == [left]
