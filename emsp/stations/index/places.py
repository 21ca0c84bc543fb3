"""Stations of an index by what a person typed or scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from emsp import clock
from emsp.stations import words
from emsp.stations.asking import BY_WORDS, Cursor, Cursors, Filter, Network, Page, checked_first
from emsp.stations.index import views
from emsp.stations.index.boxes import Mask, Rows
from emsp.stations.index.chosen import Records
from emsp.stations.index.text import Words
from emsp.stations.wording import MAX_LETTERS, MAX_WORDS

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment
    from emsp.stations.index.kept import StationIndex

FORGIVING = 4
"""From so many letters on, one slip is forgiven (a letter wrong, missing, too many, two in the wrong order) ..."""
VERY_FORGIVING = 8
"""... and from so many on, two. The first letter must be right."""
EXACT, BEGUN, NAMED, OTHER = 0.0, 1.0, 2.0, 3.0


def search_places(
    index: StationIndex, text: str, first: int = 10, after: str | None = None, *, network: Network | None = None
) -> Page:
    """As `search.search_places`."""
    cursor = Cursor.read(after, BY_WORDS)
    checked_first(first)
    segments = [segment for segment in index.segments if segment.text]
    visible = [views.of(segment).of(Filter(network=network), clock.now()).mask for segment in segments]
    found = _found(segments, visible, text[:MAX_LETTERS])
    ranks, ids, numbers, rows = _columns(segments, found, text[:MAX_LETTERS])
    total = len(ids)
    if cursor:
        kept = (ranks > cursor.first) | ((ranks == cursor.first) & (ids > cursor.id))
        ranks, ids, numbers, rows = ranks[kept], ids[kept], numbers[kept], rows[kept]
    order = np.lexsort((ids, ranks))[: first + 1]
    shown = order[:first]
    places = zip(numbers[shown].tolist(), rows[shown].tolist(), strict=True)
    return Page(
        stations=Records.at((segments[number], row) for number, row in places),
        distances_m=[None] * len(shown),
        on_route=[None] * len(shown),
        cursors=Cursors(BY_WORDS, ranks[shown].tolist(), [0.0] * len(shown), ids[shown].tolist()),
        total_count=total,
        has_next=len(order) > first,
    )


def _found(segments: list[Segment], visible: list[Mask], text: str) -> list[Mask]:
    """Of each segment the rows that are meant: with all words, or with the EVSE id; else with words much like them."""
    asked = words.folded(text).split()[:MAX_WORDS]
    if not asked:
        return [np.zeros(len(mask), dtype=bool) for mask in visible]
    known = [_words(segment) for segment in segments]
    by_word = [[each.with_word(word) & mask for each, mask in zip(known, visible, strict=True)] for word in asked]
    found = [np.logical_and.reduce(masks) for masks in zip(*by_word, strict=True)]
    if words.looks_like_evse_id(text):
        joined = words.folded(text).replace(" ", "")
        found = [mask | (each.with_part(joined) & seen) for mask, each, seen in zip(found, known, visible, strict=True)]
    if any(mask.any() for mask in found):
        return found
    forgiven = [
        masks if any(mask.any() for mask in masks) else _like(word, known, visible)
        for word, masks in zip(asked, by_word, strict=True)
    ]
    return [np.logical_and.reduce(masks) for masks in zip(*forgiven, strict=True)]


def _like(word: str, known: list[Words], visible: list[Mask]) -> list[Mask]:
    """Which rows have a word that is as near to this one as any is, whole or as far as it was typed."""
    slips = _forgiven(word)
    candidates = [each.beginning_with(word[0]) if slips else [] for each in known]
    away = [_slips(word, texts, slips) for texts in candidates]
    least = min((int(each.min()) for each in away if len(each)), default=slips + 1)
    return [
        each.with_one_of(texts[number] for number in np.flatnonzero(apart == min(least, slips))) & seen
        for each, texts, apart, seen in zip(known, candidates, away, visible, strict=True)
    ]


def _forgiven(word: str) -> int:
    """How many slips are; none in numbers."""
    if len(word) < FORGIVING or any(letter.isdigit() for letter in word):
        return 0
    return 1 if len(word) < VERY_FORGIVING else 2


def _slips(word: str, texts: list[bytes], most: int) -> Any:
    if not texts:
        return np.empty(0, dtype=np.uint8)
    whole = [text.decode() for text in texts]
    typed = [text[: len(word)] for text in whole]
    apart = [
        process.cdist([word], some, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
        for some in (whole, typed)
    ]
    return np.minimum(*apart)


def _columns(segments: list[Segment], found: list[Mask], text: str) -> tuple[Any, Any, Any, Any]:
    """Rank, id, number of the segment and row of each that was found."""
    ranks, ids, numbers, rows = [np.empty(0)], [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, (segment, mask) in enumerate(zip(segments, found, strict=True)):
        chosen = np.flatnonzero(mask)
        ranks.append(_ranks(_words(segment), text, chosen))
        ids.append(segment.id[chosen])
        numbers.append(np.full(len(chosen), number))
        rows.append(chosen)
    return tuple(np.concatenate(column) for column in (ranks, ids, numbers, rows))  # type: ignore[return-value]


def _ranks(known: Words, text: str, rows: Rows) -> Any:
    """As `wording.rank`, of some rows."""
    ranks = np.where(known.named(words.folded(text))[rows], NAMED, OTHER)
    if words.looks_like_evse_id(text):
        exact, begun = known.with_evse_id(words.evse_key(text))
        ranks[begun[rows]] = BEGUN
        ranks[exact[rows]] = EXACT
    return ranks


def _words(segment: Segment) -> Words:
    return Words(segment.text, len(segment.id))
