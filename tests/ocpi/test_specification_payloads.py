"""The specification's own payloads, each sent to the endpoint that it belongs to, in its own version."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from emsp.db.engine import transaction
from emsp.ocpi import routing, wire
from emsp.ocpi.client import Answer
from emsp.ocpi.connections import PartyId
from emsp.ocpi.join import handshake
from emsp.ocpi.join.discovery import understood
from emsp.ocpi.keep.apply import settle_inbox_cdr
from emsp.ocpi.words.messages import DisplayText, Version, VersionDetails
from emsp.ocpi.words.reading import convert
from tests.ocpi.people import Cpo, values

FOLDER = Path(__file__).parents[3] / "shared" / "ocpi" / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the specification's payloads are not here")
VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
TNM = PartyId("NL", "TNM")
"""Whose objects the specification's paths name."""

REFUSED = {
    "tariffs_put_example_new_tariff_2_euro_per_hour.json": "last_updated",
    "tariff_put_example.json": "last_updated",
}
"""Payloads that we refuse, with the field that we name: what INDEX.tsv calls missing there."""


class Example(NamedTuple):
    """A payload of the specification, as INDEX.tsv tells of it."""

    version: str
    file: str
    module: str
    kind: str
    note: str

    @property
    def text(self) -> bytes:
        return (FOLDER / self.version / self.file).read_bytes()

    def json(self) -> Any:
        return json.loads(self.text, parse_float=Decimal)


WHOLE = ("Location", "Tariff", "Session", "CDR")
PARTS = ("Hours", "{energy_mix: EnergyMix}", "{opening_times: Hours}")


def examples(*modules: str, kinds: tuple[str, ...] = (), partial: bool = False) -> list[Any]:
    """The parseable payloads of some modules: those of some kinds, the fragments of changes, or all."""
    return list(_examples(modules, kinds, partial))


def _examples(modules: tuple[str, ...], kinds: tuple[str, ...], partial: bool) -> Iterator[Any]:
    if not FOLDER.exists():
        return
    with (FOLDER / "INDEX.tsv").open() as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            name, version, module, kind, parses, note = (*row, "")[:6]
            if version not in VERSIONS or module not in modules or parses != "y":
                continue
            if ("partial" in kind and partial) or kind in kinds or not (kinds or partial):
                yield pytest.param(Example(version, name, module, kind, note), id=f"{version}-{name}")


@pytest.fixture
async def partner(cpo: Cpo) -> Cpo:
    """A CPO that speaks for every party of the examples."""
    async with transaction() as db:
        for party in (TNM, *(PartyId("BE", "BEC"), PartyId("DE", "ALL"), PartyId("NL", "ALF"), PartyId("NL", "ALL"))):
            await routing.allow(db, cpo.connection.id, party)
    return cpo


async def put(partner: Cpo, example: Example, body: dict[str, Any]) -> tuple[str, tuple[int, int]]:
    """The path that the object belongs to, and what we answered to a PUT of it."""
    owner = [body.get("country_code") or TNM.country_code, body.get("party_id") or TNM.party_id]
    async with transaction() as db:
        await routing.allow(db, partner.connection.id, PartyId.of(*owner))
    path = "/".join(["", example.module, *owner, str(body["id"])])
    return path, await partner.says("PUT", path, example.text)


@pytest.mark.parametrize("example", examples("locations", "tariffs", "sessions", kinds=WHOLE))
async def test_a_whole_object_is_taken_and_given_back_as_it_was_sent(partner: Cpo, example: Example) -> None:
    partner.version = example.version
    body = example.json()
    path, said = await put(partner, example, body)

    if field := REFUSED.get(example.file):
        assert said == (200, 2001)
        assert f"{field}: required (1) in Tariff but missing" in example.note
        assert (await partner.send("PUT", path, example.text)).json()["status_message"].startswith(f"{field}:")
        return
    assert said == (201, 1000)
    assert exact((await partner.send("GET", path)).content) == body
    tables = {"locations": "station", "tariffs": "tariff"}
    if table := tables.get(example.module):
        assert await values(f"SELECT count(*) FROM {table}") == [(1,)]


def exact(envelope: bytes) -> Any:
    return json.loads(envelope, parse_float=Decimal)["data"]


@pytest.mark.parametrize("example", examples("cdrs", kinds=WHOLE))
async def test_a_cdr_is_taken_and_found_where_we_say(partner: Cpo, example: Example) -> None:
    partner.version = example.version
    answer = await partner.send("POST", "/cdrs/", example.text)
    assert (answer.status_code, answer.json()["status_code"]) == (201, 1000)

    path = answer.headers["Location"].partition(f"/ocpi/{example.version}")[2]
    assert exact((await partner.send("GET", path)).content) == example.json()
    [(document_id,)] = await values("SELECT id FROM ocpi_inbox")
    await settle_inbox_cdr(document_id)
    assert await values("SELECT state, reason FROM ocpi_inbox") == [("APPLIED", None)]
    [(energy, cost)] = await values("SELECT document->>'energy_wh', document->>'net_cost' FROM charge_record")
    assert (Decimal(energy), Decimal(cost)) == (Decimal("15342.000"), Decimal("4.00"))


@pytest.mark.parametrize("example", examples("locations", kinds=("EVSE",)))
async def test_an_evse_is_added_to_a_location(partner: Cpo, example: Example) -> None:
    partner.version = example.version
    location = a_location(example.version)
    await partner.send("PUT", "/locations/NL/TNM/1012", {**location, "evses": location["evses"][:1]})

    assert await partner.says("PUT", "/locations/NL/TNM/1012/3256", example.text) == (201, 1000)
    assert await partner.gets("/locations/NL/TNM/1012/3256") == json.loads(example.text)
    assert await values("SELECT uid, status FROM evse WHERE uid = '3256'") == [("3256", "AVAILABLE")]


