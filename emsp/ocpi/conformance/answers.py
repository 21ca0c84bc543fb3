"""What a partner answered, against the rules of the transport: envelope, ids, paging headers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from emsp.errors import Invalid
from emsp.http import Reply
from emsp.ocpi import wire
from emsp.ocpi.conformance import texts
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding
from emsp.ocpi.pull.pages import NEXT

SLOW_S = 5.0
IDS = ("X-Request-ID", "X-Correlation-ID")
ROUTING = ("OCPI-to-country-code", "OCPI-to-party-id", "OCPI-from-country-code", "OCPI-from-party-id")
SUCCESS = range(1000, 2000)


class Seen(NamedTuple):
    """An answer as far as it could be read. `status` is the OCPI status code, None when there was none."""

    url: str
    http_status: int
    status: int | None
    data: Any
    headers: Mapping[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it says that it went well, in HTTP and in OCPI."""
        return 200 <= self.http_status < 300 and (self.status is None or self.status in SUCCESS)


def read(reply: Reply, seconds: float) -> tuple[Seen, list[Finding]]:
    """The answer, and what is wrong with its envelope (chapter Transport and format: Response format)."""
    findings = list(_speed(seconds))
    body: Any = None
    try:
        body = wire.decode(reply.body)
    except Invalid:
        findings.append(_no_envelope(reply, "is not JSON"))
    else:
        findings += _envelope(reply, body)
    members = body if isinstance(body, dict) else {}
    status = members.get("status_code")
    status = status if isinstance(status, int) and not isinstance(status, bool) else None
    return Seen(reply.url, reply.status, status, members.get("data"), reply.headers, seconds), findings


def _speed(seconds: float) -> Iterator[Finding]:
    if seconds > SLOW_S:
        yield Finding("", WARNING, f"took more than {SLOW_S:g} s to answer", "slow")


def _no_envelope(reply: Reply, what: str) -> Finding:
    if reply.ok:
        return Finding("", ERROR, f"the answer {what}", "envelope")
    return Finding("", WARNING, f"the answer with HTTP {reply.status} {what}; an envelope would tell why", "envelope")


def _envelope(reply: Reply, body: Any) -> Iterator[Finding]:
    if not isinstance(body, dict):
        yield _no_envelope(reply, "is not a response object")
        return
    if not isinstance(body.get("status_code"), int):
        yield Finding("status_code", ERROR, "is required in every answer, as a number", "envelope")
    if not isinstance(body.get("timestamp"), str):
        yield Finding("timestamp", ERROR, "is required in every answer, as a DateTime", "envelope")
    else:
        found = texts.examine("2.2.1", "Response", "timestamp", "DateTime", body["timestamp"])
        yield from (finding.below("timestamp") for finding in found)
    if body.get("status_message") is not None and not isinstance(body["status_message"], str):
        yield Finding("status_message", ERROR, "should be a string", "envelope")
    kind = reply.headers.get("content-type", "")
    if not kind.lower().startswith("application/json"):
        yield Finding("Content-Type", WARNING, f"is {kind or 'missing'}, not application/json", "content-type")


def headers(seen: Seen, sent: Mapping[str, str], *, functional: bool) -> Iterator[Finding]:
    """The headers that 2.2 asks for: the ids of the request, and in functional modules who answers whom."""
    for name in IDS:
        if seen.headers.get(name) != sent[name]:
            yield Finding(name, ERROR, "does not repeat that of the request", "ids")
    missing = [name for name in ROUTING if not seen.headers.get(name)]
    if functional and missing:
        yield Finding("", HINT, f"the answer lacks {', '.join(missing)}", "routing")


def page(seen: Seen, count: int, total_seen: int, limit: int) -> Iterator[Finding]:
    """A page of a list with `count` objects after which `total_seen` of them are known (Pagination)."""
    total = seen.headers.get("X-Total-Count")
    yield from _number_header("X-Total-Count", total)
    yield from _number_header("X-Limit", seen.headers.get("X-Limit"))
    if count > limit:
        yield Finding("limit", ERROR, "is not honoured: more objects came than were asked for", "limit")
    more = total is not None and total.isdecimal() and int(total) > total_seen
    if link := next_link(seen):
        yield from _link(seen, link)
    elif more and count:
        yield Finding("Link", ERROR, "is missing although X-Total-Count says that there is more", "link")


def next_link(seen: Seen) -> str | None:
    """The next page as the answer names it, as it stands."""
    found = NEXT.search(seen.headers.get("Link") or "")
    return found.group(1).strip() or None if found else None


def _number_header(name: str, value: str | None) -> Iterator[Finding]:
    if value is None:
        yield Finding(name, ERROR, "is missing", "paging-header")
    elif not value.isdecimal():
        yield Finding(name, ERROR, "is not a number", "paging-header")


def _link(seen: Seen, link: str) -> Iterator[Finding]:
    try:
        here, there = urlsplit(seen.url), urlsplit(urljoin(seen.url, link))
    except ValueError:
        yield Finding("Link", ERROR, "is not a URL", "link")
        return
    if not link.lower().startswith(("http://", "https://")):
        yield Finding("Link", ERROR, "is not absolute", "link")
    if there.netloc != here.netloc or there.scheme != here.scheme:
        yield Finding("Link", ERROR, "leads to another host, port or scheme; it is not followed", "link")
    asked, repeated = parse_qs(here.query), parse_qs(there.query)
    for name in ("date_from", "date_to"):
        if asked.get(name) and asked[name] != repeated.get(name):
            yield Finding("Link", ERROR, f"does not repeat {name}", "link")
