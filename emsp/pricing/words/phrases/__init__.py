"""The words of prices, a file for each language we speak. All have the same keys; a test compares them."""

from __future__ import annotations

from typing import Final

from emsp.pricing.words.phrases import de, en, fr, nl

PHRASES: Final = {"en": en.PHRASES, "de": de.PHRASES, "fr": fr.PHRASES, "nl": nl.PHRASES}
