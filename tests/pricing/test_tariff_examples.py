"""Every file in tests/examples/tariffs is a priced session; adding a case needs no Python.

`specification` names the worked figures of the specification that a case stands for. Where a list of these figures
and the specification's own tariffs are on this machine, both are held against the cases.
"""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.pricing.engine.plan import CurvePoint, periods_of_plan
from emsp.pricing.engine.policies import DEFAULT, Policies
from emsp.pricing.engine.price import Period, price, price_by_period
from emsp.pricing.engine.report import LineKind, Report
from emsp.pricing.engine.tariff import Tariff

FILES = sorted((Path(__file__).parents[1] / "examples" / "tariffs").glob("*.json"))
SPECIFICATION = Path(__file__).parents[3] / "shared" / "ocpi" / "examples"
WORKED = SPECIFICATION / "tariff_worked_examples.tsv"
PRICES = ("currency", "elements", "tax_included", "min_price", "max_price")
PRICE_ON_A_WEB_PAGE = "energy_in_steps_of_100_wh_at_another_price"


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """A charge at constant power or along a curve, then parking; what `periods_of_plan` takes."""

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    reserved_from: datetime | None = None
    curve: tuple[CurvePoint, ...] = ()


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """Totals to the last decimal (null: cannot be known), and if given, what is billed of each kind."""

    net: Decimal | None
    gross: Decimal | None
    billed: dict[LineKind, Decimal] = {}
    estimated: bool = False


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """A tariff (or several), a session as periods or as a plan, and what it costs."""

    description: str
    time_zone: str
    expected: Expected
    tariff: Tariff | None = None
    tariffs: tuple[Tariff, ...] = ()
    periods: tuple[Period, ...] = ()
    plan: Plan | None = None
    policies: Policies = DEFAULT
    specification: tuple[str, ...] = ()

    def report(self) -> Report:
        """The session of this case, priced."""
        periods = self.periods
        if self.plan is not None:
            periods = periods_of_plan(**msgspec.structs.asdict(self.plan))
        if self.tariff is None:
            return price_by_period(self.tariffs, periods, time_zone=self.time_zone, policies=self.policies)
        return price(self.tariff, periods, time_zone=self.time_zone, policies=self.policies)


CASES = {path.stem: msgspec.json.decode(path.read_bytes(), type=Case) for path in FILES}


@pytest.mark.parametrize("name", CASES)
def test_priced_as_expected(name: str) -> None:
    case = CASES[name]

    report = case.report()

    billed = {total.kind: total.billed for total in report.per_dimension}
    assert (report.net, report.gross) == (case.expected.net, case.expected.gross)
    assert {kind: billed[kind] for kind in case.expected.billed} == case.expected.billed
    assert report.estimated == case.expected.estimated


def _worked_figures() -> list[dict[str, str]]:
    if not WORKED.exists():
        return []
    with WORKED.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _name(row: dict[str, str]) -> str:
    return f"{next(iter(row.values()))}: {row['scenario']}"


@pytest.mark.skipif(not WORKED.exists(), reason="the list of worked figures is not on this machine")
def test_that_no_case_names_a_figure_that_does_not_exist() -> None:
    named = {name for case in CASES.values() for name in case.specification}

    assert len(named) == 36
    assert named == {_name(row) for row in _worked_figures()}


@pytest.mark.skipif(not WORKED.exists(), reason="the list of worked figures is not on this machine")
@pytest.mark.parametrize("row", _worked_figures(), ids=_name)
def test_every_worked_figure_of_the_specification_has_its_case(row: dict[str, str]) -> None:
    cases = [case for case in CASES.values() if _name(row) in case.specification]

    assert cases
    for case in cases:
        _agrees(case.expected.net, row["recomputed excl"])
        _agrees(case.expected.gross, row["recomputed incl"])
        assert case.expected.billed or "bill" not in row["spec excl tax"] + row["note"]


def _agrees(amount: Decimal | None, figure: str) -> None:
    """`figure` is as many decimals as the list gives, `-` for none, or says that a tax comes on top."""
    if figure == "plus tax":
        assert amount is None
    elif figure != "-":
        assert amount is not None
        assert amount.quantize(Decimal(figure)) == Decimal(figure)


def _tariffs_of_the_specification() -> list[tuple[str, Path]]:
    """The cases that name a tariff file, with this file in each version that has it."""
    return [
        (name, path)
        for name, case in CASES.items()
        for file in {line.split(":")[0] for line in case.specification if line.startswith("tariff")}
        for path in sorted(SPECIFICATION.glob(f"2.*/{file}"))
        if name != PRICE_ON_A_WEB_PAGE
    ]


@pytest.mark.skipif(not WORKED.exists(), reason="the tariffs of the specification are not on this machine")
@pytest.mark.parametrize(
    ("name", "path"), _tariffs_of_the_specification(), ids=lambda value: getattr(value, "stem", value)
)
def test_the_tariff_of_a_case_is_that_of_the_specification(name: str, path: Path) -> None:
    raw = msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes())
    lifted = bridge.lift("tariffs", path.parent.name[:5], raw)

    theirs = tariff_of(msgspec.convert(lifted, messages.Tariff, strict=False))

    ours = CASES[name].tariff
    assert {part: getattr(ours, part) for part in PRICES} == {part: getattr(theirs, part) for part in PRICES}
