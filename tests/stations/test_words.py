"""Words meet whatever their case, accents and signs."""

import pytest

from emsp.stations import words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café-Bar  Zürich", "cafe bar zurich"),
        ("Großer Straße", "grosser strasse"),
        ("Łódź, Ørsted & Åse", "lodz orsted ase"),
        ("Ærø", "aero"),
        ("İstanbul ISPARTA ısı", "istanbul isparta isi"),
        ("Αθήνα", "αθηνα"),
        ("under_score", "under score"),
        (" %_\\ ", ""),
    ],
)
def test_that_words_are_folded(text: str, folded: str) -> None:
    assert words.folded(text) == folded
    assert words.folded(folded) == folded


@pytest.mark.parametrize("printed", ["NL*ABC*E123*1", "nl-abc-e123-1", "NLABCE1231", "NL ABC E123.1"])
def test_that_an_evse_id_is_the_same_with_any_separators(printed: str) -> None:
    assert words.evse_key(printed) == "NLABCE1231"


@pytest.mark.parametrize(
    ("text", "may_be"), [("NL*ABC*E1", True), ("+49*123*456", True), ("Utrecht", False), ("A1", False)]
)
def test_what_may_be_an_evse_id(text: str, may_be: bool) -> None:
    assert words.looks_like_evse_id(text) is may_be
