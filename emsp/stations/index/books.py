"""What many stations have in common, kept once and referred to by number: operators, parties, hours, outlets …"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, overload
from uuid import UUID
from weakref import proxy

import msgspec
import numpy as np
from numpy.typing import NDArray

from emsp.stations.asking import Outlet
from emsp.stations.index.codes import POWER_TYPE_WORDS

T = TypeVar("T")


class Operator(msgspec.Struct, frozen=True, array_like=True):
    """The name on the charge point."""

    id: int
    name: str
    website: str | None
    phone: str | None


class Hours(NamedTuple):
    """When a station can be reached, by the clock of its time zone."""

    time_zone: str
    twenty_four_seven: bool | None
    opening_hours: dict[str, Any] | None


class Book(list[T], Generic[T]):
    """A list that only grows; `ref` gives the number of a value, which is added if need be."""

    def __init__(self, values: Iterable[T] = (), key: Callable[[T], Hashable] | None = None) -> None:
        super().__init__(values)
        self._key = key or (lambda value: value)
        self._refs: dict[Hashable, int] = {}

    def ref(self, value: T) -> int:
        """The number of a value, by its key."""
        if len(self._refs) != len(self):
            self._refs = {self._key(known): ref for ref, known in enumerate(self)}
        key = self._key(value)
        ref = self._refs.get(key)
        if ref is None:
            ref = self._refs[key] = len(self)
            self.append(value)
        return ref


class Contents(msgspec.Struct):
    """The books as they are kept in a file, but for outlets, which are columns."""

    operators: list[Operator | None] = msgspec.field(default_factory=lambda: [None])
    parties: list[tuple[str, str]] = []
    countries: list[str | None] = msgspec.field(default_factory=lambda: [None])
    partners: list[UUID] = []
    hours: list[Hours] = msgspec.field(default_factory=lambda: [Hours("UTC", None, None)])
    word_lists: list[tuple[str, ...]] = msgspec.field(default_factory=lambda: [()])
    ways: list[tuple[Outlet, ...]] = msgspec.field(default_factory=lambda: [()])


class Outlets(Sequence[Outlet]):
    """All outlets; each is put into words when it is asked for, since there may be very many.

    `kept` has a row of numbers for each: of partner, party, country, some hours of its time zone, power type, power
    in watts (-1 is not known), the list of tariffs and the ways. What is added later comes after them, and may repeat
    them.
    """

    COLUMNS = 8

    def __init__(self, books: Books, kept: NDArray[Any] | None = None) -> None:
        self._books = proxy(books)  # which hold this: what is replaced is freed without being looked for
        self.kept = np.empty((0, self.COLUMNS), dtype=np.int32) if kept is None else kept
        self._added: Book[tuple[int, ...]] = Book()

    def __len__(self) -> int:
        return len(self.kept) + len(self._added)

    @overload
    def __getitem__(self, ref: int) -> Outlet: ...
    @overload
    def __getitem__(self, ref: slice) -> list[Outlet]: ...
    def __getitem__(self, ref: int | slice) -> Outlet | list[Outlet]:
        if isinstance(ref, slice):
            return [self[number] for number in range(*ref.indices(len(self)))]
        numbers = self.kept[ref].tolist() if ref < len(self.kept) else self._added[ref - len(self.kept)]
        partner, party, country, hours, power_type, power_w, tariffs, ways = numbers
        country_code, party_id = self._books.parties[party]
        return Outlet(
            partner_id=self._books.partners[partner],
            country_code=country_code,
            party_id=party_id,
            country=self._books.countries[country],
            time_zone=self._books.hours[hours].time_zone,
            power_type=POWER_TYPE_WORDS[power_type],
            max_power_w=None if power_w < 0 else power_w,
            tariff_keys=self._books.word_lists[tariffs],
            ways=self._books.ways[ways],
        )

    def refs(self, rows: NDArray[Any]) -> NDArray[np.uint32]:
        """The numbers of outlets that differ from each other, given by rows of numbers."""
        if not len(self):
            self.kept = rows.astype(np.int32)
            return np.arange(len(rows), dtype=np.uint32)
        added = [self._added.ref(tuple(row)) for row in rows.tolist()]
        return (np.array(added, dtype=np.int64) + len(self.kept)).astype(np.uint32)

    def rows(self) -> NDArray[np.int32]:
        """All of them as rows of numbers."""
        added = np.array(list(self._added), dtype=np.int32).reshape(-1, self.COLUMNS)
        return np.concatenate([self.kept, added])


class Books:
    """All books of an index; its segments share them, so that a number means the same in each."""

    def __init__(self, contents: Contents | None = None, outlets: NDArray[Any] | None = None) -> None:
        kept = contents or Contents()
        self.operators: Book[Operator | None] = Book(kept.operators, lambda operator: operator and operator.id)
        self.parties: Book[tuple[str, str]] = Book(kept.parties)
        self.countries: Book[str | None] = Book(kept.countries)
        self.partners: Book[UUID] = Book(kept.partners)
        self.hours: Book[Hours] = Book(kept.hours, msgspec.msgpack.encode)
        self.word_lists: Book[tuple[str, ...]] = Book(kept.word_lists)
        self.ways: Book[tuple[Outlet, ...]] = Book(kept.ways)
        self.outlets = Outlets(self, outlets)
        self._renewed: list[int] = []

    def operator(self, operator: Operator) -> int:
        """The number of an operator, of whom this is the newest that is known."""
        known = len(self.operators)
        ref = self.operators.ref(operator)
        if ref < known and self.operators[ref] != operator:
            self.operators[ref] = operator
            self._renewed.append(ref)
        return ref

    def renewed_operators(self) -> list[int]:
        """Those that changed since this was last asked."""
        renewed, self._renewed = self._renewed, []
        return renewed

    def contents(self) -> Contents:
        """All but the outlets, as it is kept in a file."""
        return Contents(*(list(getattr(self, name)) for name in Contents.__struct_fields__))
