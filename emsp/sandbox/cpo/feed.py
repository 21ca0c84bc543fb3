"""What the CPO publishes: Locations and Tariffs kept as the bytes that go on the wire, read from files or made up."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from .wire import decode, encode

Party = tuple[str, str]


class _Operator(msgspec.Struct):
    name: str | None = None


class _Head(msgspec.Struct):
    """The little of an object that must be known to serve it."""

    country_code: str
    party_id: str
    id: str
    last_updated: datetime
    operator: _Operator | None = None


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(slots=True)
class Shelf:
    """Published objects of one kind in the order of publication, each as its own JSON bytes."""

    bodies: list[bytes] = field(default_factory=list)
    updated: list[datetime] = field(default_factory=list)
    owners: list[Party] = field(default_factory=list)
    parties: dict[Party, str] = field(default_factory=dict)
    positions: dict[str, list[tuple[Party, int]]] = field(default_factory=dict)
    _selected: tuple[Any, Sequence[int]] | None = None

    def put(self, body: bytes) -> None:
        """Adds one published object. Raises msgspec.DecodeError when it cannot be served."""
        head = _HEAD.decode(body)
        party = (head.country_code.upper(), head.party_id.upper())
        self.positions.setdefault(head.id.lower(), []).append((party, len(self.bodies)))
        if party not in self.parties:
            self.parties[party] = (head.operator and head.operator.name) or "".join(party)
        self.bodies.append(body)
        self.updated.append(_aware(head.last_updated))
        self.owners.append(party)

    def find(self, object_id: str, party: Party | None = None) -> int | None:
        """The position of an object by id; the party decides where several use the same id."""
        own = self.owned(object_id, party) if party else None
        found = self.positions.get(object_id.lower(), [])
        return own if own is not None else found[0][1] if found else None

    def owned(self, object_id: str, party: Party) -> int | None:
        """The position of this party's object only."""
        found = self.positions.get(object_id.lower(), [])
        wanted = (party[0].upper(), party[1].upper())
        return next((position for owner, position in found if owner == wanted), None)

    def read(self, position: int) -> dict[str, Any]:
        """The object at a position, parsed; a copy that the caller may change."""
        parsed: dict[str, Any] = decode(self.bodies[position])
        return parsed

    def replace(self, position: int, changed: dict[str, Any]) -> None:
        """Publishes a changed object in its old place."""
        body = encode(changed)
        self.updated[position] = _aware(_HEAD.decode(body).last_updated)
        self.bodies[position] = body
        self._selected = None

    def select(self, date_from: datetime | None, date_to: datetime | None) -> Sequence[int]:
        """Positions with `date_from <= last_updated < date_to`, remembered for the next page."""
        if date_from is None and date_to is None:
            return range(len(self.bodies))
        if self._selected is None or self._selected[0] != (date_from, date_to):
            low, high = (
                date_from or datetime.min.replace(tzinfo=UTC),
                date_to or datetime.max.replace(tzinfo=UTC),
            )
            chosen = [position for position, at in enumerate(self.updated) if low <= at < high]
            self._selected = ((date_from, date_to), chosen)
        return self._selected[1]


def shelf_of(objects: Iterable[dict[str, Any]]) -> Shelf:
    """A shelf of objects made up in memory."""
    shelf = Shelf()
    for made in objects:
        shelf.put(encode(made))
    return shelf


def shelf_from(path: Path | None) -> Shelf:
    """A shelf from OCPI JSON lines. Raises ValueError naming file and line of what cannot be read."""
    shelf = Shelf()
    for number, line in _lines(path):
        try:
            shelf.put(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"{path} line {number}: {error}") from error
    return shelf


def _lines(path: Path | None) -> Iterator[tuple[int, bytes]]:
    if path is None:
        return
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if stripped := line.strip():
                yield number, stripped


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
