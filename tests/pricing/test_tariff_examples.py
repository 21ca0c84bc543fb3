"""Every file in tests/examples/tariffs is a priced session; adding a case needs no Python."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from emsp.pricing.engine import Period, price
from emsp.pricing.plan import periods_of_plan
from emsp.pricing.report import LineKind, Report
from emsp.pricing.tariff import Tariff

FILES = sorted((Path(__file__).parents[1] / "examples" / "tariffs").glob("*.json"))


class Plan(msgspec.Struct, forbid_unknown_fields=True):
    """A constant-power charge, then parking; what `periods_of_plan` takes."""

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    reserved_from: datetime | None = None


class Expected(msgspec.Struct, forbid_unknown_fields=True):
    """Totals to the last decimal (null: cannot be known), and if given, what is billed of each kind."""

    net: Decimal | None
    gross: Decimal | None
    billed: dict[LineKind, Decimal] = {}
    estimated: bool = False


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """A tariff, a session as periods or as a plan, and what it costs."""

    description: str
    time_zone: str
    tariff: Tariff
    expected: Expected
    periods: tuple[Period, ...] = ()
    plan: Plan | None = None

    def report(self) -> Report:
        """The session of this case, priced."""
        periods = self.periods
        if self.plan is not None:
            periods = periods_of_plan(**msgspec.structs.asdict(self.plan))
        return price(self.tariff, periods, time_zone=self.time_zone)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_priced_as_expected(path: Path) -> None:
    case = msgspec.json.decode(path.read_bytes(), type=Case)

    report = case.report()

    billed = {total.kind: total.billed for total in report.per_dimension}
    assert (report.net, report.gross) == (case.expected.net, case.expected.gross)
    assert {kind: billed[kind] for kind in case.expected.billed} == case.expected.billed
    assert report.estimated == case.expected.estimated
