"""The list of one module: some pages of it, and whether its parameters do what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import msgspec

from emsp import clock
from emsp.ocpi.conformance import answers
from emsp.ocpi.conformance.answers import Seen
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING
from emsp.ocpi.conformance.lists import identity
from emsp.ocpi.conformance.loose import moment, objects
from emsp.ocpi.conformance.visit import Visit, origin
from emsp.ocpi.pull.pages import with_query

LIMIT = 100
SINCE = timedelta(days=90)
"""How far back sessions are asked for: their list needs a date_from."""
NOBODY = "EMSP-CHECK-NO-SUCH-ID"


class Listed(msgspec.Struct):
    """What was read of a list. `complete` when that is all there is."""

    items: list[Any] = []
    pages: int = 0
    total: int | None = None
    complete: bool = False


async def examine_list(visit: Visit, module: str, url: str, most: int) -> Listed:
    """Up to `most` objects of a list, with notes of its pages and of what its parameters do."""
    listed = Listed()
    first_url = with_query(url, {**_since(module), "offset": "0", "limit": str(min(LIMIT, most))})
    upcoming: str | None = first_url
    visited: set[str] = set()
    while upcoming and len(listed.items) < most:
        visited.add(upcoming)
        seen = await visit.get(module, upcoming, functional=True)
        if seen is None or not _take(visit, module, seen, listed, min(LIMIT, most)):
            return listed
        upcoming = _next(visit, module, seen, listed, first_url, visited)
    listed.complete = upcoming is None
    if listed.items:
        await _examine_parameters(visit, module, first_url, listed.items)
    if module == "locations":
        await _examine_unknown(visit, url)
    return listed


def _since(module: str) -> dict[str, str]:
    return {"date_from": clock.utc_text((clock.now() - SINCE).replace(microsecond=0))} if module == "sessions" else {}


def _take(visit: Visit, module: str, seen: Seen, listed: Listed, limit: int) -> bool:
    """Adds a page to what was read; False when it is none."""
    if seen.http_status in (401, 403) and not listed.pages:
        text = "answers that it needs another token, as it should to one that is for the registration; not examined"
        visit.note(module, HINT, text, "other-token")
        return False
    if not seen.ok:
        visit.note(module, ERROR, f"answers HTTP {seen.http_status}, OCPI {seen.status} to its list", "refused")
        return False
    if not isinstance(seen.data, list):
        visit.note(module, ERROR, "should be a list", "type", "data")
        return False
    listed.pages += 1
    listed.items += seen.data
    total = seen.headers.get("X-Total-Count") or ""
    listed.total = int(total) if total.isdecimal() else listed.total
    visit.note_all(module, answers.page(seen, len(seen.data), len(listed.items), limit))
    return bool(seen.data) or listed.pages == 1


def _next(visit: Visit, module: str, seen: Seen, listed: Listed, first_url: str, visited: set[str]) -> str | None:
    """Where the crawl goes on: by Link if it can be followed, else by offset as long as there is more."""
    link = answers.next_link(seen)
    following = urljoin(seen.url, link) if link else None
    if following and following in visited:
        visit.note(module, ERROR, "leads to a page that was there before", "link", "Link")
    elif following and origin(following) in visit.trusted and origin(following) == origin(first_url):
        return following
    more = listed.total is not None and listed.total > len(listed.items)
    return with_query(first_url, {"offset": str(len(listed.items))}) if more and seen.data else None


async def _examine_parameters(visit: Visit, module: str, first_url: str, items: list[Any]) -> None:
    one = await visit.get(module, with_query(first_url, {"limit": "1"}), functional=True)
    if one and one.ok and isinstance(one.data, list) and len(one.data) > 1:
        visit.note(module, ERROR, "is not honoured: more than one object came for limit=1", "limit", "limit")
    if len(items) > 1:
        second = await visit.get(module, with_query(first_url, {"offset": "1", "limit": "1"}), functional=True)
        if second and second.ok and isinstance(second.data, list) and second.data:
            _examine_offset(visit, module, items, second.data[0])
    await _examine_date_from(visit, module, first_url, items)


def _examine_offset(visit: Visit, module: str, items: list[Any], second: Any) -> None:
    if identity(second) == identity(items[0]) != identity(items[1]):
        visit.note(module, ERROR, "is not honoured: offset=1 brings the first object", "offset", "offset")
    elif identity(second) != identity(items[1]):
        text = "brings another object than the list had there: pages that move lose objects"
        visit.note(module, WARNING, text, "offset", "offset")


async def _examine_date_from(visit: Visit, module: str, first_url: str, items: list[Any]) -> None:
    """The newest objects, asked for: none that is older may come."""
    known = [found for item in objects(items) if (found := moment(item.get("last_updated")))]
    if not known:
        return
    newest = max(known).replace(microsecond=0)
    asked = with_query(first_url, {"date_from": clock.utc_text(newest)})
    seen = await visit.get(module, asked, functional=True)
    if seen is None or not seen.ok or not isinstance(seen.data, list):
        visit.note(module, ERROR, "is not understood", "date-from", "date_from")
        return
    came = (moment(item.get("last_updated")) for item in objects(seen.data))
    if any(found < newest for found in came if found):
        visit.note(module, ERROR, "is not honoured: objects came that are older", "date-from", "date_from")


async def _examine_unknown(visit: Visit, url: str) -> None:
    """A location that nobody has, and a path that no version has."""
    base = url.rstrip("/")
    paths = {"an unknown location": NOBODY, "an unknown path": f"{NOBODY}/{NOBODY}/{NOBODY}/{NOBODY}"}
    for what, path in paths.items():
        seen = await visit.get("locations", f"{base}/{path}", functional=True)
        if seen and seen.http_status >= 500:
            visit.note("locations", ERROR, f"answers HTTP {seen.http_status} to {what}", "unknown")
        elif seen and seen.ok:
            visit.note("locations", ERROR, f"answers that all is well to {what}", "unknown")
        elif seen and seen.http_status != 404:
            visit.note("locations", HINT, f"answers HTTP {seen.http_status} to {what}; 404 says it best", "unknown")
