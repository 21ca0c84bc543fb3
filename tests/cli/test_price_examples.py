"""The priced sessions of tests/examples/tariffs, told in OCPI's words at the command line, come to the same."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emsp.pricing.engine.plan import CurvePoint, periods_of_plan
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.engine.trace import Period
from tests.cli.pricing import answers
from tests.cli.said import ocpi_cdr, ocpi_tariff

FILES = sorted((Path(__file__).parents[1] / "examples" / "tariffs").glob("*.json"))
BILLED = {"ENERGY": "billed_energy_kwh", "TIME": "billed_time_h", "PARKING_TIME": "billed_parking_h"}
PER_UNIT = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600}
ENCODER = msgspec.json.Encoder(decimal_format="number")
FINEST = Decimal("1E-12")


class Plan(msgspec.Struct):
    """What `periods_of_plan` takes."""

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    reserved_from: datetime | None = None
    curve: tuple[CurvePoint, ...] = ()


class Example(msgspec.Struct):
    """As much of an example as can be told."""

    time_zone: str
    expected: dict[str, Any]
    tariff: Tariff | None = None
    tariffs: tuple[Tariff, ...] = ()
    periods: tuple[Period, ...] = ()
    plan: Plan | None = None
    policies: dict[str, str] = {}

    def can_be_told(self) -> bool:
        """OCPI has no limit of the sum after taxes alone."""
        limits = [limit for t in (*self.tariffs, self.tariff) if t for limit in (t.min_price, t.max_price) if limit]
        return all(limit.net is not None for limit in limits)

    def case(self, name: str) -> bytes:
        """The line of the example."""
        periods = self.periods or periods_of_plan(**msgspec.structs.asdict(self.plan))
        tariffs = self.tariffs or (self.tariff,)
        told = {
            "id": name,
            "version": "2.3.0",
            "time_zone": self.time_zone,
            "tariff": [ocpi_tariff(tariff) for tariff in tariffs],
            "cdr": ocpi_cdr(periods),
        }
        return ENCODER.encode(told)


def _examples() -> dict[tuple[str, ...], dict[str, Example]]:
    """By the options that they are priced with."""
    found: dict[tuple[str, ...], dict[str, Example]] = defaultdict(dict)
    for path in FILES:
        example = msgspec.json.decode(path.read_bytes(), type=Example)
        options = tuple(f"--policy={name}={value}" for name, value in sorted(example.policies.items()))
        if example.can_be_told():
            found[options][path.stem] = example
    return found


def _option(part: object) -> str:
    return " ".join(part) or "as the specification says" if isinstance(part, tuple) else ""


@pytest.mark.parametrize(("options", "examples"), _examples().items(), ids=_option)
def test_the_same_figures(options: tuple[str, ...], examples: dict[str, Example]) -> None:
    told = answers(*(example.case(name) for name, example in examples.items()), options=options)
    for answer, (name, example) in zip(told, examples.items(), strict=True):
        assert (answer["id"], answer["error"]) == (name, None)
        expected = [example.expected["net"], example.expected["gross"]]
        assert [_number(answer["before_tax"]), _number(answer["after_tax"])] == [*map(_number, expected)], name
        for kind, billed in example.expected.get("billed", {}).items():
            if kind in BILLED:
                exact = Decimal(billed) / PER_UNIT[kind]
                assert _number(answer[BILLED[kind]]) == exact.quantize(FINEST), name


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
