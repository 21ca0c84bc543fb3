"""Plans on a schema of the test's own: what runs when, what is kept, what is left to graphql-core."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.http import process_result

from emsp.graphql.execution.engine import PlannedSchema
from emsp.graphql.execution.kept import Kept
from emsp.graphql.execution.waiting import Tasks, results
from emsp.graphql.fields import resolver


@dataclass
class Row:
    """A record as the index makes them."""

    id: int
    version: int
    name: str


@dataclass
class Asking:
    """The context of a request: rows, and what was loaded and called."""

    rows: list[Row]
    batches: list[list[int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loader: DataLoader[int, int] = DataLoader(self._load)

    async def _load(self, keys: list[int]) -> list[int]:
        self.batches.append(list(keys))
        return [key * 10 for key in keys]


@strawberry.type
class Part:
    text: str


@strawberry.type
class Thing:
    row: strawberry.Private[Row]

    @resolver("Its parts.", kept=True)
    def parts(self, info: strawberry.Info) -> list[Part]:
        info.context.calls.append(f"parts {self.row.id}")
        return [Part(text=self.row.name)]

    @resolver("Loaded.")
    async def tens(self, info: strawberry.Info) -> int:
        return int(await info.context.loader.load(self.row.id))

    @resolver("Loaded, twice in a row.")
    async def hundreds(self, info: strawberry.Info) -> int:
        return int(await info.context.loader.load(await info.context.loader.load(self.row.id)))

    @resolver("Goes wrong for the second.")
    async def risky(self, info: strawberry.Info) -> str | None:
        await asyncio.sleep(0)
        if self.row.id == 2:
            raise ValueError("the second")
        return "fine"

    @resolver("Asks for more than a plan tells.")
    def nosy(self, info: strawberry.Info) -> str:
        return info.field_name


@strawberry.type
class Query:
    @resolver("All of them.")
    def things(self, info: strawberry.Info) -> list[Thing]:
        return [Thing(row=row) for row in info.context.rows]


def _schema(**named: Any) -> PlannedSchema:
    return PlannedSchema(query=Query, **named)


def _rows(version: int = 1) -> list[Row]:
    return [Row(1, version, f"a{version}"), Row(2, version, f"b{version}")]


async def _twice(schema: PlannedSchema, document: str, asking: Asking | None = None) -> Any:
    """The answer once the document is known."""
    first = await schema.execute(document, context_value=Asking(_rows()))
    again = await schema.execute(document, context_value=asking or Asking(_rows()))
    assert orjson.dumps(process_result(first)) == orjson.dumps(process_result(again)) or asking
    return again


async def test_that_what_a_level_loads_is_one_batch() -> None:
    asking = Asking(_rows())
    answer = await _twice(_schema(), "{ things { tens again: tens hundreds } }", asking)
    assert answer.data == {
        "things": [{"tens": 10, "again": 10, "hundreds": 100}, {"tens": 20, "again": 20, "hundreds": 200}]
    }
    assert asking.batches == [[1, 2], [10, 20]]


async def test_that_what_goes_wrong_is_told_by_graphql_core() -> None:
    answer = await _twice(_schema(), "{ things { risky } }")
    assert answer.data == {"things": [{"risky": "fine"}, {"risky": None}]}
    assert [error.path for error in answer.errors] == [["things", 1, "risky"]]


async def test_that_a_resolver_that_wants_to_know_more_is_run_by_graphql_core() -> None:
    answer = await _twice(_schema(), "{ things { x: nosy } }")
    assert answer.data == {"things": [{"x": "nosy"}, {"x": "nosy"}]}


async def test_that_what_is_skipped_altogether_leaves_empty_objects() -> None:
    schema, document = _schema(), "query ($no: Boolean!) { things { tens @skip(if: $no) } }"
    for no, expected in ((True, [{}, {}]), (False, [{"tens": 10}, {"tens": 20}]), (True, [{}, {}])):
        for _ in range(2):
            answer = await schema.execute(document, {"no": no}, Asking(_rows()))
            assert answer.data == {"things": expected}


async def test_that_json_is_kept_for_a_version_and_live_fields_are_not() -> None:
    schema, document = _schema(as_json=True), "{ things { tens parts { text } } }"
    await _twice(schema, document)

    def sent(answer: Any) -> Any:
        return orjson.loads(orjson.dumps(process_result(answer)))["data"]["things"]

    same = Asking(_rows())
    assert sent(await schema.execute(document, context_value=same))[0] == {"tens": 10, "parts": [{"text": "a1"}]}
    assert (same.calls, same.batches) == ([], [[1, 2]])

    changed = Asking([_rows()[0], _rows(version=2)[1]])
    assert [thing["parts"] for thing in sent(await schema.execute(document, context_value=changed))] == [
        [{"text": "a1"}],
        [{"text": "b2"}],
    ]
    assert changed.calls == ["parts 2"]


async def test_that_keys_keep_the_order_in_which_they_were_asked_for() -> None:
    schema = _schema(as_json=True)
    answer = await _twice(schema, "{ things { parts { text } tens more: parts { text } } }")
    assert list(answer.data["things"][0]) == ["parts", "tens", "more"]


def test_that_what_is_kept_is_bounded() -> None:
    kept = Kept(bytes_max=1_000)
    for station in (1, 2):
        kept.put(1, station, 7, b"text", 4)
    assert kept.get(1, [1, 2, 3], [7, 8, 7]) == [b"text", None, None]
    assert kept.get(2, [1], [7]) == [None]
    kept.put(1, 3, 7, b"text", 4)
    assert kept.get(1, [1, 2, 3], [7, 7, 7]) == [b"text", b"text", b"text"]
    kept.put(1, 1, 8, b"newer", 5)
    assert kept.get(1, [1, 1], [7, 8]) == [None, b"newer"]
    kept.put(1, 4, 7, b"text", 4)
    assert kept.get(1, [1, 2, 3, 4], [8, 7, 7, 7]) == [b"newer", None, b"text", b"text"]


def test_that_what_is_kept_grows_old() -> None:
    now = 0.0
    kept = Kept(now=lambda: now)
    kept.put(1, 1, 7, b"first", 5)
    for later in (300.0, 300.1, 599.9):
        now = later
        assert kept.get(1, [1], [7]) == [b"first"]
    kept.put(1, 2, 7, b"second", 6)
    now = 600.1
    assert kept.get(1, [1, 2], [7, 7]) == [None, b"second"]
    now = 1_300.0
    assert kept.get(1, [1, 2], [7, 7]) == [None, None]


async def test_that_only_what_waits_becomes_a_task() -> None:
    async def at_once() -> str:
        return "at once"

    shared = asyncio.get_running_loop().create_future()

    async def later() -> str:
        return str(await shared)

    started = Tasks().start(each() for each in (at_once, later, later))
    assert started[0] == "at once"
    assert all(isinstance(one, asyncio.Task) for one in started[1:])
    shared.set_result("later")
    assert await results(started) == ["at once", "later", "later"]


async def test_that_documents_seen_least_lately_are_forgotten() -> None:
    schema = _schema()
    for number in range(600):
        await schema.execute(f"{{ a{number}: __typename }}")
    assert schema.documents.get("{ a0: __typename }") is None
    assert schema.documents.get("{ a599: __typename }") is not None
