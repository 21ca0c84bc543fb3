"""Every endpoint of the three versions with anything as path, headers, query and body.

What comes back is a well-formed envelope and never a fault of ours, and what was refused has changed nothing: no row
of what drivers see, and no kept object by half.
"""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emsp.ocpi import wire
from emsp.ocpi.conformance import tables
from tests.ocpi import people
from tests.ocpi.generated import Json, objects
from tests.ocpi.people import Cpo, authorization, values
from tests.ocpi.test_any_object import in_version

MANY = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
VERSIONS = pytest.mark.parametrize("version", tables.VERSIONS)
METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE")
UNKNOWN_COMMAND = "00000000-0000-4000-8000-000000000000"
PATHS = {
    "/locations/NL/ABC/LOC1": "Location",
    "/locations/NL/ABC/LOC1/3256": "EVSE",
    "/locations/NL/ABC/LOC1/3256/1": "Connector",
    "/locations/NL/ABC/NEW": "Location",
    "/tariffs/NL/ABC/T1": "Tariff",
    "/sessions/NL/ABC/S1": "Session",
    "/cdrs": "CDR",
    "/cdrs/NL/ABC/C1": "CDR",
    "/tokens": "Token",
    "/tokens/U1/authorize": "LocationReferences",
    f"/commands/START_SESSION/{UNKNOWN_COMMAND}": "CommandResponse",
    f"/chargingprofiles/{UNKNOWN_COMMAND}": "CommandResponse",
    "/chargingprofiles/S1": "ActiveChargingProfile",
    "/hubclientinfo/NL/ABC": "ClientInfo",
    "/invoicereconciliation": "InvoiceReconciliationRecord",
    "/invoicereconciliation/NL/ABC/I1": "InvoiceReconciliationRecord",
    "/bookings/NL/ABC/B1": "Credentials",
    "/nothing": "Credentials",
    "": "VersionDetails",
}
KEPT = (
    "/locations/NL/ABC/LOC1",
    "/tariffs/NL/ABC/T1",
    "/sessions/NL/ABC/S1",
)
SEEN_BY_DRIVERS = ("station", "evse", "connector", "tariff", "operator", "charging_session", "receipt", "partner")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
BROKEN = st.sampled_from(
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[{}]",
        b'"text"',
        b"{",
        b'{"id": "LOC1"',
        b"[" * 100_000,
        b'{"evses": ' * 5_000,
        b'{"evses": ' * 40 + b"1" + b"}" * 40,
        b'{"id": "T1", "kwh": 1e999999999}',
        b'{"id": "T1", "kwh": ' + b"9" * 5_000 + b"}",
        b'{"kwh": NaN, "total_energy": -Infinity}',
        b'{"id": "' + b"x" * 300_000 + b'"}',
        b'{"name": "\\u0000", "last_updated": "2030-01-01T00:00:00Z"}',
        b'{"name": "a\x00b", "last_updated": "2030-01-01T00:00:00Z"}',
        b'{"name": "\\ud800", "last_updated": "2030-01-01T00:00:00Z"}',
        b'{"na\\ud800me": "x", "last_updated": "2030-01-01T00:00:00Z"}',
        b'{"name": "\xff\xfe", "last_updated": "2030-01-01T00:00:00Z"}',
        '{"name": "Café", "last_updated": "2030-01-01T00:00:00Z"}'.encode("latin-1"),
        '{"name": "Café", "last_updated": "2030-01-01T00:00:00Z"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"name": "A", "last_updated": "2030-01-01T00:00:00Z"}',
        b'{"name": "A", "name": "B", "last_updated": "9999-12-31T23:59:59-23:59"}',
        b'{"last_updated": "0001-01-01T00:00:00+23:59"}',
        b"name=A&city=B",
        b"<location/>",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "X-Request-ID",
            "X-Correlation-ID",
            "OCPI-to-country-code",
            "OCPI-from-party-id",
            "Accept",
            "Content-Encoding",
        ]
    ),
    st.sampled_from(
        [b"", b" ", b"text/plain; charset=utf-16", b"\xff\xfe", b"x" * 5_000, b"gzip", b"NL", "é".encode()]
    ),
    max_size=3,
)
QUERIES = st.sampled_from(
    [
        "",
        "?offset=-1",
        "?offset=99999999999999999999&limit=x",
        "?limit=0",
        "?limit=%D9%A3&offset=%C2%B2",
        "?date_from=yesterday",
        "?date_from=9999-12-31T23:59:59-23:59&date_to=0001-01-01",
        "?type=%00",
        "?type=RFID&type=OTHER",
        "?%ff=%fe&a",
    ]
)


def envelope_of(answer: httpx.Response) -> Json:
    """The response object, checked: whatever came in, this goes out."""
    said: Any = msgspec.json.decode(answer.content)
    assert answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert type(said["status_code"]) is int
    assert 1000 <= said["status_code"] < 3000, said
    assert wire.moment(said["timestamp"]).tzinfo is not None
    assert isinstance(said["status_message"], str)
    assert set(said) <= {"data", "status_code", "status_message", "timestamp"}
    assert (answer.status_code < 400) or said["status_code"] >= 2000
    assert answer.headers["x-request-id"]
    assert answer.headers["x-correlation-id"]
    return said


async def shown() -> list[tuple[Any, ...]]:
    """A print of every row that drivers or bills are made of."""
    prints = (
        f"SELECT '{t}', count(*), md5(string_agg(t::text, '|' ORDER BY t.id)) FROM {t} t" for t in SEEN_BY_DRIVERS
    )
    return await values(" UNION ALL ".join(prints))


