"""The door: who is let in, what is said to requests that are none, and the page for people."""

import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from emsp.db.engine import transaction
from emsp.graphql.server import ASSETS, PAGE, routes
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


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"5", b'"x"', b'{"query": 5}', b'{"query": "{ brand { name } }", "variables": []}'],
)
async def test_that_what_is_no_request_is_answered_as_graphql_does(api: Api, town: Town, body: bytes) -> None:
    answer = await api.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_that_what_is_to_be_watched_needs_a_websocket(api: Api, town: Town) -> None:
    box = "box: { west: 4, south: 52, east: 5, north: 53 }"
    answer = await api.post(f"subscription {{ stationAvailabilityChanged({box}) {{ __typename }} }}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "subscriptions are not allowed when using POST"
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_that_a_query_may_come_by_get_and_a_mutation_may_not(api: Api, town: Town) -> None:
    answer = await api.http.get("/graphql", params={"query": "{ brand { name } }"})
    assert answer.json() == {"data": {"brand": {"name": "Volt"}}, "extensions": {"cost": 2}}
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
    async with transaction() as db:
        await db.execute(text("ALTER TABLE points_entry RENAME TO lost"))

    answer = (await api.post("{ viewer { driver { email } loyalty { pointsBalance } } }", "ada-token")).json()

    [wrong] = answer["errors"]
    assert wrong["message"] == "Something went wrong on our side."
    assert wrong["path"] == ["viewer", "loyalty", "pointsBalance"]
    assert wrong["extensions"].keys() == {"code", "requestId"}
    assert wrong["extensions"]["code"] == "INTERNAL"
    assert "points_entry" not in str(answer)


async def test_that_a_database_that_is_gone_is_a_fault_too(api: Api, town: Town) -> None:
    async with transaction() as db:
        await db.execute(text("ALTER TABLE brand RENAME TO lost"))

    answer = await api.post(BRAND)

    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "SELECT" not in answer.text


@pytest.fixture
def graphiql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package with GraphiQL's files, whose code must not be run."""
    package = tmp_path / "datasette_graphql"
    (package / "static").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not to be run')")
    for name in ASSETS.values():
        (package / "static" / name).write_text(name)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("graphiql")
async def test_that_the_page_is_complete_without_the_internet(api: Api, town: Town) -> None:
    page = await api.http.get("/graphql", headers={"accept": "text/html"})
    names = [part.split('"')[0] for part in page.text.split('"/graphql/assets/')[1:]]
    assets = [await api.http.get(f"/graphql/assets/{name}") for name in names]

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert names == ["graphiql.css", "react.js", "react-dom.js", "graphiql.js"]
    assert [asset.text for asset in assets] == [ASSETS[name] for name in names]


async def test_that_the_first_query_of_the_page_works(api: Api, town: Town) -> None:
    document = PAGE.read_text().split("`")[1]
    assert (await api.ask(document))["stations"]["totalCount"] == 1


async def test_that_the_page_says_how_to_get_what_it_needs(
    api: Api, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasette_graphql", None)
    page = await api.http.get("/graphql", headers={"accept": "text/html"})
    assert "pip install --no-deps datasette-graphql==2.2" in page.text
    assert (await api.http.get("/graphql/assets/graphiql.js")).status_code == 404


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize("name", ["secrets.txt", "..%2f__init__.py", "graphiql.1.5.1.min.js"])
async def test_that_only_the_page_s_own_files_are_served(api: Api, town: Town, name: str) -> None:
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
            answer = (await closed.post(INTROSPECTION)).json()
            assert answer["data"] is None
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID_INPUT"}
            assert (await closed.ask(BRAND))["brand"]["name"] == "Volt"
            page = await http.get("/graphql", headers={"accept": "text/html"})
            assert page.status_code == 404
    finally:
        monkeypatch.undo()
        settings.cache_clear()
