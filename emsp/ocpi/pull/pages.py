"""Lists of a partner, page by page (chapter Transport and format: Pagination), and what is known to go wrong there.

`Link` is followed as it stands. Where it is absent, empty, foreign, repeated or refused while there may be more, the
crawl goes on by offset until a page is empty or repeats. Where the total shrinks, what moved to the page before is
asked for again. A page is read ahead while the last one is worked on.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from emsp import logs
from emsp.clock import utc_text
from emsp.errors import PartnerFailed, PartnerUnreachable
from emsp.ocpi import client, wire
from emsp.ocpi.client import Answer, PeerRefused
from emsp.ocpi.connections import PartyId, Peer, origin
from emsp.ocpi.pull.ahead import ahead

LIMIT = 500
MAX_PAGES = 20_000
MAX_REDONE = 20
"""How often a shrinking total is believed; one that goes up and down would keep us for ever."""
TIMEOUT_S = 60.0
NEXT = re.compile(r"<([^>]*)>[^,]*?;\s*rel\s*=\s*\"?next\"?", re.IGNORECASE)
log = logs.log(__name__)


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a crawl stands: what comes next, and enough of what was to go on from there."""

    url: str | None
    """The next page; None at the end."""
    seen: int = 0
    total: int | None = None
    """How many there are as the partner said last, if that was more than the page's own."""
    pages: int = 0
    print: str = ""
    """A fingerprint of the last page."""
    redone: int = 0
    astray: bool = False
    """Whether something may have been missed on the way."""

    @property
    def complete(self) -> bool:
        """Whether everything there is was seen."""
        return self.url is None and not self.astray and (self.total is None or self.seen >= self.total)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Objects as received, and where the crawl stands once they are taken in. The last one may be empty."""

    items: list[bytes]
    after: Position


class _Fetched(msgspec.Struct, frozen=True, kw_only=True):
    items: list[bytes]
    total: int | None
    link: str | None
    print: str


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def first_url(endpoint: str, date_from: datetime | None) -> str:
    """The URL of the first page of a list, of what changed since `date_from`."""
    query = {"date_from": utc_text(date_from)} if date_from else {}
    return with_query(endpoint, {**query, "offset": "0", "limit": str(LIMIT)})


async def pages(
    peer: Peer, first: str, start: Position | None = None, *, to: PartyId | None = None
) -> AsyncGenerator[Page, None]:
    """Every page of a list, the first one at `first`; or those that come after where an earlier crawl stood.

    With `to` a hub passes the question on to that party alone. Raises PartnerFailed (also after some pages),
    PeerRefused among them.
    """
    crawl = _Crawl(peer, first, start or Position(url=first), to)
    async with aclosing(ahead(crawl.all())) as walk:
        async for page in walk:
            yield page


def with_query(url: str, changed: Mapping[str, str]) -> str:
    """The URL with some query parameters set."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changed}
    return urlunsplit(parts._replace(query=urlencode(query)))


