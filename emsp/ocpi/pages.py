"""Lists of a partner, page by page (chapter Transport and format: Pagination), and what is known to go wrong there.

`Link` is followed as it stands. Where it is absent, empty, foreign, repeated or refused while there may be more, the
crawl goes on by offset until a page is empty or repeats. A page is read ahead while the last one is worked on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from emsp import logs
from emsp.clock import utc_text
from emsp.errors import PartnerFailed
from emsp.ocpi import client, wire
from emsp.ocpi.client import PeerRefused
from emsp.ocpi.connections import Peer, origin

LIMIT = 500
MAX_PAGES = 50_000
TIMEOUT_S = 60.0
NEXT = re.compile(r"<([^>]*)>[^,]*?;\s*rel\s*=\s*\"?next\"?", re.IGNORECASE)
log = logs.log(__name__)


class Page(msgspec.Struct, frozen=True):
    """Objects as received, and how many the partner says there are in all."""

    items: list[bytes]
    total: int | None
    link: str | None = None
    print: str = ""
    """A fingerprint of the content, to know a page that comes again."""


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


async def pages(peer: Peer, module: str, date_from: datetime | None) -> AsyncGenerator[Page, None]:
    """Every page of the partner's list of a module. Raises PartnerFailed (also after some pages)."""
    crawl = _Crawl(peer, _first_url(peer.url(module, "SENDER"), date_from))
    upcoming: asyncio.Task[Page | None] | None = asyncio.create_task(crawl.fetch_next())
    try:
        while upcoming and (page := await upcoming) is not None:
            upcoming = asyncio.create_task(crawl.fetch_next())
            yield page
    finally:
        if upcoming:
            upcoming.cancel()


def _first_url(endpoint: str, date_from: datetime | None) -> str:
    query = {"date_from": utc_text(date_from)} if date_from else {}
    return with_query(endpoint, {**query, "offset": "0", "limit": str(LIMIT)})


def with_query(url: str, changed: Mapping[str, str]) -> str:
    """The URL with some query parameters set."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changed}
    return urlunsplit(parts._replace(query=urlencode(query)))


class _Crawl:
    """Where a crawl stands: what comes next, and what was seen."""

    def __init__(self, peer: Peer, first_url: str) -> None:
        self.peer, self.first_url = peer, first_url
        self.url: str | None = first_url
        self.linked = self.complete = False
        """Whether the partner itself named the next page, and whether all that it announced is here: a page that is
        refused is missing when it was named, else it is the end."""
        self.seen = 0
        self.visited: set[str] = set()
        self.prints: set[str] = set()

    async def fetch_next(self) -> Page | None:
        """The next page with anything new in it, or None at the end."""
        if self.url is None:
            return None
        if len(self.visited) >= MAX_PAGES:
            raise PartnerFailed(f"{self.first_url} has no end after {MAX_PAGES} pages")
        try:
            page = await fetch(self.peer, self.url)
        except PeerRefused:
            if self.seen and (self.complete or not self.linked):
                return None
            if not self.linked or self.url == self._by_offset():
                raise
            log.warning("a Link that is refused; going on by offset", partner=self.peer.name, link=self.url)
            self.url = self._by_offset()
            return await self.fetch_next()
        self.visited.add(self.url)
        if not page.items or page.print in self.prints:
            return None
        self.prints.add(page.print)
        self.seen += len(page.items)
        self.url = self._after(page)
        return page

    def _after(self, page: Page) -> str | None:
        link = urljoin(self.url or "", page.link) if page.link else None
        self.linked = link is not None and self._leads_on(link)
        self.complete = page.total is not None and page.total > len(page.items) and self.seen >= page.total
        if self.linked:
            return link
        if link:
            log.warning("a Link that cannot be followed; going on by offset", partner=self.peer.name, link=link)
        return None if self.complete else self._by_offset()

    def _leads_on(self, link: str) -> bool:
        return link not in self.visited and origin(link) == origin(self.first_url)

    def _by_offset(self) -> str:
        return with_query(self.first_url, {"offset": str(self.seen)})


async def fetch(peer: Peer, url: str) -> Page:
    """One page. An object where a list is due is a list of one."""
    answer = await client.call(peer, "GET", url, timeout_s=TIMEOUT_S)
    data = answer.data or b"[]"
    items = [bytes(raw) for raw in _ITEMS.decode(data)] if data.lstrip()[:1] == b"[" else [data]
    total = answer.headers.get("x-total-count", "")
    found = NEXT.search(answer.headers.get("link", ""))
    return Page(
        items=[item for item in items if item != b"null"],
        total=int(total) if total.isdecimal() else None,
        link=found.group(1).strip() if found else None,
        print=wire.content_hash(data),
    )
