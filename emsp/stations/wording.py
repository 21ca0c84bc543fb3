"""Words that stations are searched by, as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_
from sqlmodel import col

from emsp.stations import words
from emsp.stations.tables import Station
from emsp.stations.twins.shown import is_pin

MAX_WORDS = 8
MAX_LETTERS = 100
EVSE_IDS = r"^(?:[^\n]*\n){5}[^\n]*(\n.*)$"
"""Of search words the lines after the sixth, which are EVSE ids."""
FOR_PEOPLE = r"^(?:[^\n]*\n){5}[^\n]*"
"""Of search words the first six lines, which are not."""
INSIDE_LETTERS = 4
"""A word of so many letters is found inside of others, too: bahnhof is meant in Hauptbahnhof."""


def matching(text: str) -> list[ColumnElement[bool]]:
    """Shown stations of which every word begins one or is in one, or with the text in an EVSE id, separators apart."""
    folded = words.folded(text[:MAX_LETTERS])
    if not folded:
        return [false()]
    every_word = and_(*(_has(word) for word in folded.split()[:MAX_WORDS]))
    joined = folded.replace(" ", "")
    found = (
        or_(every_word, col(Station.search_words).contains(joined)) if words.looks_like_evse_id(text) else every_word
    )
    return [is_pin(), found]


def rank(text: str) -> ColumnElement[Any]:
    """What comes first: 0 this EVSE id, 1 one that begins so, 2 a name or city that begins so, 3 anything else."""
    folded, key = words.folded(text[:MAX_LETTERS]), words.evse_key(text[:MAX_LETTERS]).lower()
    city = func.split_part(col(Station.search_words), "\n", 2)
    begins = or_(col(Station.search_words).startswith(folded), city.startswith(folded))
    if not words.looks_like_evse_id(text):
        return case((begins, 2.0), else_=3.0)
    ids = func.substring(col(Station.search_words), EVSE_IDS) + "\n"
    return case((ids.contains(f"\n{key}\n"), 0.0), (ids.contains(f"\n{key}"), 1.0), (begins, 2.0), else_=3.0)


def _has(word: str) -> ColumnElement[bool]:
    """Of a station: one of its words begins so, or one that is no EVSE id has a longer word in it."""
    texts = col(Station.search_words)
    begins = or_(texts.startswith(word), texts.contains(f" {word}"), texts.contains(f"\n{word}"))
    if len(word) < INSIDE_LETTERS:
        return begins
    return and_(texts.contains(word), or_(begins, func.substring(texts, FOR_PEOPLE).contains(word)))
