"""The words of a segment's stations, as arrays that a snapshot can hold.

Words and EVSE ids stand in sorted order, so that those that begin alike are a run, and the rows of a run are a run too.
What a station's search words are, line by line, is said at `rows.search_words`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from emsp.stations.index.boxes import Mask
from emsp.stations.wording import INSIDE_LETTERS

FIELDS = 6
"""So many lines are words for people: name, city, operator, street, postal code, the same in one; then EVSE ids."""
NAME, CITY = "name", "city"
LAST = b"\xff"
"""Behind every letter."""


class Sorted:
    """Texts in order, each with the rows that have it."""

    def __init__(self, arrays: dict[str, Any], name: str) -> None:
        self.letters, self.starts = arrays[f"{name}_letters"], arrays[f"{name}_starts"]
        self.rows, self.row_starts = arrays[f"{name}_rows"], arrays[f"{name}_row_starts"]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def text(self, number: int) -> bytes:
        """One of them."""
        return bytes(self.letters[self.starts[number] : self.starts[number + 1] - 1])

    def beginning(self, prefix: bytes) -> tuple[int, int]:
        """The run of those that begin so."""
        return self._place(prefix), self._place(prefix + LAST)

    def exactly(self, text: bytes) -> tuple[int, int]:
        """The run of this very text."""
        return self._place(text), self._place(text + b"\x00")

    def containing(self, part: bytes) -> list[int]:
        """The numbers of those with this in them; a look at every letter."""
        letters, found = self.letters.tobytes(), []
        place = letters.find(part)
        while place >= 0:
            found.append(place)
            place = letters.find(part, place + 1)
        return np.unique(np.searchsorted(self.starts, found, "right") - 1).tolist() if found else []

    def mark(self, mask: Mask, first: int, end: int) -> None:
        """Set the mask for the rows of a run."""
        mask[self.rows[self.row_starts[first] : self.row_starts[end]]] = True

    def _place(self, text: bytes) -> int:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.text(middle) < text:
                low = middle + 1
            else:
                high = middle
        return low


class Words:
    """The words of a segment."""

    def __init__(self, arrays: dict[str, Any], rows: int) -> None:
        self._arrays, self._rows = arrays, rows

    @cached_property
    def words(self) -> Sorted:
        """Of names, cities, operators, addresses."""
        return Sorted(self._arrays, "word")

    @cached_property
    def evse_ids(self) -> Sorted:
        """Without separators, in small letters."""
        return Sorted(self._arrays, "evse_id")

    def with_word(self, word: str) -> Mask:
        """Which rows have a word or an EVSE id that begins so, or a word that has a longer one in it."""
        mask, prefix = self._none(), word.encode()
        for texts in (self.words, self.evse_ids):
            texts.mark(mask, *texts.beginning(prefix))
        if len(word) >= INSIDE_LETTERS:
            for number in self.words.containing(prefix):
                self.words.mark(mask, number, number + 1)
        return mask

    def with_one_of(self, words: Iterable[bytes]) -> Mask:
        """Which rows have one of these very words."""
        mask = self._none()
        for word in words:
            self.words.mark(mask, *self.words.exactly(word))
        return mask

    def with_part(self, part: str) -> Mask:
        """Which rows have a word or an EVSE id with this in it."""
        mask = self._none()
        for texts in (self.words, self.evse_ids):
            for number in texts.containing(part.encode()):
                texts.mark(mask, number, number + 1)
        return mask

    def with_evse_id(self, key: str) -> tuple[Mask, Mask]:
        """Which rows have this EVSE id, and which one that begins so."""
        exact, begun, wanted = self._none(), self._none(), key.lower().encode()
        self.evse_ids.mark(exact, *self.evse_ids.exactly(wanted))
        self.evse_ids.mark(begun, *self.evse_ids.beginning(wanted))
        return exact, begun

    def named(self, text: str) -> Mask:
        """Which rows have a name or a city that begins so."""
        mask, prefix = self._none(), text.encode()
        for name in (NAME, CITY):
            texts = Sorted(self._arrays, name)
            texts.mark(mask, *texts.beginning(prefix))
        return mask

    def beginning_with(self, letter: str) -> list[bytes]:
        """All words with this first letter, in order."""
        first, end = self.words.beginning(letter.encode())
        letters, starts = self.words.letters, self.words.starts
        return bytes(letters[starts[first] : starts[end]]).split(b"\n")[:-1]

    def _none(self) -> Mask:
        return np.zeros(self._rows, dtype=bool)


def build(search_words: Sequence[str]) -> dict[str, Any]:
    """The arrays of `Words` for the search words of stations, in the order of their rows."""
    kinds: dict[str, _Gathered] = {"word": _Gathered(), "evse_id": _Gathered(), NAME: _Gathered(), CITY: _Gathered()}
    for row, text in enumerate(search_words):
        lines = text.split("\n")
        kinds["word"].add(row, {word for line in lines[:FIELDS] for word in line.split(" ") if word})
        kinds["evse_id"].add(row, {line for line in lines[FIELDS:] if line})
        kinds[NAME].add(row, lines[:1])
        kinds[CITY].add(row, lines[1:2])
    return {f"{kind}_{name}": values for kind, found in kinds.items() for name, values in found.arrays().items()}


class _Gathered:
    """Texts as they come, with the rows that have them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.of, self.rows = array("i"), array("i")

    def add(self, row: int, texts: Iterable[str]) -> None:
        for text in texts:
            self.of.append(self.numbers.setdefault(text, len(self.numbers)))
            self.rows.append(row)

    def arrays(self) -> dict[str, Any]:
        """Sorted by their letters, which is the order of their bytes in UTF-8 as well."""
        texts = sorted(self.numbers)
        encoded = [text.encode() + b"\n" for text in texts]
        places = np.empty(len(texts), dtype=np.int64)
        places[[self.numbers[text] for text in texts]] = np.arange(len(texts))
        of = places[np.frombuffer(self.of, dtype=np.int32)] if len(texts) else np.empty(0, dtype=np.int64)
        rows = (
            np.frombuffer(self.rows, dtype=np.int32)[np.argsort(of, kind="stable")]
            if len(texts)
            else np.empty(0, np.int32)
        )
        return {
            "letters": np.frombuffer(b"".join(encoded), dtype=np.uint8),
            "starts": _starts([len(letters) for letters in encoded]),
            "rows": rows,
            "row_starts": _starts(np.bincount(of, minlength=len(texts))),
        }


def _starts(lengths: Any) -> Any:
    return np.append(0, np.cumsum(np.asarray(lengths, dtype=np.int64))).astype(np.int64)
