"""The short way of a query that was seen before: the very answers and headers of the long one."""

from hashlib import sha256
from re import sub
from typing import Any

import httpx
import orjson
import pytest

from tests.graphql.conftest import Api, Town

NAMED = "query Brand($id: ID!) { brand { name } node(id: $id) { id } }"
JSON = {"content-type": "application/json", "x-request-id": "same", "x-correlation-id": "same"}


def _told(answer: httpx.Response) -> tuple[Any, ...]:
    content = sub(rb'"requestId":"[^"]+"', b"", answer.content)
    return answer.status_code, content, sorted(answer.headers.multi_items())


async def _in_pieces(body: bytes) -> Any:
    for start in range(0, len(body), 20):
        yield body[start : start + 20]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"query": "{ brand { name } }"}, {}),
        ({"query": "{ brand { name } }", "variables": None, "operationName": None, "extensions": None}, {}),
        ({"query": NAMED, "variables": {"id": "nothing"}, "operationName": "Brand"}, {}),
        ({"query": NAMED, "variables": {}}, {}),
        ({"query": "{ stations(where: { ids: [] }, first: 0) { nodes { id } } }"}, {}),
        ({"query": "{ viewer { driver { email } } }"}, {"authorization": "Bearer ada-token"}),
        ({"query": "{ viewer { driver { email } } }"}, {"authorization": "Bearer bogus"}),
        ({"query": "{ brand { name } }"}, {"x-brand": "nosuch"}),
        ({"query": "{ brand { name } }"}, {"origin": "https://app.example"}),
    ],
)
async def test_that_what_is_sent_at_once_is_answered_as_what_comes_in_pieces(
    api: Api, town: Town, body: dict[str, Any], headers: dict[str, str]
) -> None:
    content, sent = orjson.dumps(body), JSON | headers
    await api.http.post(
        "/graphql", content=orjson.dumps({"query": body["query"], "variables": {"id": "x"}}), headers=JSON
    )
    at_once = [_told(await api.http.post("/graphql", content=content, headers=sent)) for _ in range(2)]
    in_pieces = _told(await api.http.post("/graphql", content=_in_pieces(content), headers=sent))
    assert at_once == [in_pieces, in_pieces]


async def test_that_a_document_that_is_known_by_its_id_goes_the_same_way(api: Api, town: Town) -> None:
    query = "{ brand { name } }"
    digest = sha256(query.encode()).hexdigest()
    extensions = {"persistedQuery": {"sha256Hash": digest}}
    await api.http.post("/graphql", json={"query": query, "extensions": extensions})
    for named in ({"documentId": digest}, {"extensions": extensions}):
        answer = await api.http.post("/graphql", json=named)
        assert answer.json() == {"data": {"brand": {"name": "Volt"}}, "extensions": {"cost": 2}}
