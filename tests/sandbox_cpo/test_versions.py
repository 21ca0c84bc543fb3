"""The sandbox CPO speaks 2.1.1, 2.2.1 and 2.3.0 ..."""

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from emsp.sandbox.cpo import CpoOptions
from emsp.sandbox.cpo.wire import encode

from .fake_emsp import TOKEN, TOKEN_OF_2_1_1, FakeEmsp
from .field_tables import TABLES, faults
from .running import INVITATION, STATION, RunningCpo, running_cpo, until

VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
RECEIVERS = ("locations", "sessions", "cdrs", "tariffs")
LIMITED = {
    "country_code": "NL",
    "party_id": "SBX",
    "id": "T2",
    "currency": "EUR",
    "min_price": {"excl_vat": Decimal("1.00"), "incl_vat": Decimal("1.21")},
    "elements": [{"price_components": [{"type": "FLAT", "price": Decimal("0.5"), "vat": 21, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00.500Z",
}


@contextlib.asynccontextmanager
async def registered(emsp: FakeEmsp, version: str, **options: Any) -> AsyncIterator[RunningCpo]:
    """A CPO that offers one version and is registered in it."""
    emsp.version = emsp.offered_version = version
    emsp.receivers = RECEIVERS
    async with running_cpo(emsp, **{"versions": (version,), **options}) as running:
        yield await running.registered()


async def charged(cpo: RunningCpo, emsp: FakeEmsp) -> tuple[list[Any], Any]:
    """A whole charge: the sessions that were PUT, and the CDR."""
    version = emsp.version
    await emsp.start(STATION)
    await until(lambda: any(b.get("status") == "ACTIVE" for b in emsp.bodies("PATCH", f"/{version}/sessions")))
    await cpo.lever("unplug", session_id=emsp.bodies("PUT", f"/{version}/sessions/NL/SBX")[0]["id"])
    await until(lambda: emsp.bodies("POST", f"/{version}/cdrs"))
    return emsp.bodies("PUT", f"/{version}/sessions"), emsp.bodies("POST", f"/{version}/cdrs")[0]


@pytest.mark.parametrize("version", VERSIONS)
async def test_with_endpoints_as_the_version_lists_them(emsp: FakeEmsp, feed: Any, version: str) -> None:
    async with registered(emsp, version, **feed) as cpo:
        (offered,) = await emsp.data("GET", f"{cpo.url}/ocpi/versions")
        details = await emsp.data("GET", offered["url"])
    assert offered == {"version": version, "url": f"{cpo.url}/ocpi/{version}"}
    roles = {entry["identifier"]: entry.get("role") for entry in details["endpoints"]}
    senders = dict.fromkeys(("credentials", "locations", "tariffs", "sessions", "cdrs"), "SENDER")
    receivers = dict.fromkeys(("tokens", "commands", "chargingprofiles"), "RECEIVER")
    if version == "2.1.1":
        assert roles == dict.fromkeys([*senders, "tokens", "commands"])
    else:
        assert roles == {**senders, **receivers}


async def test_credentials_of_2_1_1_name_one_party_and_tokens_travel_raw(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.1.1", **feed) as cpo:
        theirs = await emsp.data("GET", emsp.endpoints["credentials"])
        books = await cpo.books()
    assert set(theirs) == {"token", "url", "party_id", "country_code", "business_details"}
    assert (theirs["country_code"], theirs["party_id"]) == ("NL", "SBX")
    assert {r.headers["authorization"] for r in emsp.received} == {"Token token-b-of-the-fake-emsp"}
    assert {(request["version"], request["authorization"]) for request in books["requests"]} == {
        (None, "raw"),
        ("2.1.1", "raw"),
    }


async def test_locations_of_2_1_1(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.1.1", **feed):
        (location,) = await emsp.data("GET", emsp.endpoints["locations"])
        connector = await emsp.data("GET", emsp.endpoints["locations"] + "LOC1/LOC1-1/1")
    assert connector == {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "voltage": 230,
        "amperage": 32,
        "tariff_id": "T1",
        "last_updated": "2026-01-01T00:00:00Z",
    }
    assert location == {
        "id": "LOC1",
        "type": "UNKNOWN",
        "name": "Test square",
        "address": "Test square 1",
        "city": "Utrecht",
        "postal_code": "-",
        "country": "NLD",
        "coordinates": {"latitude": "52.090000", "longitude": "5.120000"},
        "evses": [{**STATION["evses"][0], "connectors": [connector]}],
        "time_zone": "Europe/Amsterdam",
        "last_updated": "2026-01-01T00:00:00Z",
    }


async def test_tariffs_in_every_version(emsp: FakeEmsp, feed: Any) -> None:
    feed["tariffs"].write_bytes(encode(LIMITED))
    pulled = {}
    for version in VERSIONS:
        async with registered(emsp, version, **feed):
            (pulled[version],) = await emsp.data("GET", emsp.endpoints["tariffs"])
    assert pulled["2.1.1"] == {
        "id": "T2",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "FLAT", "price": Decimal("0.5"), "step_size": 1}]}],
        "last_updated": "2026-01-01T00:00:00Z",
    }
    assert pulled["2.2.1"] == LIMITED
    limit = {"before_taxes": Decimal("1.00"), "after_taxes": Decimal("1.21")}
    assert pulled["2.3.0"] == {**LIMITED, "min_price": limit, "tax_included": "NO"}


async def test_a_charge_in_2_1_1(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.1.1", **feed) as cpo:
        sessions, cdr = await charged(cpo, emsp)
        location = sessions[0]["location"]
        pulled = await emsp.data("GET", emsp.endpoints["sessions"] + "?date_from=2026-01-01T00:00:00Z")
    assert emsp.bodies("POST", "/results/1") == [{"result": "ACCEPTED"}]
    assert set(sessions[-1]) == {
        *("id", "start_datetime", "end_datetime", "kwh", "auth_id", "auth_method", "location", "currency"),
        *("charging_periods", "total_cost", "status", "last_updated"),
    }
    assert (sessions[0]["auth_id"], sessions[0]["auth_method"]) == ("NL-EMS-C00000001-X", "AUTH_REQUEST")
    assert (location["id"], [evse["uid"] for evse in location["evses"]]) == ("LOC1", ["LOC1-1"])
    assert (cdr["total_cost"], cdr["stop_date_time"]) == (cdr["total_energy"] / 2, sessions[-1]["end_datetime"])
    assert cdr["location"]["evses"][0]["connectors"][0]["voltage"] == 230
    assert not {"session_id", "cdr_location", "total_energy_cost", "country_code", "end_date_time"} & set(cdr)
    assert pulled == [sessions[-1]]
    pushes = [r for r in emsp.received if r.method in ("PUT", "PATCH", "POST")]
    assert {r.headers["authorization"] for r in pushes} == {"Token token-b-of-the-fake-emsp"}
    assert not [name for r in pushes for name in r.headers if name.startswith("ocpi-")]


async def test_commands_of_2_1_1_are_answered_without_a_timeout(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.1.1", **feed) as cpo:
        await cpo.lever("behaviour", start="evse_occupied")
        assert await emsp.start(STATION) == {"result": "ACCEPTED"}
        await until(lambda: emsp.bodies("POST", "/results/1"))
        url = f"{emsp.endpoints['commands']}CANCEL_RESERVATION"
        unknown = await emsp.ask("POST", url, {"response_url": emsp.url, "reservation_id": 1})
    assert emsp.bodies("POST", "/results/1") == [{"result": "REJECTED"}]
    assert (unknown.status_code, unknown.json()["status_code"]) == (404, 2001)


async def test_a_charge_in_2_3_0(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.3.0", **feed) as cpo:
        sessions, cdr = await charged(cpo, emsp)
    before = cdr["total_energy"] / 2
    (tax,) = cdr["total_cost"]["taxes"]
    assert cdr["total_cost"]["before_taxes"] == before
    assert (tax["name"], abs(tax["amount"] - before * Decimal("0.21")) <= Decimal("0.0001")) == ("VAT", True)
    assert sessions[-1]["total_cost"] == cdr["total_cost"] == cdr["total_energy_cost"]
    assert cdr["tariffs"][0]["tax_included"] == "NO"
    assert cdr["authorization_reference"] == "REF-1"


async def test_tokens_in_the_form_of_the_version(emsp: FakeEmsp, feed: Any) -> None:
    async with registered(emsp, "2.1.1", **feed) as cpo:
        url = emsp.endpoints["tokens"] + "NL/EMS/APP0001"
        app_user = await emsp.ask("PUT", url, {**TOKEN_OF_2_1_1, "type": "APP_USER"})
        await emsp.data("PUT", url, TOKEN_OF_2_1_1)
        await emsp.data("PATCH", url, {"valid": False})
        assert await emsp.data("GET", url) == {**TOKEN_OF_2_1_1, "valid": False}
        (kept,) = (await cpo.books())["tokens"]
    assert app_user.json()["status_code"] == 2001
    assert kept == {**TOKEN, "type": "OTHER", "valid": False}
    async with registered(emsp, "2.2.1", **feed):
        emaid = await emsp.ask("PUT", emsp.endpoints["tokens"] + "NL/EMS/1?type=EMAID", {**TOKEN, "type": "EMAID"})
    async with registered(emsp, "2.3.0", **feed):
        await emsp.data("PUT", emsp.endpoints["tokens"] + "NL/EMS/1?type=EMAID", {**TOKEN, "type": "EMAID"})
    assert emaid.json()["status_code"] == 2001


@pytest.mark.parametrize("version", VERSIONS)
async def test_pushes_what_it_publishes_when_told(emsp: FakeEmsp, feed: Any, version: str) -> None:
    async with registered(emsp, version, **feed) as cpo:
        (location,) = await emsp.data("GET", emsp.endpoints["locations"])
        (tariff,) = await emsp.data("GET", emsp.endpoints["tariffs"])
        assert await cpo.lever("push-locations") == {"pushed": ["NL/SBX/LOC1"]}
        assert await cpo.lever("push-locations", location_id="LOC1", evse_uid="LOC1-1") == {
            "pushed": ["NL/SBX/LOC1/LOC1-1"]
        }
        await cpo.lever("push-tariffs", tariff_id="T1")
        await cpo.lever("push-tariffs", tariff_id="T1", delete=True)
    assert emsp.bodies("PUT", f"/{version}/locations/NL/SBX/LOC1") == [location, location["evses"][0]]
    assert emsp.bodies("PUT", f"/{version}/tariffs/NL/SBX/T1") == [tariff]
    assert emsp.bodies("DELETE", f"/{version}/tariffs/NL/SBX/T1") == [None]


async def test_changes_the_version_when_credentials_are_put_there(emsp: FakeEmsp, feed: Any) -> None:
    emsp.offered = ("2.1.1", "2.3.0")
    async with running_cpo(emsp, **feed, versions=VERSIONS) as cpo:
        await cpo.registered()
        for version in ("2.3.0", "2.1.1"):
            endpoints = await emsp.endpoints_at(f"{cpo.url}/ocpi/{version}")
            theirs = await emsp.data("PUT", endpoints["credentials"], emsp.credentials(version=version))
            emsp.token, emsp.version = theirs["token"], version
            assert len(await emsp.data("GET", endpoints["locations"])) == 1
            assert (await cpo.books())["version"] == version
        left = await emsp.ask("GET", f"{cpo.url}/ocpi/2.2.1/locations")
        assert (left.status_code, left.json()["status_code"]) == (404, 3002)
        assert await emsp.data("DELETE", endpoints["credentials"]) is None
        assert (await emsp.ask("GET", f"{cpo.url}/ocpi/versions")).status_code == 401


@pytest.mark.parametrize(
    ("offered", "named", "chosen"),
    [
        (("2.1.1", "2.2.1"), None, "2.2.1"),
        (("2.1.1", "2.3.0"), None, "2.3.0"),
        (("2.3.0", "2.1.1"), "2.1.1", "2.1.1"),
    ],
)
async def test_joins_in_the_highest_common_version_or_the_one_named(
    emsp: FakeEmsp, feed: Any, offered: tuple[str, ...], named: str | None, chosen: str
) -> None:
    emsp.offered_version, emsp.offered = offered[0], offered[1:]
    async with running_cpo(emsp, **feed, versions=VERSIONS) as cpo:
        answer = await cpo.lever("connect", versions_url=f"{emsp.url}/versions", token="theirs", version=named)
        assert answer["version"] == chosen
        assert [(role["country_code"], role["party_id"]) for role in answer["roles"]] == [("NL", "EMS")]
        (ours,) = emsp.bodies("POST", f"/{chosen}/credentials")
        assert ("roles" in ours) is (chosen != "2.1.1")


async def test_renews_and_leaves_when_told(emsp: FakeEmsp, feed: Any) -> None:
    emsp.offered = ("2.3.0",)
    async with running_cpo(emsp, **feed, versions=("2.2.1", "2.3.0")) as cpo:
        await cpo.lever("connect", versions_url=f"{emsp.url}/versions", token="theirs", version="2.2.1")
        assert (await cpo.lever("update-credentials", version="2.3.0"))["version"] == "2.3.0"
        (first,), (second,) = emsp.bodies("POST", "/2.2.1/credentials"), emsp.bodies("PUT", "/2.3.0/credentials")
        assert (await emsp.ask("GET", first["url"], token=first["token"])).status_code == 401
        assert (await emsp.ask("GET", first["url"], token=second["token"])).status_code == 200
        await cpo.lever("disconnect")
        assert emsp.bodies("DELETE", "/2.3.0/credentials") == [None]
        assert not (await cpo.books())["registered"]


def test_offers_no_version_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"versions 2\.0: offer one or more of 2\.1\.1, 2\.2\.1, 2\.3\.0"):
        CpoOptions(versions=("2.0",))
    with pytest.raises(ValueError, match=r"no hubs before 2\.2\.1"):
        CpoOptions(versions=("2.1.1",), role="hub")


@pytest.mark.skipif(not TABLES.exists(), reason="the field tables of OCPI are not beside the project")
@pytest.mark.parametrize("version", VERSIONS)
async def test_says_nothing_that_the_field_tables_do_not_know(emsp: FakeEmsp, feed: Any, version: str) -> None:
    async with registered(emsp, version, stations=60):
        said = [("Location", body) for body in await emsp.data("GET", emsp.endpoints["locations"])]
        said += [("Tariff", body) for body in await emsp.data("GET", emsp.endpoints["tariffs"])]
        said.append(("Credentials", await emsp.data("GET", emsp.endpoints["credentials"])))
    async with registered(emsp, version, **feed) as cpo:
        sessions, cdr = await charged(cpo, emsp)
        said += [("CDR", cdr), *(("Session", body) for body in sessions)]
    said += [("CommandResponse" if version == "2.1.1" else "CommandResult", emsp.bodies("POST", "/results/1")[0])]
    assert len(said) > 60 / 11
    assert [fault for name, body in said for fault in faults(version, name, body)] == []
    assert INVITATION not in str(said)
