"""Documents that apps name instead of sending them, and installations that answer no others."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from emsp.graphql.execution.persisted import Persisted, hash_of
from emsp.graphql.server import routes
from emsp.settings import settings
from tests.graphql.conftest import Api, Town

BRAND = "{ brand { name } }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document, and a manifest as compilers write them."""
    (tmp_path / "brand.graphql").write_text(f"{BRAND}\n")
    operations = [{"id": "viewer-1", "name": "Viewer", "type": "query", "body": "{ viewer { driver { email } } }"}]
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "any", "operations": operations}))
    return tmp_path


def _by(document_id: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": document_id}}


def test_that_documents_are_found_by_hash_and_by_their_own_id(folder: Path) -> None:
    persisted = Persisted(folder)
    assert persisted.text(None, _by(hash_of(BRAND))) == BRAND
    assert persisted.text(None, _by(f"sha256:{hash_of(BRAND)}")) == BRAND
    assert persisted.text("", _by("viewer-1")) == "{ viewer { driver { email } } }"
    assert persisted.text("{ other }", None) == "{ other }"


async def test_that_an_app_may_teach_us_a_document(api: Api, town: Town) -> None:
    body = {"extensions": _by(hash_of(BRAND))}
    unknown = (await api.http.post("/graphql", json=body)).json()
    assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
    assert unknown["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"

    taught = (await api.http.post("/graphql", json=body | {"query": BRAND})).json()
    assert taught["data"] == {"brand": {"name": "Volt"}}
    assert (await api.http.post("/graphql", json=body)).json() == taught
    assert (await api.http.post("/graphql", json={"documentId": f"sha256:{hash_of(BRAND)}"})).json() == taught
    by_get = {"extensions": json.dumps(_by(hash_of(BRAND)))}
    assert (await api.http.get("/graphql", params=by_get)).json() == taught


async def test_that_a_hash_of_something_else_is_refused(api: Api, town: Town) -> None:
    answer = (await api.http.post("/graphql", json={"query": BRAND, "extensions": _by("0" * 64)})).json()
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_that_an_installation_may_answer_registered_documents_only(
    api: Api, town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMSP_DOCUMENTS", str(folder))
    monkeypatch.setenv("EMSP_ONLY_DOCUMENTS", "1")
    settings.cache_clear()
    try:
        transport = httpx.ASGITransport(app=Starlette(routes=routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://volt.example") as http:
            closed = Api(http)
            assert (await closed.ask(BRAND))["brand"]["name"] == "Volt"
            assert (await closed.wrong("{ brand { slug: name } }"))["message"].startswith("Only documents")
            taught = {"query": "{ viewer { id } }", "extensions": _by(hash_of("{ viewer { id } }"))}
            assert "errors" in (await http.post("/graphql", json=taught)).json()
            assert (await http.post("/graphql", json={"documentId": "viewer-1"})).json()["data"] == {"viewer": None}
    finally:
        monkeypatch.undo()
        settings.cache_clear()