@pytest.mark.parametrize("example", examples("locations", kinds=PARTS))
async def test_a_part_of_a_location_is_taken_in_its_place(partner: Cpo, example: Example) -> None:
    partner.version = example.version
    part = example.json() if example.kind.startswith("{") else {"opening_times": example.json()}
    await partner.send("PUT", "/locations/NL/TNM/1012", a_location(example.version))

    change = wire.encode({**part, "last_updated": "2026-06-02T10:00:00Z"})
    assert await partner.says("PATCH", "/locations/NL/TNM/1012", change) == (200, 1000)
    kept = exact((await partner.send("GET", "/locations/NL/TNM/1012")).content)
    assert {name: kept[name] for name in part} == part


@pytest.mark.parametrize("example", examples("locations", "sessions", "tariffs", partial=True))
async def test_a_change_is_laid_over_what_is_known(partner: Cpo, example: Example) -> None:
    partner.version = example.version
    path, known = PATCHED[example.file.partition("_")[0].rstrip("s"), example.kind.partition(" ")[0]]
    whole = "/".join(path.split("/")[:5])
    assert (await partner.says("PUT", whole, known(example.version)))[1] == 1000

    assert await partner.says("PATCH", path, example.text) == (200, 1000)
    kept = exact((await partner.send("GET", path)).content)
    for name, value in example.json().items():
        assert kept[name] == value or (name == "charging_periods" and kept[name][-1:] == value), name


def a_location(version: str) -> dict[str, Any]:
    """A Location 1012 of NL TNM with the EVSEs and connectors that the changes name."""
    connector: dict[str, Any] = {
        "id": "2",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "last_updated": "2010-01-01T00:00:00Z",
    }
    owner = {} if version == "2.1.1" else {"country_code": "NL", "party_id": "TNM", "publish": True}
    evses = [
        {"uid": uid, "status": "AVAILABLE", "connectors": [connector], "last_updated": "2010-01-01T00:00:00Z"}
        for uid in ("3255", "3256")
    ]
    return {
        **owner,
        "id": "1012",
        "address": "Kerkstraat 1",
        "city": "Gent",
        "country": "BEL",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"},
        "evses": evses,
        "last_updated": "2010-01-01T00:00:00Z",
    }


def a_session(version: str) -> dict[str, Any]:
    owner = {"country_code": "NL", "party_id": "TNM"}
    start = {"start_datetime": "2010-01-01T00:00:00Z"}
    if version != "2.1.1":
        start = {"start_date_time": "2010-01-01T00:00:00Z", **owner}
    return {**start, "id": "101", "kwh": 0, "status": "ACTIVE", "last_updated": "2010-01-01T00:00:00Z"}


def a_tariff(version: str) -> dict[str, Any]:
    return {"id": "12", "currency": "EUR", "elements": [], "last_updated": "2010-01-01T00:00:00Z"}


PATCHED: dict[tuple[str, str], tuple[str, Any]] = {
    ("location", "Location"): ("/locations/NL/TNM/1012", a_location),
    ("location", "EVSE"): ("/locations/NL/TNM/1012/3256", a_location),
    ("location", "Connector"): ("/locations/NL/TNM/1012/3255/2", a_location),
    ("session", "Session"): ("/sessions/NL/TNM/101", a_session),
    ("tariff", "Tariff"): ("/tariffs/NL/TNM/12", a_tariff),
}


@pytest.mark.parametrize("example", examples("credentials"))
def test_credentials_are_understood(example: Example) -> None:
    theirs = handshake.credentials_of(example.version, example.json())
    stated = example.json()
    assert theirs.token == stated["token"]
    assert len(theirs.roles) == len(stated.get("roles", [None]))


@pytest.mark.parametrize("example", examples("versions", "transport_and_format", "types"))
def test_what_partners_answer_is_understood(example: Example) -> None:
    body = example.json()
    data = body.get("data") if example.module == "transport_and_format" else body
    match example.kind.removesuffix(" in response envelope"):
        case "list of Version":
            found = understood(Answer(msgspec.json.encode(data), {}), list[Version])
            assert [version.version for version in found] == [version["version"] for version in data]
        case "VersionDetails":
            details = understood(Answer(msgspec.json.encode(data), {}), VersionDetails)
            assert [(e.identifier, e.url) for e in details.endpoints] == [
                (e["identifier"], e["url"]) for e in data["endpoints"]
            ]
        case "DisplayText":
            assert convert(data, DisplayText).text == data["text"]
        case "error":
            assert data is None
            assert body["status_code"] >= 2000
        case _:
            assert "Token" in example.kind, "tokens are ours: no partner sends them to us"


def test_every_parseable_payload_is_looked_at() -> None:
    looked_at = {
        param.id
        for param in examples(
            *("locations", "tariffs", "sessions", "cdrs", "credentials", "versions", "transport_and_format", "types")
        )
    }
    everything = {param.id for param in examples(*all_modules())}
    assert {name.partition("-")[2] for name in everything - looked_at} == {
        "token_example_1_app_user.json",
        "token_example_2_full_rfid.json",
        "token_patch_example.json",
        "token_put_example.json",
        "tokens_patch_example_invalidate_token.json",
        "tokens_put_example_new_token.json",
        "tokens_token_object_example.json",
    }, "tokens are ours: no partner sends them to us"


def all_modules() -> set[str]:
    with (FOLDER / "INDEX.tsv").open() as file:
        return {row[2] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
