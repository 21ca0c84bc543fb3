"""The words of a segment's stations, as arrays that a snapshot can hold.

Words and EVSE ids stand in sorted order, so that those that begin alike are a run, and the rows of a run are a run too.
What a station's search words are, line by line, is said at `rows.search_words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress, count
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


def build(search_words: Sequence[bytes]) -> dict[str, Any]:
    """The arrays of `Words` for the search words of stations, in the order of their rows."""
    lines, of, places = _split(search_words, b"\n")
    fields, field_of = _chosen(lines, of, places < FIELDS)
    words, field, _ = _split(fields, b" ")
    kinds = {
        "word": _arrays(words, field_of[field]),
        "evse_id": _arrays(*_chosen(lines, of, places >= FIELDS)),
        NAME: _arrays(*_chosen(lines, of, places == 0), filled=False),
        CITY: _arrays(*_chosen(lines, of, places == 1), filled=False),
    }
    return {f"{kind}_{name}": values for kind, arrays in kinds.items() for name, values in arrays.items()}


def _split(texts: Sequence[bytes], separator: bytes) -> tuple[list[bytes], Any, Any]:
    """All parts of texts, of each the number of its text, and its place in it."""
    joined = separator.join(texts)
    cuts = np.flatnonzero(np.frombuffer(joined, dtype=np.uint8) == ord(separator))
    ends = np.cumsum(_lengths(texts) + 1) - 1
    lasts = np.append(np.searchsorted(cuts, ends[:-1]), len(cuts)) if len(texts) else ends
    parts = np.diff(lasts, prepend=-1)
    of = np.repeat(np.arange(len(texts)), parts)
    return joined.split(separator) if len(texts) else [], of, np.arange(len(of)) - (np.cumsum(parts) - parts)[of]


def _chosen(texts: list[bytes], rows: Any, kept: Any) -> tuple[list[bytes], Any]:
    return list(compress(texts, kept.tolist())), rows[kept]


def _arrays(texts: list[bytes], rows: Any, *, filled: bool = True) -> dict[str, Any]:
    """Of texts with the row that has each: every text once, sorted by its letters; those without any are left out
    where it has to be `filled`. The loops over all texts are those of Python's own functions."""
    firsts: dict[bytes, int] = {}
    first = np.fromiter(map(firsts.setdefault, texts, count()), dtype=np.int64, count=len(texts))
    distinct = sorted(firsts)
    numbers = np.empty(len(texts), dtype=np.int64)
    numbers[list(map(firsts.__getitem__, distinct))] = np.arange(len(distinct))
    size = int(rows.max()) + 1 if len(rows) else 1
    pairs = np.sort(numbers[first] * size + rows)
    if filled and distinct and not distinct[0]:
        distinct, pairs = distinct[1:], pairs[np.searchsorted(pairs, size) :] - size
    of, rows = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], size)
    return {
        "letters": np.frombuffer(b"".join([text + b"\n" for text in distinct]), dtype=np.uint8),
        "starts": _starts(_lengths(distinct) + 1),
        "rows": rows.astype(np.int32),
        "row_starts": _starts(np.bincount(of, minlength=len(distinct))),
    }


def _lengths(texts: Sequence[bytes]) -> Any:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _starts(lengths: Any) -> Any:
    return np.append(0, np.cumsum(lengths)).astype(np.int64)
