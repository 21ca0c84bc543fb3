"""What partners of three versions send is kept as they wrote it, and means the same to drivers."""

from typing import Any

import httpx
import pytest

from emsp.ocpi.connections import PartyId
from emsp.ocpi.join import handshake
from tests.ocpi.people import Cpo, authorization, documents, location, tariff, value, values

CONNECTOR_OF_2_1_1 = {
    "id": "1",
    "standard": "IEC_62196_T2",
    "format": "SOCKET",
    "power_type": "AC_3_PHASE",
    "voltage": 230,
    "amperage": 16,
    "tariff_id": "T1",
    "last_updated": "2026-06-01T10:00:00Z",
}
LOCATION_OF_2_1_1 = {
    "id": "LOC1",
    "type": "ON_STREET",
    "name": "Market Square",
    "address": "Marktplein 1",
    "city": "Utrecht",
    "postal_code": "3511",
    "country": "NLD",
    "coordinates": {"latitude": "52.090000", "longitude": "5.120000"},
    "evses": [
        {
            "uid": "3256",
            "evse_id": "NL-ABC-E3256",
            "status": "AVAILABLE",
            "capabilities": ["REMOTE_START_STOP_CAPABLE"],
            "connectors": [CONNECTOR_OF_2_1_1],
            "last_updated": "2026-06-01T10:00:00Z",
        }
    ],
    "last_updated": "2026-06-01T10:00:00Z",
}
TARIFF_OF_2_1_1 = {
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
    "last_updated": "2026-06-01T10:00:00Z",
}


@pytest.fixture
def old(cpo: Cpo) -> Cpo:
    """The same CPO at our endpoints of 2.1.1."""
    return Cpo(cpo.http, cpo.token, cpo.connection, version="2.1.1")


@pytest.fixture
def new(cpo: Cpo) -> Cpo:
    """The same CPO at our endpoints of 2.3.0."""
    return Cpo(cpo.http, cpo.token, cpo.connection, version="2.3.0")


async def test_a_location_without_an_owner_is_that_of_its_path_and_comes_back_as_it_was(old: Cpo) -> None:
    assert await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1) == (201, 1000)

    assert await old.gets("/locations/NL/ABC/LOC1") == LOCATION_OF_2_1_1
    assert await values("SELECT country_code, party_id, external_id, parking_type, shown FROM station") == [
        ("NL", "ABC", "LOC1", "ON_STREET", True)
    ]
    assert await values("SELECT max_voltage_v, max_amperage_a, tariff_keys FROM connector") == [(230, 16, ["t1"])]


async def test_the_same_station_in_each_version_is_one_station(cpo: Cpo, old: Cpo, new: Cpo) -> None:
    newer = {"last_updated": "2026-06-02T10:00:00Z"}
    for partner, body in ((old, LOCATION_OF_2_1_1), (cpo, location(**newer)), (new, location(**newer))):
        assert (await partner.says("PUT", "/locations/NL/ABC/LOC1", body))[1] == 1000

    assert await value("SELECT count(*) FROM station") == 1
    assert await value("SELECT version FROM ocpi_inbox") == "2.3.0"


async def test_a_change_needs_no_time_in_2_1_1_and_does_in_later_versions(cpo: Cpo, old: Cpo) -> None:
    await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1)
    assert await old.says("PATCH", "/locations/NL/ABC/LOC1/3256", {"status": "CHARGING"}) == (200, 1000)
    assert await value("SELECT status FROM evse") == "CHARGING"

    assert await cpo.says("PATCH", "/locations/NL/ABC/LOC1/3256", {"status": "AVAILABLE"}) == (200, 2001)
    assert await value("SELECT status FROM evse") == "CHARGING"


async def test_a_fragment_in_the_words_of_2_1_1_changes_what_it_names(old: Cpo) -> None:
    await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1)
    changed = {"tariff_id": "T2", "last_updated": "2026-06-01T11:00:00Z"}
    assert await old.says("PATCH", "/locations/NL/ABC/LOC1/3256/1", changed) == (200, 1000)

    assert await values("SELECT tariff_keys, max_voltage_v FROM connector") == [(["t2"], 230)]
    assert (await old.gets("/locations/NL/ABC/LOC1/3256/1"))["tariff_id"] == "T2"


async def test_after_a_change_of_version_a_kept_object_is_read_in_the_new_words(cpo: Cpo, old: Cpo) -> None:
    await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1)

    [evse] = (await cpo.gets("/locations/NL/ABC/LOC1"))["evses"]
    assert evse["connectors"][0]["tariff_ids"] == ["T1"]
    assert evse["connectors"][0]["max_voltage"] == 230

    patch = {"name": "New Square", "last_updated": "2026-06-02T10:00:00Z"}
    assert await cpo.says("PATCH", "/locations/NL/ABC/LOC1", patch) == (200, 1000)
    assert await values("SELECT name, external_id FROM station") == [("New Square", "LOC1")]
    assert (await old.says("GET", "/locations/NL/ABC/LOC1"))[0] == 404, "it is written in a later version now"


