"""Words that stations are searched by, as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlmodel import col

from emsp.stations import words
from emsp.stations.tables import Evse, Station

MAX_WORDS = 8
MAX_LETTERS = 100


def matching(text: str) -> list[ColumnElement[bool]]:
    """Shown stations that have every word somewhere, or an EVSE id with the text in it, separators apart."""
    folded = words.folded(text[:MAX_LETTERS])
    if not folded:
        return [false()]
    every_word = and_(*(_has(word) for word in folded.split()[:MAX_WORDS]))
    joined = folded.replace(" ", "")
    found = or_(every_word, _has(joined)) if words.looks_like_evse_id(text) else every_word
    return [and_(col(Station.shown)), found]


def rank(text: str) -> ColumnElement[Any]:
    """What comes first: 0 this EVSE id, 1 one that begins so, 2 a name or city that begins so, 3 anything else."""
    folded, key = words.folded(text[:MAX_LETTERS]), words.evse_key(text[:MAX_LETTERS])
    city = func.split_part(col(Station.search_words), "\n", 2)
    begins = or_(col(Station.search_words).startswith(folded), city.startswith(folded))
    if not words.looks_like_evse_id(text):
        return case((begins, 2.0), else_=3.0)
    exact, prefix = _has_evse(col(Evse.evse_key) == key), _has_evse(col(Evse.evse_key).startswith(key))
    return case((exact, 0.0), (prefix, 1.0), (begins, 2.0), else_=3.0)


def _has(word: str) -> ColumnElement[bool]:
    return col(Station.search_words).contains(word)


def _has_evse(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    query = select(col(Evse.id)).where(col(Evse.station_id) == col(Station.id), ~col(Evse.removed), condition)
    return query.correlate(Station).exists()
