"""Words as they are compared: without case, accents and signs."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import combining, normalize

EVSE_ID_LETTERS = 5
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_SIGNS = re.compile(r"[\W_]+")


def key(text: str) -> str:
    """An identifier folded to one case, for identifiers that partners compare without case."""
    return text.casefold()


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """Lower case, no accents, words parted by single spaces: "Café-Bar Zürich" is "cafe bar zurich"."""
    if not text.isascii():
        text = "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))
        text = text.translate(_LETTERS)
    return _SIGNS.sub(" ", text.lower()).strip()


@lru_cache(maxsize=2_000)
def evse_key(evse_id: str) -> str:
    """An EVSE id as it is compared: upper case letters and digits, whatever separators were printed."""
    return _SIGNS.sub("", evse_id).upper()


def looks_like_evse_id(text: str) -> bool:
    """Whether a text may be an EVSE id or a telling part of one: its party alone, as in NL*ABC*, is one."""
    letters = evse_key(text)
    return len(letters) >= EVSE_ID_LETTERS and ("*" in text or any(letter.isdigit() for letter in letters))
