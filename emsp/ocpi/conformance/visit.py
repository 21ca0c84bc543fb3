"""A visit at a partner: requests that change nothing, and notes of what is odd in each answer."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

from emsp import http
from emsp.errors import PartnerFailed
from emsp.http import Reply
from emsp.ocpi import wire
from emsp.ocpi.conformance import answers
from emsp.ocpi.conformance.answers import Seen
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Finding, Noted, Severity
from emsp.ocpi.connections import PartyId, our_party

PORTS = {"http": 80, "https": 443}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REDIRECTS = range(301, 309)
ATTEMPTS = 2


class Visit:
    """Asks a partner with GET only. The token goes to the origins of `trusted` and nowhere else."""

    def __init__(self, versions_url: str, token: str) -> None:
        self.token, self.encoding, self.version = token, wire.BASE64, ""
        self.party: PartyId | None = None
        """Whom functional requests are addressed to, once it is known."""
        self.trusted = {origin(versions_url)}
        self.without_tls: set[tuple[str, str, int]] = set()
        self.noted: list[Noted] = []
        self.slowest_s: dict[str, float] = defaultdict(float)

    def note(self, where: str, severity: Severity, text: str, rule: str, path: str = "") -> None:
        """One finding about an endpoint."""
        self.noted.append(Noted(where, "", Finding(path, severity, text, rule)))

    def note_all(self, where: str, findings: Iterable[Finding], object_id: str = "") -> None:
        """Findings about an answer or about one object of it."""
        self.noted += [Noted(where, object_id, finding) for finding in findings]

    async def get(self, where: str, url: str, *, functional: bool = False, encoding: str | None = None) -> Seen | None:
        """What is answered with the token; None, with a note, when nothing was or the address is not trusted."""
        if origin(url) not in self.trusted:
            self.note(where, ERROR, "is on a host that the token was not given for; it was not called", "foreign-host")
            return None
        sent = self._headers(functional) | {"Authorization": wire.token_header(self.token, encoding or self.encoding)}
        return await self._seen(where, url, sent, functional)

    async def get_without_token(self, where: str, url: str) -> Seen | None:
        """What anybody is answered."""
        return await self._seen(where, url, self._headers(functional=False), functional=False)

    def _headers(self, functional: bool) -> dict[str, str]:
        sent = {"Accept": "application/json", **{name: str(uuid4()) for name in answers.IDS}}
        if functional:
            ours = our_party()
            sent |= {"OCPI-from-country-code": ours.country_code, "OCPI-from-party-id": ours.party_id}
            if self.party:
                country_code, party_id = self.party
                sent |= {"OCPI-to-country-code": country_code, "OCPI-to-party-id": party_id}
        return sent

    async def _seen(self, where: str, url: str, sent: dict[str, str], functional: bool) -> Seen | None:
        began = time.perf_counter()
        try:
            reply = await http.request("GET", url, headers=sent, attempts=ATTEMPTS)
            if reply.status in REDIRECTS and (moved := self._moved(where, reply)):
                reply = await http.request("GET", moved, headers=sent, attempts=ATTEMPTS)
        except PartnerFailed as failed:
            self.note(where, ERROR, str(failed), "no-answer")
            return None
        seen, findings = answers.read(reply, time.perf_counter() - began)
        self.slowest_s[where] = max(self.slowest_s[where], seen.seconds)
        if self.version not in ("", "2.1.1") and seen.status is not None:
            findings += answers.headers(seen, sent, functional=functional and seen.ok)
        self.note_all(where, findings)
        return seen

    def _moved(self, where: str, reply: Reply) -> str | None:
        """Where a redirect leads, if it stays where the token may go."""
        there = urljoin(reply.url, reply.headers.get("location") or "")
        stays = origin(there) == origin(reply.url) and there != reply.url
        what = "a redirect; name the URL as it is served" if stays else "a redirect to elsewhere; it is not followed"
        self.note(where, WARNING if stays else ERROR, f"answers with {what}", "redirect")
        return there if stays else None

    def examine_url(self, where: str, url: str) -> None:
        """Notes about an address that the partner gave; a host without https is noted once."""
        parts = origin(url)
        if parts is None:
            self.note(where, ERROR, "is not an absolute http or https URL", "url")
        elif parts[0] != "https" and parts not in self.without_tls:
            self.without_tls.add(parts)
            severity = HINT if parts[1] in LOOPBACK else ERROR
            self.note(where, severity, f"{parts[1]}:{parts[2]} is not served over https", "https")
        if len(url) > 255:
            self.note(where, ERROR, "has a URL of more than 255 characters", "length")
        if urlsplit(url).query if parts else False:
            self.note(where, HINT, "has a query in its URL; parameters are added to it", "url")


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an absolute http or https URL; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port and parts.scheme in PORTS else None
