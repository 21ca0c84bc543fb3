"""The check of a record on the receipt: each figure with both sides and a sentence; old receipts show as well."""

from typing import Any

import pytest

from emsp.graphql.verification import CdrCheckSubject, CdrVerificationReason, CdrVerificationResult, verification_of
from emsp.pricing.check.verify import Reason, Verdict, What


def test_that_a_receipt_from_before_shows() -> None:
    shown = verification_of({"result": "AGREES", "reason": None}, "en")
    assert (shown.result.name, shown.reason, shown.checks, shown.claimed) == ("AGREES", None, [], False)
    assert shown.text == "What the operator asks is what its prices come to for what was measured."


def test_that_each_figure_is_shown_in_both_sides() -> None:
    facts: dict[str, Any] = {
        "result": "DIFFERS",
        "reason": "TARIFF_CHANGED",
        "currency": "EUR",
        "claimed": True,
        "checks": [
            {
                "what": "ENERGY",
                "verdict": "NOT_CHECKABLE",
                "reason": "NOT_STATED",
                "computed": {"net": "4.495", "gross": None},
            },
            {
                "what": "TOTAL",
                "verdict": "DIFFERS",
                "asked": {"net": "6.00", "gross": "7.26"},
                "computed": {"net": "4.495", "gross": "5.44"},
            },
        ],
    }
    shown = verification_of(facts, "nl")
    assert (shown.reason, shown.claimed) == (CdrVerificationReason.TARIFF_CHANGED, True)
    assert shown.text.startswith("De exploitant vraagt meer dan zijn prijzen opleveren. U betaalt het verschil niet")
    energy, total = shown.checks
    assert (energy.dimension, energy.asked.net, energy.reason) == (
        CdrCheckSubject.ENERGY,
        None,
        CdrVerificationReason.NOT_STATED,
    )
    assert energy.computed.net is not None
    assert (str(energy.computed.net.amount), energy.computed.gross) == ("4.50", None)
    assert total.asked.gross is not None
    assert (str(total.asked.gross.amount), total.result) == ("7.26", CdrVerificationResult.DIFFERS)
    said = total.text.replace("\N{NO-BREAK SPACE}", " ")
    assert said == "Totaal zonder btw: de exploitant vraagt € 6,00, zijn prijzen leveren € 4,50 op."


@pytest.mark.parametrize(
    ("ours", "shown"), [(Verdict, CdrVerificationResult), (Reason, CdrVerificationReason), (What, CdrCheckSubject)]
)
def test_that_the_schema_has_every_word(ours: Any, shown: Any) -> None:
    assert [word.value for word in ours] == [word.value for word in shown]
