"""The engine and a naive second pricer that shares no code with it come to the same sums. See second/README.md."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.pricing.second import examples, generated, pricer
from tests.pricing.second.compare import difference, same
from tests.pricing.second.sessions import STANDARD, TIME_ZONE
from tests.pricing.second.walk import Document

DATA = Path(__file__).parents[3] / "shared" / "data" / "ndw-2026-06-02-tariffs.jsonl.gz"
MANY = settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in examples.cases()])
def test_the_second_pricer_agrees_on_the_examples(case: dict[str, Any]) -> None:
    cdr = examples.cdr_of(examples.periods_of(case))

    cost = pricer.price(examples.tariff_of(case["tariff"]), cdr, case["time_zone"])

    assert same(_amount(case["expected"]["net"]), cost.net)
    assert same(_amount(case["expected"]["gross"]), cost.gross)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@MANY
@given(tariff=generated.tariffs_2_2_1, cdr=generated.sessions, time_zone=generated.time_zones)
def test_they_agree_on_made_up_tariffs_of_2_2_1(tariff: Document, cdr: Document, time_zone: str) -> None:
    assert difference(tariff, cdr, time_zone) is None


@MANY
@given(tariff=generated.tariffs_2_3_0, cdr=generated.sessions, time_zone=generated.time_zones)
def test_they_agree_on_made_up_tariffs_of_2_3_0(tariff: Document, cdr: Document, time_zone: str) -> None:
    assert difference(tariff, cdr, time_zone, "2.3.0") is None


@cache
def _one_of_each_structure() -> list[Document]:
    """Of the real tariffs the shortest of each structure: which dimensions, which restrictions, how many elements."""
    found: dict[str, Document] = {}
    with gzip.open(DATA, "rt") as lines:
        for tariff in sorted(
            (json.loads(line, parse_float=Decimal) for line in lines), key=lambda t: len(t["elements"])
        ):
            found.setdefault(_structure(tariff), tariff)
    return list(found.values())


def _structure(tariff: Document) -> str:
    components = [each for element in tariff["elements"] for each in element["price_components"]]
    facts = (
        min(len(tariff["elements"]), 4),
        sorted({each["type"] for each in components}),
        sorted({str(each.get("vat")) for each in components}),
        max(each["step_size"] for each in components),
        sorted({name for element in tariff["elements"] for name in element.get("restrictions") or {}}),
    )
    return repr(facts)


@pytest.mark.skipif(not DATA.exists(), reason="the real tariffs are not on this machine")
@pytest.mark.parametrize("name", STANDARD)
def test_they_agree_on_real_tariffs(name: str) -> None:
    tariffs = _one_of_each_structure()

    different = {each["id"]: found for each in tariffs if (found := difference(each, STANDARD[name], TIME_ZONE))}

    assert len(tariffs) > 30
    assert different == {}
