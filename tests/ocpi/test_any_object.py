"""Whatever the field tables of a version allow is received, kept, given back as it was sent, and read by the app."""

import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.graphql.server import routes
from emsp.ocpi import wire
from emsp.ocpi.conformance import tables
from emsp.ocpi.conformance.examine import examine
from emsp.ocpi.conformance.findings import ERROR
from tests.ocpi.generated import NEW_WORD, Json, objects
from tests.ocpi.people import Cpo, documents, values

MANY = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
VERSIONS = pytest.mark.parametrize("version", tables.VERSIONS)
NUMBERS = itertools.count()
STATION = """query Station($id: ID!) { station(id: $id) {
  name timeZone openNow facilities coordinates { latitude longitude }
  address { street city postalCode state country } operator { name website phone }
  availability { total } openingHours { twentyFourSeven }
  evses { evseId label status capabilities connectors {
    standard format powerType maxPowerKw priceMissingReason tariff { currency } } } } }"""


@pytest.fixture
async def app(database: str) -> AsyncIterator[httpx.AsyncClient]:
    """An app of a brand, which reads what was received."""
    async with transaction() as db:
        db.add(Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
    transport = httpx.ASGITransport(app=Starlette(routes=routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://volt.example") as client:
        yield client


def another(made: Json) -> Json:
    """The object under an id that no other has."""
    number = str(next(NUMBERS))
    return {**made, "id": made["id"][: 36 - len(number)] + number}


def in_version(cpo: Cpo, version: str) -> Cpo:
    cpo.version = version
    return cpo


async def put(cpo: Cpo, module: str, sent: Json) -> str:
    """Pushes an object that the tables allow, and reads it back; its path."""
    path = f"/{module}/NL/ABC/{quote(sent['id'], safe='')}"
    answer = await cpo.send("PUT", path, wire.encode(sent))
    assert (answer.status_code, answer.json()["status_code"]) == (201, 1000), answer.text
    assert await back(cpo, path) == sent
    return path


async def back(cpo: Cpo, path: str) -> Any:
    answer = await cpo.send("GET", path)
    assert answer.status_code == 200, answer.text
    return wire.decode(answer.content)["data"]


@VERSIONS
@pytest.mark.parametrize("name", tables.MODULES.values())
@settings(MANY, max_examples=15)
@given(data=st.data())
def test_what_is_made_is_as_the_tables_say(version: str, name: str, data: st.DataObject) -> None:
    """What the strategies make has no errors but the words that no enum has."""
    made = data.draw(objects(version, name))
    rules = {f.rule for f in examine(version, name, made) if f.severity == ERROR and NEW_WORD not in f.text}
    assert rules <= {"order", "hours", "unit", "credit"}


@VERSIONS
@MANY
@given(data=st.data())
async def test_locations(version: str, data: st.DataObject, cpo: Cpo, app: httpx.AsyncClient) -> None:
    sent = another(data.draw(objects(version, "Location")))
    await put(in_version(cpo, version), "locations", sent)
    [(station_id, shown)] = await values("SELECT id, shown FROM station WHERE external_id = :id", id=sent["id"])
    asked = {"query": STATION, "variables": {"id": ids.encode("Station", station_id)}}
    answer = (await app.post("/graphql", json=asked)).json()
    assert "errors" not in answer, answer
    assert shown == (sent.get("publish") is not False and any(e["status"] != "REMOVED" for e in sent.get("evses", [])))
    assert (answer["data"]["station"] is not None) == shown
    if shown:
        station = answer["data"]["station"]
        assert read_place(station) == sent_place(sent)
        assert [read_evse(evse) for evse in station["evses"]] == [
            sent_evse(evse, version) for evse in sent["evses"] if evse["status"] != "REMOVED"
        ]


def said(text: str | None) -> str | None:
    """A text as apps get it: what stands for nothing is null."""
    return None if text is None or text.strip() in ("", "#NA") else text.strip()


def known_words(words: list[str]) -> list[str]:
    return list(dict.fromkeys("OTHER" if word == NEW_WORD else word for word in words))


def sent_place(sent: Json) -> Json:
    operator = sent.get("operator") or {}
    return {
        "name": said(sent.get("name")),
        "street": said(sent["address"]),
        "city": said(sent["city"]),
        "postal_code": said(sent.get("postal_code")),
        "state": said(sent.get("state")),
        "country": sent["country"],
        "coordinates": [float(sent["coordinates"][name]) for name in ("latitude", "longitude")],
        "time_zone": sent.get("time_zone", sent["country"]),
        "operator": said(operator.get("name")) or "ABC Charging",
        "always": (sent.get("opening_times") or {}).get("twentyfourseven"),
    }


def read_place(station: Json) -> Json:
    address, opening = station["address"], station["openingHours"]
    return {
        "name": station["name"],
        "street": address["street"],
        "city": address["city"],
        "postal_code": address["postalCode"],
        "state": address["state"],
        "country": address["country"],
        "coordinates": list(station["coordinates"].values()),
        "time_zone": station["timeZone"],
        "operator": station["operator"]["name"],
        "always": opening["twentyFourSeven"],
    }


def sent_evse(evse: Json, version: str) -> Json:
    evse_id = said(evse.get("evse_id"))
    return {
        "evse_id": evse_id and evse_id.upper(),
        "label": said(evse.get("physical_reference")),
        "connectors": len(evse["connectors"]),
    }


def read_evse(evse: Json) -> Json:
    return {"evse_id": evse["evseId"], "label": evse["label"], "connectors": len(evse["connectors"])}


@VERSIONS
@MANY
@given(data=st.data())
async def test_connectors_reach_the_tables_whole(version: str, data: st.DataObject, cpo: Cpo) -> None:
    """Also when they are put one by one into a location that is there."""
    volts, amperes = ("voltage", "amperage") if version == "2.1.1" else ("max_voltage", "max_amperage")
    evse = {**data.draw(objects(version, "EVSE")), "uid": "E", "last_updated": "2026-01-01T00:00:00Z"}
    location = another(data.draw(objects(version, "Location", evses=[evse])))
    path = await put(in_version(cpo, version), "locations", {**location, "last_updated": "2026-01-01T00:00:00Z"})
    path += f"/{location['evses'][0]['uid']}"
    connector = {**data.draw(objects(version, "Connector")), "id": "C1", "last_updated": "2026-01-02T00:00:00Z"}
    answer = await cpo.send("PUT", f"{path}/C1", wire.encode(connector))
    assert (answer.status_code, answer.json()["status_code"]) == (201, 1000), answer.text
    assert await back(cpo, f"{path}/C1") == connector
    [row] = await values(
        """SELECT c.max_voltage_v, c.max_amperage_a, c.standard, c.format, c.power_type, c.tariff_keys
        FROM connector c JOIN evse e ON e.id = c.evse_id JOIN station s ON s.id = e.station_id
        WHERE s.external_id = :id AND c.external_id = 'C1'""",
        id=location["id"],
    )
    tariffs = connector.get("tariff_ids", [connector["tariff_id"]] if "tariff_id" in connector else [])
    assert row == (
        connector[volts],
        connector[amperes],
        connector["standard"],
        connector["format"],
        connector["power_type"],
        [tariff.lower() for tariff in tariffs],
    )


@VERSIONS
@MANY
@given(data=st.data())
async def test_tariffs(version: str, data: st.DataObject, cpo: Cpo) -> None:
    sent = another(data.draw(objects(version, "Tariff")))
    await put(in_version(cpo, version), "tariffs", sent)
    [(currency, document)] = await values("SELECT currency, document FROM tariff WHERE external_id = :i", i=sent["id"])
    assert currency == sent["currency"]
    deciding = [sent["elements"], sent.get("tax_included")]
    if NEW_WORD in str(deciding):
        assert NEW_WORD in document["not_computable"]
    else:
        assert document.get("not_computable") is None
        components = [component for element in document["elements"] for component in element["components"]]
        assert [Decimal(component["price"]) for component in components] == [
            component["price"] for element in sent["elements"] for component in element["price_components"]
        ]


@VERSIONS
@MANY
@given(data=st.data())
async def test_sessions(version: str, data: st.DataObject, cpo: Cpo) -> None:
    sent = another(data.draw(objects(version, "Session")))
    await put(in_version(cpo, version), "sessions", sent)
    assert (await documents())[f"sessions {wire.key_of('NL', 'ABC', sent['id'])}"][0] == "APPLIED"


@VERSIONS
@MANY
@given(data=st.data())
async def test_cdrs(version: str, data: st.DataObject, cpo: Cpo) -> None:
    sent = another(data.draw(objects(version, "CDR")))
    answer = await in_version(cpo, version).send("POST", "/cdrs", wire.encode(sent))
    assert (answer.status_code, answer.json()["status_code"]) == (201, 1000), answer.text
    path = answer.headers["Location"].partition(f"/ocpi/{version}")[2]
    assert await back(cpo, path) == sent


@VERSIONS
@MANY
@given(data=st.data())
async def test_location_references_of_an_authorization(version: str, data: st.DataObject, cpo: Cpo) -> None:
    """An unknown token is an unknown token, wherever it is shown."""
    references = data.draw(objects(version, "LocationReferences"))
    answer = await in_version(cpo, version).send("POST", "/tokens/NOBODY/authorize", wire.encode(references))
    unknown_token = 2001 if version == "2.1.1" else 2004
    assert (answer.status_code, answer.json()["status_code"]) == (404, unknown_token), answer.text


def test_amounts_are_sent_as_numbers() -> None:
    assert msgspec.json.decode(wire.encode({"price": Decimal("0.2500")})) == {"price": 0.25}
