"""The examination of a partner before it is connected: what it offers, how it answers, what its objects are like.

Nothing is registered and nothing is written at the partner: every request is a GET.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from emsp.ocpi import wire
from emsp.ocpi.conformance import crawl, lists, tables
from emsp.ocpi.conformance.answers import Seen
from emsp.ocpi.conformance.crawl import Listed
from emsp.ocpi.conformance.examine import examine
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Group, Severity, grouped
from emsp.ocpi.conformance.loose import objects
from emsp.ocpi.conformance.visit import Visit, origin
from emsp.ocpi.connections import PartyId

MOST = 500
"""Objects of a module that are examined unless told otherwise."""
NEEDED = {"credentials": "", "locations": "SENDER"}
WANTED = {"tariffs": "SENDER", "sessions": "SENDER", "cdrs": "SENDER", "commands": "RECEIVER", "tokens": "RECEIVER"}
WITHOUT = {
    "tariffs": "no prices can be shown",
    "sessions": "sessions that were not pushed are lost",
    "cdrs": "CDRs that were not pushed are lost, and with them what they cost",
    "commands": "drivers cannot start and stop from an app",
    "tokens": "tokens cannot be pushed, they can only be asked for",
}
VERSIONS, DETAILS, CREDENTIALS = "versions", "version details", "credentials"
Progress = Callable[[str], None]
Endpoints = dict[tuple[str, str], str]


class ModuleFacts(msgspec.Struct, frozen=True):
    """What was examined of a module; `total` is what the partner says that there is."""

    module: str
    objects: int
    pages: int
    total: int | None
    slowest_s: float


class Report(msgspec.Struct, frozen=True):
    """What the examination found, by endpoint, equal findings as one."""

    versions_url: str
    version: str | None
    encoding: str | None
    modules: list[ModuleFacts]
    groups: list[Group]

    def count(self, severity: Severity) -> int:
        """How many findings are that bad, each object counted."""
        return sum(group.times for group in self.groups if group.severity == severity)


async def check(
    versions_url: str,
    token: str,
    *,
    version: str | None = None,
    most: int = MOST,
    modules: Iterable[str] = tuple(tables.MODULES),
    progress: Progress | None = None,
) -> Report:
    """Examine the partner behind a versions URL, at most `most` objects of each module. Raises nothing of its own."""
    tell = progress or (lambda step: None)
    visit = Visit(versions_url, token)
    facts: list[ModuleFacts] = []
    tell("versions")
    details_url = await _versions(visit, versions_url, version)
    if details_url:
        endpoints = await _details(visit, details_url)
        await _credentials(visit, versions_url, endpoints)
        facts = await _lists(visit, endpoints, most, list(modules), tell)
    encoding = visit.encoding if details_url else None
    return Report(versions_url, visit.version or None, encoding, facts, grouped(visit.noted))


async def _versions(visit: Visit, url: str, wanted: str | None) -> str | None:
    """The URL of the details of the version to examine; None, with a note, when there is none."""
    visit.examine_url(VERSIONS, url)
    open_to_all = await visit.get_without_token(VERSIONS, url)
    if open_to_all is None:
        return None
    if open_to_all.http_status != 401:
        text = f"answers HTTP {open_to_all.http_status} without a token; it should be 401"
        visit.note(VERSIONS, ERROR if open_to_all.ok else WARNING, text, "unauthorized")
    seen = await _with_some_encoding(visit, url)
    offered = {str(entry.get("version")): str(entry.get("url")) for entry in objects(seen.data)} if seen else {}
    if seen is None:
        return None
    for position, entry in enumerate(seen.data if isinstance(seen.data, list) else [seen.data]):
        visit.note_all(VERSIONS, (f.below(f"[{position}]") for f in examine(tables.VERSIONS[0], "Version", entry)))
    candidates = (wanted,) if wanted else tables.VERSIONS
    chosen = next((candidate for candidate in candidates if candidate in offered), None)
    if chosen is None:
        text = f"offers {', '.join(offered) or 'nothing'}; we speak {', '.join(candidates)}"
        visit.note(VERSIONS, ERROR, text, "no-common-version")
        return None
    visit.version = chosen
    _note_encoding(visit)
    return offered[chosen]


async def _with_some_encoding(visit: Visit, url: str) -> Seen | None:
    """The versions, with the token encoded or as it is; None, with a note, when neither opens them."""
    for encoding in (wire.BASE64, wire.RAW):
        visit.encoding = encoding
        seen = await visit.get(VERSIONS, url)
        if seen is None or seen.ok:
            return seen
        if encoding == wire.RAW or seen.http_status not in (401, 403):
            visit.note(VERSIONS, ERROR, f"answers {said(seen)} to the token", "refused")
            return None
    return None


def _note_encoding(visit: Visit) -> None:
    if visit.encoding == wire.RAW and visit.version != "2.1.1":
        text = f"takes the token as it is; since 2.2 it is encoded in base64, and {visit.version} is offered"
        visit.note(VERSIONS, ERROR, text, "encoding")
    elif visit.encoding == wire.BASE64 and visit.version == "2.1.1":
        visit.note(VERSIONS, HINT, "takes the token encoded in base64, which 2.1.1 does not ask for", "encoding")


async def _details(visit: Visit, url: str) -> Endpoints:
    """The endpoints of the version by module and role, with notes of what an eMSP misses."""
    visit.examine_url(DETAILS, url)
    seen = await visit.get(DETAILS, url)
    if seen is None or not seen.ok:
        if seen:
            visit.note(DETAILS, ERROR, f"answers {said(seen)}", "refused")
        return {}
    visit.note_all(DETAILS, examine(visit.version, "VersionDetails", seen.data))
    data = seen.data if isinstance(seen.data, dict) else {}
    if isinstance(data.get("version"), str) and data["version"] != visit.version:
        visit.note(DETAILS, ERROR, f"are those of another version, not of {visit.version}", "version", "version")
    found = [entry for entry in objects(data.get("endpoints")) if isinstance(entry.get("url"), str)]
    endpoints = {(str(e.get("identifier")).lower(), str(e.get("role") or "").upper()): str(e["url"]) for e in found}
    if len(endpoints) < len(found):
        visit.note(DETAILS, ERROR, "name a module twice in one role", "duplicate", "endpoints")
    _note_missing(visit, endpoints)
    _trust(visit, endpoints)
    return endpoints


def _note_missing(visit: Visit, endpoints: Endpoints) -> None:
    for module, role in (NEEDED | WANTED).items():
        if find(endpoints, module, role):
            continue
        as_role = f"{module} {role}".strip() if visit.version != "2.1.1" else module
        if module in NEEDED:
            visit.note(DETAILS, ERROR, f"lack {as_role}: it cannot be connected", "missing-endpoint")
        else:
            visit.note(DETAILS, WARNING, f"lack {as_role}: {WITHOUT[module]}", "missing-endpoint")


def _trust(visit: Visit, endpoints: Endpoints) -> None:
    """Endpoints may be on other hosts, as the details name them over a connection that is trusted."""
    for (module, role), url in endpoints.items():
        visit.examine_url(f"{module} {role}".strip() if module not in tables.MODULES else module, url)
        if (found := origin(url)) and found not in visit.trusted:
            visit.trusted.add(found)
            visit.note(DETAILS, HINT, f"name endpoints on {found[1]}:{found[2]}, another host", "host", "endpoints")


def find(endpoints: Endpoints, module: str, role: str) -> str | None:
    """The URL of an endpoint; 2.1.1 has no roles, and those of credentials mean nothing."""
    roles = (role, "") if role else ("SENDER", "RECEIVER", "")
    return next((endpoints[module, each] for each in roles if (module, each) in endpoints), None)


async def _credentials(visit: Visit, versions_url: str, endpoints: Endpoints) -> None:
    """GET credentials, which is for everybody with a token, and tells whose objects to expect."""
    url = find(endpoints, CREDENTIALS, "")
    seen = await visit.get(CREDENTIALS, url) if url else None
    if seen is None:
        return
    if not seen.ok:
        visit.note(CREDENTIALS, WARNING, f"answers {said(seen)} to GET", "refused")
        return
    visit.note_all(CREDENTIALS, examine(visit.version, "Credentials", seen.data))
    data = seen.data if isinstance(seen.data, dict) else {}
    if isinstance(data.get("url"), str) and data["url"].rstrip("/") != versions_url.rstrip("/"):
        visit.note(CREDENTIALS, WARNING, "is not the versions URL that was given", "url", "url")
    roles = [data] if visit.version == "2.1.1" else objects(data.get("roles"))
    ranked = sorted(roles, key=lambda role: role.get("role") not in ("CPO", "HUB"))
    if ranked and visit.version != "2.1.1":
        visit.party = PartyId(str(ranked[0].get("country_code")), str(ranked[0].get("party_id")))


async def _lists(
    visit: Visit, endpoints: Endpoints, most: int, modules: list[str], tell: Progress
) -> list[ModuleFacts]:
    found: dict[str, Listed] = {}
    facts = []
    for module in modules:
        if url := find(endpoints, module, "SENDER"):
            tell(module)
            listed = found[module] = await crawl.examine_list(visit, module, url, most)
            _examine_objects(visit, module, listed.items)
            slowest_s = round(visit.slowest_s[module], 2)
            facts.append(ModuleFacts(module, len(listed.items), listed.pages, listed.total, slowest_s))
    if "locations" in found and "tariffs" in found and found["tariffs"].complete:
        for object_id, finding in lists.unknown_tariffs(found["locations"].items, found["tariffs"].items):
            visit.note_all("locations", [finding], object_id)
    return facts


def _examine_objects(visit: Visit, module: str, items: list[Any]) -> None:
    for item in items:
        visit.note_all(module, examine(visit.version, tables.MODULES[module], item), lists.identity(item))
    for object_id, finding in lists.duplicates(items):
        visit.note_all(module, [finding], object_id)


def said(seen: Seen) -> str:
    """What was answered: the HTTP status and the OCPI status code."""
    return f"HTTP {seen.http_status}" + (f", OCPI {seen.status}" if seen.status is not None else "")