async def test_tariffs_are_patched_in_2_1_1_only(cpo: Cpo, old: Cpo) -> None:
    await old.says("PUT", "/tariffs/NL/ABC/T1", TARIFF_OF_2_1_1)
    change = {"currency": "CHF", "last_updated": "2026-06-02T10:00:00Z"}
    assert await cpo.says("PATCH", "/tariffs/NL/ABC/T1", change) == (405, 2000)
    assert await old.says("PATCH", "/tariffs/NL/ABC/T1", change) == (200, 1000)

    assert await value("SELECT document->>'currency' FROM tariff") == "CHF"


async def test_the_tax_of_a_tariff_is_what_its_version_says(cpo: Cpo, old: Cpo, new: Cpo) -> None:
    """Prices without tax are kept without saying so."""
    for partner, body, included in (
        (old, TARIFF_OF_2_1_1, None),
        (cpo, tariff(), None),
        (new, tariff(tax_included="YES", last_updated="2026-06-03T10:00:00Z"), "YES"),
    ):
        assert (await partner.says("PUT", "/tariffs/NL/ABC/T1", body))[1] == 1000
        assert await value("SELECT document->>'tax_included' FROM tariff") == included


async def test_a_cdr_of_2_1_1_belongs_to_the_partner_that_sends_it(old: Cpo) -> None:
    cdr: dict[str, Any] = {
        "id": "C1",
        "start_date_time": "2026-06-01T10:00:00Z",
        "stop_date_time": "2026-06-01T11:00:00Z",
        "auth_id": "APP1",
        "auth_method": "WHITELIST",
        "location": LOCATION_OF_2_1_1,
        "currency": "EUR",
        "charging_periods": [
            {"start_date_time": "2026-06-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 12}]}
        ],
        "total_cost": "3.00",
        "total_energy": 12,
        "total_time": 1,
        "last_updated": "2026-06-01T11:01:00Z",
    }
    answer = await old.send("POST", "/cdrs/", cdr)

    assert answer.status_code == 201
    location_of_it = answer.headers["Location"]
    assert location_of_it == "http://127.0.0.1:8000/ocpi/2.1.1/cdrs/NL/ABC/C1"
    assert await old.gets("/cdrs/NL/ABC/C1") == cdr
    assert await old.says("POST", "/cdrs/", cdr) == (200, 1000)
    assert await documents() == {"cdrs NL/ABC/C1": ("RECEIVED", None)}


async def test_nobody_reaches_what_is_another_partners_whatever_the_body_says(rival: Cpo, cpo: Cpo) -> None:
    old = Cpo(rival.http, rival.token, rival.connection, version="2.1.1")
    claims = {"country_code": "NL", "party_id": "XYZ"}

    assert (await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1)) == (404, 2001)
    assert (await old.says("PUT", "/locations/NL/ABC/LOC1", LOCATION_OF_2_1_1 | claims))[1] == 2001
    assert (await rival.says("POST", "/cdrs/", {"id": "C1", "country_code": "NL", "party_id": "ABC"}))[1] == 2001
    assert await documents() == {}
    assert await value("SELECT count(*) FROM station") == 0


@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
async def test_each_version_names_its_modules_and_no_others(cpo: Cpo, us: httpx.AsyncClient, version: str) -> None:
    answer = await us.get(f"/ocpi/{version}", headers=authorization("abc-token"))
    endpoints = answer.json()["data"]["endpoints"]

    assert {endpoint["identifier"] for endpoint in endpoints} == {
        "2.1.1": {"credentials", "locations", "tariffs", "sessions", "cdrs", "tokens", "commands"},
        "2.2.1": {
            *("credentials", "locations", "tariffs", "sessions", "cdrs", "tokens", "commands"),
            *("chargingprofiles", "hubclientinfo"),
        },
        "2.3.0": {
            *("credentials", "locations", "tariffs", "sessions", "cdrs", "tokens", "commands"),
            *("chargingprofiles", "hubclientinfo", "invoicereconciliation"),
        },
    }[version]
    assert all(("role" in endpoint) == (version != "2.1.1") for endpoint in endpoints)


async def test_credentials_are_told_in_the_words_of_the_version(cpo: Cpo, us: httpx.AsyncClient) -> None:
    headers = authorization("abc-token")
    new = (await us.get("/ocpi/2.3.0/credentials", headers=headers)).json()["data"]
    old = (await us.get("/ocpi/2.1.1/credentials", headers=headers)).json()["data"]

    assert new["token"] == old["token"] == "abc-token"
    [role] = new["roles"]
    assert (role["role"], role["country_code"], role["party_id"]) == ("EMSP", "NL", "EMP")
    assert (old["country_code"], old["party_id"], "roles" in old) == ("NL", "EMP", False)
    assert old["business_details"] == role["business_details"]


async def test_a_partner_without_a_handshake_is_added_with_what_was_agreed(us: httpx.AsyncClient) -> None:
    endpoints = [{"identifier": "locations", "role": "SENDER", "url": "https://static.example/ocpi/locations"}]
    connection, token_in = await handshake.add_static(
        "Static",
        version="2.2.1",
        token_out="theirs",
        token_in=None,
        encoding="RAW",
        endpoints=endpoints,
        roles=[PartyId("NL", "STA")],
    )
    partner = Cpo(us, token_in, connection)

    body = location(party_id="STA")
    assert await partner.says("PUT", "/locations/NL/STA/LOC1", body) == (201, 1000)
    assert await values("SELECT state, is_static, endpoints FROM ocpi_connection") == [("REGISTERED", True, endpoints)]
    assert await value("SELECT party_id FROM station") == "STA"
