"""Hundreds of charges, written down honestly and with faults: which verdicts are right, and which alarms are false.

The tolerance of an amount before tax, and of the tax, is one minor unit, and what rounding can do at most: half a
minor unit for each line of the bill, in each charging period that it may have been rounded in. Everything above it
is found, and most of what is below.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec import Struct

from emsp.charging.records.checking import ask_of, is_same_charge
from emsp.charging.records.readings import readings
from emsp.charging.tables import ChargingSession
from emsp.money import exponent
from emsp.ocpi.words import messages
from emsp.ocpi.words.reading import read
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.pricing.check.verify import Verdict, Verification, verify
from tests.charging.corpus import Charge, Written, cents, charges, costs_something, honest, sessions
from tests.charging.faults import FAULTS, Fault, faulty

TARIFFS = Path(__file__).parents[3] / "shared" / "data" / "ndw-2026-06-02-tariffs.jsonl.gz"
COLUMNS = ("fault", "records", "no effect", "tolerated", "above", "found", "precision", "recall", "of all > 1", "named")


def checked(written: Written) -> Verification:
    """The verdict on a record, against the tariff as it was published."""
    charge, record = written.charge, written.record
    return verify(ask_of(record), readings(record), snapshot=charge.tariff, time_zone=charge.time_zone)


@cache
def one_of_each() -> tuple[Written, ...]:
    """A record of each charge, by one habit after the other."""
    every = [list(honest(charge)) for charge in charges()]
    return tuple(records[number % len(records)] for number, records in enumerate(every) if records)


def test_that_no_honest_record_raises_an_alarm() -> None:
    records = [written for charge in charges() for written in honest(charge)]
    verdicts = [checked(written).verdict for written in records]

    alarms = [w.charge.name for w, verdict in zip(records, verdicts, strict=True) if verdict is Verdict.DIFFERS]
    assert alarms == []
    assert len(records) > 1000
    assert Counter(verdicts)[Verdict.AGREES] > len(records) * 3 // 4
    assert Verdict.NOT_CHECKABLE not in verdicts


class Row(Struct):
    """What came of one kind of fault. `above`: how many differ by more than the tolerance, `found` of them."""

    name: str
    records: int = 0
    no_effect: int = 0
    tolerated: int = 0
    above: int = 0
    found: int = 0
    found_below: int = 0
    more_than_one_minor: int = 0
    false_alarms: int = 0
    wrong_side: int = 0
    named: int = 0

    @property
    def precision(self) -> Decimal:
        """Of the alarms, how many are right."""
        alarms = self.found + self.found_below + self.false_alarms
        return _share(alarms - self.false_alarms, alarms)

    @property
    def recall(self) -> Decimal:
        """Of what is above the tolerance, how much is found."""
        return _share(self.found, self.above)

    @property
    def recall_of_all(self) -> Decimal:
        """Of what differs by more than one minor unit, how much is found."""
        return _share(self.found + self.found_below, self.more_than_one_minor)

    def cells(self) -> tuple[object, ...]:
        counts = (self.name, self.records, self.no_effect, self.tolerated, self.above, self.found)
        return (*counts, self.precision, self.recall, self.recall_of_all, self.named)


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole if whole else Decimal(1)).quantize(Decimal("0.001"))


def outcome(fault: Fault) -> Row:
    """Every charge with the fault in it, checked."""
    row = Row(fault.name)
    for right in one_of_each():
        wrong = faulty(fault, right)
        if wrong is None:
            continue
        verification = checked(wrong)
        alarm, differences = verification.verdict is Verdict.DIFFERS, differences_minor(wrong)
        worst = max(abs(differences[0]), abs(differences[-1] - differences[0]))
        row.records += 1
        row.more_than_one_minor += worst > 1
        if _figures(wrong) == _figures(right):
            row.no_effect += 1
            row.false_alarms += alarm
        elif worst <= tolerance_minor(right.charge):
            row.tolerated += 1
            row.found_below += alarm
        else:
            row.above += 1
            row.found += alarm
            row.named += verification.reason == fault.reason
            row.wrong_side += alarm and verification.asks_more != (max(differences) > 1)
    return row


def differences_minor(written: Written) -> list[Decimal]:
    """How much more is asked than the exact price, in minor units, without and with tax."""
    report, currency = written.charge.report(), written.record.currency
    pairs = zip(_figures(written), (report.net, report.gross), strict=True)
    known = [(cents(asked, currency), cents(exact, currency)) for asked, exact in pairs if asked is not None]
    return [
        (asked - exact).scaleb(exponent(currency)) for asked, exact in known if asked is not None and exact is not None
    ]


def _figures(written: Written) -> tuple[Decimal | None, Decimal | None]:
    record = written.record
    return cents(record.net_cost, record.currency), cents(record.gross_cost, record.currency)


def tolerance_minor(charge: Charge) -> Decimal:
    """What the head of this file says."""
    return 1 + Decimal(len(charge.report().lines) * len(charge.periods)) / 2


def test_that_every_fault_above_the_tolerance_is_found(record_property: Callable[[str, object], None]) -> None:
    rows = [*map(outcome, FAULTS), duplicates()]
    table = _table([COLUMNS, *(row.cells() for row in rows)])
    record_property("table", table)
    print(f"\n{table}")

    assert {row.name: row.false_alarms for row in rows} == {row.name: 0 for row in rows}
    assert {row.name: row.recall for row in rows} == {row.name: Decimal("1.000") for row in rows}
    assert {row.name: row.wrong_side for row in rows} == {row.name: 0 for row in rows}
    by_name = {row.name: row for row in rows}
    assert by_name["1 minor unit more"].above == 0
    assert all(by_name[name].above > 120 for name in ("5 % more", "10 % more", "50 % more", "Wh for kWh"))
    assert by_name["2 minor units more"].recall_of_all > Decimal("0.6")
    assert by_name["5 minor units more"].recall_of_all > Decimal("0.9")


def duplicates() -> Row:
    """Each record once more for another start of the driver; and every two that are not the same charge."""
    row = Row("duplicate")
    different = {written.record.energy_wh: written for written in one_of_each()}
    sessions = [(_session(written), written) for written in different.values()]
    for number, (session, written) in enumerate(sessions):
        again = _session(written)
        again.created_at = session.created_at + timedelta(minutes=1)
        row.records += 1
        row.above += 1
        row.found += is_same_charge(session, again, written.record)
        row.false_alarms += sum(is_same_charge(other, again, written.record) for other, _ in sessions[:number])
    row.more_than_one_minor, row.named = row.above, row.found
    return row


def _session(written: Written) -> ChargingSession:
    record = written.record
    return ChargingSession(
        id=uuid4(),
        evse_id=1,
        created_at=record.started_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        energy_wh=int(record.energy_wh),
    )


def _table(rows: Sequence[Sequence[object]]) -> str:
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


@pytest.mark.skipif(not TARIFFS.exists(), reason="the real tariffs are not on this machine")
def test_that_it_holds_for_tariffs_as_they_are_published() -> None:
    overcharge = next(fault for fault in FAULTS if fault.name == "5 % more")
    records = [record for charge in published(120) for record in list(honest(charge))[:4]]
    wrong = [found for record in records if (found := faulty(overcharge, record))]

    verdicts = Counter(checked(record).verdict for record in records)
    above = [one for one in wrong if differences_minor(one)[0] > tolerance_minor(one.charge)]
    assert (len(records) > 200, verdicts[Verdict.DIFFERS], verdicts[Verdict.NOT_CHECKABLE]) == (True, 0, 0)
    assert len(above) > 100
    assert {checked(one).verdict for one in above} == {Verdict.DIFFERS}


def published(how_many: int) -> list[Charge]:
    """Charges by tariffs of a national feed, from all over it."""
    with gzip.open(TARIFFS, "rb") as lines:
        every = list(lines)
    some = every[:: len(every) // how_many]
    tariffs = [tariff_of(read(line, messages.Tariff)) for line in some]
    charges = (
        Charge(f"published {number}", tariff, "Europe/Amsterdam", periods)
        for number, (tariff, periods) in enumerate(zip(tariffs, sessions(7, len(tariffs)), strict=True))
    )
    return [charge for charge in charges if costs_something(charge)]