class _Crawl:
    """A crawl on its way: `at` is where it stands."""

    def __init__(self, peer: Peer, first: str, start: Position, to: PartyId | None) -> None:
        self.peer, self.first, self.at, self.to = peer, first, start, to
        self.linked = False
        """Whether the partner itself named the next page: one that is refused is then missing, else it is the end."""
        self.begun = False
        """Whether a page came; a crawl that goes on may find that its page is no longer there."""
        self.visited: set[str] = set()
        self.prints = {start.print} - {""}

    async def all(self) -> AsyncGenerator[Page, None]:
        """Every page until there is none."""
        while (page := await self.next_page()) is not None:
            yield page

    async def next_page(self) -> Page | None:
        """The next page with anything new in it, an empty one at the end, then None."""
        while (url := self.at.url) is not None:
            if self.at.pages >= MAX_PAGES:
                raise PartnerFailed(f"{self.first} has no end after {MAX_PAGES} pages")
            try:
                found = await _fetch(self.peer, url, self.to)
            except PeerRefused as refused:
                self.at = self._after_refusal(refused)
                if self.at.url is None:
                    return Page(items=[], after=self.at)
                continue
            self.begun = True
            if again := self._shrunk(found):
                self.at = again
                continue
            return self._taken(found, url)
        return None

    def _taken(self, found: _Fetched, url: str) -> Page:
        self.visited.add(url)
        total = found.total if found.total and found.total > len(found.items) else self.at.total
        if not found.items or found.print in self.prints:
            in_circles = bool(found.items) and found.print != self.at.print
            ended = self._ended(total, astray=in_circles and total is None)
            items: list[bytes] = []
        else:
            self.prints.add(found.print)
            ended, items = None, found.items
        self.at = ended or self._moved_on(found, url, total)
        return Page(items=[item for item in items if item != b"null"], after=self.at)

    def _ended(self, total: int | None, *, astray: bool) -> Position:
        return msgspec.structs.replace(self.at, url=None, total=total, astray=self.at.astray or astray)

    def _moved_on(self, found: _Fetched, url: str, total: int | None) -> Position:
        seen = self.at.seen + len(found.items)
        enough = total is not None and seen >= total
        link = urljoin(url, found.link) if found.link else None
        self.linked = link is not None and self._leads_on(link)
        if link and not self.linked:
            log.warning("a Link that cannot be followed; going on by offset", partner=self.peer.name, link=link)
        following = link if self.linked else None if enough else self._by_offset(seen)
        return msgspec.structs.replace(
            self.at, url=following, seen=seen, total=total, pages=self.at.pages + 1, print=found.print
        )

    def _leads_on(self, link: str) -> bool:
        return link not in self.visited and origin(link) == origin(self.first)

    def _by_offset(self, seen: int) -> str:
        return with_query(self.first, {"offset": str(seen)})

    def _after_refusal(self, refused: PeerRefused) -> Position:
        """Where to go on when a page is refused: by offset after a bad Link, or nowhere after the end."""
        at, by_offset = self.at, self._by_offset(self.at.seen)
        enough = at.total is not None and at.seen >= at.total
        if self.begun and (enough or not self.linked) and is_about_the_page(refused):
            return self._ended(at.total, astray=not enough)
        if is_a_fault(refused) or not self.linked or at.url == by_offset:
            raise refused
        log.warning("a Link that is refused; going on by offset", partner=self.peer.name, link=at.url)
        return msgspec.structs.replace(at, url=by_offset)

    def _shrunk(self, found: _Fetched) -> Position | None:
        """One step back when objects before this page are gone: what followed them has moved up unseen."""
        before, now = self.at.total, found.total
        if not before or not now or not len(found.items) < now < before or self._offset() != self.at.seen:
            return None
        if self.at.redone >= MAX_REDONE:
            self.at = msgspec.structs.replace(self.at, astray=True)
            return None
        offset = max(0, self.at.seen - (before - now))
        url = with_query(self.at.url or self.first, {"offset": str(offset)})
        return msgspec.structs.replace(self.at, url=url, seen=offset, total=now, redone=self.at.redone + 1)

    def _offset(self) -> int | None:
        stated = dict(parse_qsl(urlsplit(self.at.url or "").query)).get("offset", "")
        return int(stated) if stated.isdecimal() else None


def is_about_the_page(refused: PeerRefused) -> bool:
    """Whether the partner says that it has no such page, rather than that we may not see it, or not now."""
    return not is_a_fault(refused) and refused.http_status not in (401, 403)


def is_a_fault(refused: PeerRefused) -> bool:
    """Whether the partner was too busy, or could not."""
    return refused.http_status == 429 or refused.http_status >= 500 or refused.status >= 3000


async def _fetch(peer: Peer, url: str, to: PartyId | None) -> _Fetched:
    """One page. An object where a list is due is a list of one."""
    answer = await _answer(peer, url, to)
    data = answer.data or b"[]"
    items = [bytes(raw) for raw in _ITEMS.decode(data)] if data.lstrip()[:1] == b"[" else [data]
    total = answer.headers.get("x-total-count", "")
    found = NEXT.search(answer.headers.get("link", ""))
    return _Fetched(
        items=items,
        total=int(total) if total.isdecimal() else None,
        link=found.group(1).strip() if found else None,
        print=wire.content_hash(data),
    )


async def _answer(peer: Peer, url: str, to: PartyId | None) -> Answer:
    """Once more when the page was cut off where nothing but its JSON shows it."""
    try:
        return await client.call(peer, "GET", url, to=to, timeout_s=TIMEOUT_S)
    except PartnerUnreachable as failed:
        if not isinstance(failed.__cause__, msgspec.DecodeError):
            raise
    return await client.call(peer, "GET", url, to=to, timeout_s=TIMEOUT_S)
