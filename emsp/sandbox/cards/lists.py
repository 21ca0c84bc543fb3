"""Lists as Stripe pages them: newest first, `limit`, `starting_after`, `ending_before`, `created[…]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter
from emsp.sandbox.cards.state import Object, public

PAGING = ("limit", "starting_after", "ending_before", "created")
LIMIT_MAX = 100
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(call: Call, kind: str, where: Mapping[str, str | None] | None = None) -> Object:
    """One page of a kind; entries of `where` that are None do not filter."""
    limit = _limit(call)
    tests = [(f"json_extract(body, '$.{name}') =", v) for name, v in (where or {}).items() if v is not None]
    tests += _created_tests(call)
    before = call.params.text("ending_before")
    tests += _cursor_tests(call, kind, before)
    order = "seq ASC" if before else "seq DESC"
    rows = call.state.select(kind, tests, f"{order} LIMIT {limit + 1}")
    has_more, rows = len(rows) > limit, rows[:limit]
    if before:
        rows.reverse()
    data = [public(orjson.loads(row["body"])) for row in rows]
    return {"object": "list", "url": call.path, "has_more": has_more, "data": data}


def _limit(call: Call) -> int:
    limit = call.params.integer("limit")
    if limit is not None and not 1 <= limit <= LIMIT_MAX:
        raise BadParameter(f"limit must be between 1 and {LIMIT_MAX}", param="limit")
    return limit or 10


def _cursor_tests(call: Call, kind: str, before: str | None) -> list[tuple[str, Any]]:
    after = call.params.text("starting_after")
    cursor, name = (before, "ending_before") if before else (after, "starting_after")
    if cursor is None:
        return []
    call.find(kind, cursor, name)
    return [("seq >" if before else "seq <", call.state.position(cursor))]


def _created_tests(call: Call) -> list[tuple[str, Any]]:
    if isinstance(call.params.fields.get("created"), str):
        return [("json_extract(body, '$.created') =", call.params.integer("created"))]
    created = call.params.child("created")
    created.only(*_COMPARISONS)
    return [(f"json_extract(body, '$.created') {_COMPARISONS[n]}", created.integer(n)) for n in created.fields]
