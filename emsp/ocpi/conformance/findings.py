"""What an examination finds: where, how bad, in words that the partner can act on, and by which rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

_POSITION = re.compile(r"\[\d+\]")
MOST_EXAMPLES = 3


class Severity(IntEnum):
    """HINT: worth knowing. WARNING: allowed, and somebody will suffer from it. ERROR: against the specification."""

    HINT = 1
    WARNING = 2
    ERROR = 3


HINT, WARNING, ERROR = Severity.HINT, Severity.WARNING, Severity.ERROR


class Finding(NamedTuple):
    """One thing at one place of an object or of an answer. `path` is like `evses[0].status`, "" for the whole."""

    path: str
    severity: Severity
    text: str
    rule: str

    def below(self, parent: str) -> Finding:
        """The same finding seen from the object that holds this one at `parent`."""
        joint = "" if not self.path or not parent or self.path.startswith("[") else "."
        return self._replace(path=f"{parent}{joint}{self.path}")


class Noted(NamedTuple):
    """A finding at a place of a partner: the endpoint, and which object if it was in one."""

    where: str
    object_id: str
    finding: Finding


class Group(NamedTuple):
    """The same finding at many objects: how often, and at which for example."""

    where: str
    severity: Severity
    path: str
    text: str
    rule: str
    times: int
    examples: tuple[str, ...]


def grouped(noted: Iterable[Noted]) -> list[Group]:
    """Equal findings as one, in the order of the visit, within a place the worst first."""
    found: dict[tuple[str, Severity, str, str, str], list[str]] = {}
    places: list[str] = []
    for where, object_id, finding in noted:
        if where not in places:
            places.append(where)
        path = _POSITION.sub("[]", finding.path)
        found.setdefault((where, finding.severity, path, finding.text, finding.rule), []).append(object_id)
    groups = [Group(*key, len(ids), tuple(_examples(ids))) for key, ids in found.items()]
    return sorted(groups, key=lambda group: (places.index(group.where), -group.severity, -group.times))


def _examples(ids: list[str]) -> Iterator[str]:
    yield from list(dict.fromkeys(filter(None, ids)))[:MOST_EXAMPLES]