async def kept() -> dict[str, Any]:
    """The objects that the partner sent, as they are kept."""
    rows = await values("SELECT module || ' ' || object_key, body FROM ocpi_inbox")
    return {key: wire.decode(body) for key, body in rows}


async def settled(cpo: Cpo, version: str) -> Cpo:
    """A partner of a version that has sent one object of every kind, once."""
    if cpo.version == version and await kept():
        return cpo
    in_version(cpo, version)
    for path, sent in zip(KEPT, (people.location(), people.tariff(), people.session()), strict=True):
        assert (await cpo.send("PUT", path, as_of(version, sent))).status_code in (200, 201)
    return cpo


def as_of(version: str, sent: Json) -> Json:
    """Objects of people.py, near enough to 2.1.1 for what is sent here."""
    if version == "2.1.1" and "cdr_token" in sent:
        place = {**people.location(), "evses": [people.evse("3256")]}
        return {**sent, "start_datetime": sent["start_date_time"], "auth_id": "NLEMPC1", "location": place}
    return sent


async def tried(cpo: Cpo, method: str, path: str, body: bytes, **headers: Any) -> None:
    """One request: its answer is an envelope, and a refusal has changed nothing that anybody sees, nor half of it."""
    rows, before = await shown(), await kept()
    sent = {**authorization(cpo.token), "Content-Type": "application/json", **headers}
    said = envelope_of(await cpo.http.request(method, f"/ocpi/{cpo.version}{path}", content=body, headers=sent))
    if said["status_code"] >= 2000:
        assert await shown() == rows
        for key, found in (await kept()).items():
            assert found == before.get(key) or is_sent(found, body), f"{key} was changed by half"


def is_sent(found: Any, body: bytes) -> bool:
    """Whether an object is the body as a whole, kept apart to be looked at; the path may have said its id."""
    sent = wire.decode(body)
    sent = sent[0] if isinstance(sent, list) and len(sent) == 1 else sent
    return isinstance(sent, dict) and {**sent, "id": found.get("id")} == {**found, "id": found.get("id")}


@VERSIONS
@MANY
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(sorted(PATHS)),
    query=QUERIES,
    headers=HEADERS,
    body=BROKEN | JSON.map(msgspec.json.encode),
)
async def test_anything_at_every_endpoint(
    version: str, method: str, path: str, query: str, headers: dict[str, Any], body: bytes, cpo: Cpo
) -> None:
    await tried(await settled(cpo, version), method, path + query, body, **headers)


@VERSIONS
@MANY
@given(data=st.data())
async def test_objects_that_are_nearly_right(version: str, data: st.DataObject, cpo: Cpo) -> None:
    """An object as the tables allow it, with one member of any other kind."""
    await settled(cpo, version)
    name_of = {path: name for path, name in PATHS.items() if "NL/ABC" in path and name in tables.classes(version)}
    path = data.draw(st.sampled_from(sorted(name_of)))
    made = data.draw(objects(version, name_of[path]))
    field = data.draw(st.sampled_from(sorted(tables.fields(version, name_of[path]))))
    made = {**made, field: data.draw(JSON | st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=2)))}
    await tried(cpo, data.draw(st.sampled_from(["PUT", "PATCH"])), path, wire.encode(made))


@VERSIONS
@MANY
@given(data=st.data())
async def test_bodies_that_end_in_the_middle(version: str, data: st.DataObject, cpo: Cpo) -> None:
    await settled(cpo, version)
    path = data.draw(st.sampled_from(KEPT))
    body = wire.encode(data.draw(objects(version, PATHS[path])))
    end = data.draw(st.integers(0, len(body) - 1))
    await tried(cpo, data.draw(st.sampled_from(["PUT", "PATCH"])), path, body[:end])


@VERSIONS
@MANY
@given(
    method=st.sampled_from(METHODS),
    parts=st.lists(
        st.sampled_from(
            [
                "locations",
                "NL",
                "ABC",
                "LOC1",
                "tariffs",
                "cdrs",
                "%2E%2E",
                "%2F",
                "%00",
                "%0a",
                "%ff",
                "é",
                "x" * 3_000,
                "",
            ]
        ),
        max_size=8,
    ),
)
async def test_paths_that_lead_nowhere(version: str, method: str, parts: list[str], cpo: Cpo) -> None:
    await tried(await settled(cpo, version), method, "/" + "/".join(parts), b"{}")


@VERSIONS
@settings(MANY, max_examples=15)
@given(method=st.sampled_from(["POST", "PUT", "PATCH"]), body=BROKEN | JSON.map(msgspec.json.encode))
async def test_credentials_that_are_none(version: str, method: str, body: bytes, cpo: Cpo) -> None:
    await tried(await settled(cpo, version), method, "/credentials", body)


@pytest.mark.parametrize(
    "authorization", [b"", b"Token", b"Token \xff", b"Bearer x", b"Token " + b"A" * 9_000, b"Token w6k="]
)
async def test_whoever_is_not_known_is_told_so(authorization: bytes, us: httpx.AsyncClient) -> None:
    for path in ("/ocpi/versions", "/ocpi/2.2.1/locations/NL/ABC/LOC1", "/ocpi/", "/ocpi/9.9"):
        answer = await us.request("GET", path, headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert envelope_of(answer)["status_code"] == 2000
