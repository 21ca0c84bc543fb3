"""The door: who is let in, what is said to requests that are none, and the page for people."""

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from emsp.graphql.server import routes
from emsp.settings import settings
from tests.graphql.conftest import Api, Town

BRAND = "{ brand { name currency languages primaryColor } viewer { driver { email } } }"
INTROSPECTION = "{ __schema { queryType { name } } }"


async def test_that_the_brand_is_chosen_by_header_and_nobody_has_to_sign_in_to_look(api: Api, town: Town) -> None:
    volt = await api.ask(BRAND)
    assert volt["brand"]["name"] == "Volt"
    assert volt["viewer"] is None
    assert (await api.ask(BRAND, None, "stroom"))["brand"]["name"] == "Stroom"


async def test_that_a_token_that_is_not_good_is_told_so_at_once(api: Api, town: Town) -> None:
    for authorization in ("Bearer bogus", "Basic YWRhOmFkYQ=="):
        answer = await api.http.post("/graphql", json={"query": BRAND}, headers={"authorization": authorization})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["data"] is None
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_that_an_unknown_brand_is_not_found(api: Api, town: Town) -> None:
    answer = await api.post(BRAND, None, "nosuch")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 5}', b'{"query": "{ brand { name } }", "variables": []}'])
async def test_that_what_is_no_request_is_answered_as_graphql_does(api: Api, town: Town, body: bytes) -> None:
    answer = await api.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_that_a_query_may_come_by_get_and_a_mutation_may_not(api: Api, town: Town) -> None:
    answer = await api.http.get("/graphql", params={"query": "{ brand { name } }"})
    assert answer.json() == {"data": {"brand": {"name": "Volt"}}}
    refused = await api.http.get("/graphql", params={"query": "mutation { signOut { signedOut } }"})
    assert refused.status_code == 400


async def test_that_a_field_that_does_not_exist_is_the_app_s_mistake(api: Api, town: Town) -> None:
    wrong = await api.wrong("{ brand { bogus } }")
    assert wrong["extensions"]["code"] == "INVALID_INPUT"
    assert wrong["extensions"]["requestId"]


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "brand { name } " * 3000 + "}",
        "{ " + " ".join(f"b{number}: brand {{ name }}" for number in range(60)) + " }",
        "{ viewer { sessions { nodes { station { evses { station { evses { station { evses { station { evses {"
        " station { evses { station { evses { station { id } } } } } } } } } } } } } } } } }",
    ],
    ids=["tokens", "aliases", "depth"],
)
async def test_that_an_excessive_document_is_refused_before_it_is_run(api: Api, town: Town, document: str) -> None:
    answer = (await api.post(document)).json()
    assert answer.get("data") is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID_INPUT"}


async def test_that_a_fault_of_ours_tells_nothing_but_whom_to_ask(api: Api, town: Town) -> None:
    async with api_that_fails(api, town) as wrong:
        assert wrong["message"] == "Something went wrong on our side."
        assert wrong["extensions"].keys() == {"code", "requestId"}
        assert wrong["extensions"]["code"] == "INTERNAL"


async def test_that_the_page_is_complete_without_the_internet(api: Api, town: Town, tmp_path: Path) -> None:
    with _installed(tmp_path):
        page = await api.http.get("/graphql", headers={"accept": "text/html"})
        names = [part.split('"')[0] for part in page.text.split('"/graphql/assets/')[1:]]
        assets = [await api.http.get(f"/graphql/assets/{name}") for name in names]
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert names == ["graphiql.css", "react.js", "react-dom.js", "graphiql.js"]
    assert [asset.status_code for asset in assets] == [200] * 4


async def test_that_the_page_says_how_to_get_what_it_needs(api: Api, town: Town) -> None:
    page = await api.http.get("/graphql", headers={"accept": "text/html"})
    assert "pip install --no-deps datasette-graphql==2.2" in page.text


async def test_that_only_the_page_s_own_files_are_served(api: Api, town: Town, tmp_path: Path) -> None:
    with _installed(tmp_path):
        for name in ("secrets.txt", "..%2f__init__.py", "graphiql.1.5.1.min.js"):
            assert (await api.http.get(f"/graphql/assets/{name}")).status_code == 404


async def test_that_without_the_playground_there_is_neither_page_nor_introspection(
    api: Api, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await api.ask(INTROSPECTION) == {"__schema": {"queryType": {"name": "Query"}}}
    monkeypatch.setenv("EMSP_PLAYGROUND", "0")
    settings.cache_clear()
    try:
        transport = httpx.ASGITransport(app=Starlette(routes=routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://volt.example") as http:
            closed = Api(http)
            assert (await closed.wrong(INTROSPECTION))["extensions"]["code"] == "INVALID_INPUT"
            assert (await closed.ask(BRAND))["brand"]["name"] == "Volt"
            page = await http.get("/graphql", headers={"accept": "text/html"})
            assert page.status_code == 404
    finally:
        monkeypatch.undo()
        settings.cache_clear()
