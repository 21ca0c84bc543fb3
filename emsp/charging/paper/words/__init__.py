"""The words of receipts and of the e-mails that bring them, a file a language."""

from __future__ import annotations

from emsp.charging.paper.words import de, en, fr, nl
from emsp.papers.said import language_of

PHRASES: dict[str, dict[str, str]] = {"en": en.PHRASES, "nl": nl.PHRASES, "de": de.PHRASES, "fr": fr.PHRASES}


def phrase(key: str, wanted: str, **parts: str) -> str:
    """The phrase in the language, English where we do not speak it, with its parts filled in."""
    return PHRASES[language_of(wanted)][key].format(**parts)
