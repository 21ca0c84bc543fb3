"""Over a WebSocket, too, a document may be named by its id."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from emsp.graphql.execution.persisted import hash_of
from emsp.graphql.server import routes
from tests.graphql.conftest import Town
from tests.graphql.watching import UTRECHT, Watcher, connected, served

DOCUMENT = "subscription ($box: BoxInput!) { stationAvailabilityChanged(box: $box) { station { name } } }"
BY_HASH = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(DOCUMENT)}}


@pytest.fixture
async def app(town: Town) -> AsyncIterator[Watcher]:
    async with served(routes()) as url, connected(url) as watcher:
        yield watcher


async def test_that_a_document_that_was_sent_with_its_hash_is_known_by_it(app: Watcher, town: Town) -> None:
    unknown = await _asked(app, "1", extensions=BY_HASH)
    assert (unknown["type"], unknown["payload"][0]["message"]) == ("error", "PersistedQueryNotFound")
    assert unknown["payload"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}

    for number, named in enumerate(({"query": DOCUMENT, "extensions": BY_HASH}, {"extensions": BY_HASH}), 2):
        told = await _asked(app, str(number), **named)
        assert (told["id"], told["type"]) == (str(number), "next")
        assert told["payload"]["data"]["stationAvailabilityChanged"]["station"] == {"name": town.station.name}
    assert (await _asked(app, "4", documentId=f"sha256:{hash_of(DOCUMENT)}"))["type"] == "next"


async def test_that_a_document_must_have_the_hash_that_it_is_sent_with(app: Watcher, town: Town) -> None:
    refused = await _asked(app, "1", query=DOCUMENT + " ", extensions=BY_HASH)
    assert refused["type"] == "error"
    assert refused["payload"][0]["message"] == "The document does not have this hash."


async def _asked(app: Watcher, id: str, **payload: Any) -> Any:
    await app.send(type="subscribe", id=id, payload={"variables": {"box": UTRECHT}, **payload})
    return await app.next()
