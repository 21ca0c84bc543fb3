"""The engine over many tariffs and twelve sessions: what is priced, what is not and why, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from time import process_time
from typing import NamedTuple

from _material import options, table, tariffs

from emsp.errors import Invalid
from emsp.pricing.engine import price as engine
from emsp.pricing.engine.report import AssumptionCode, Report
from emsp.pricing.engine.tariff import NotComputable, Tariff
from emsp.pricing.engine.trace import Period
from tests.pricing.second import first, pricer
from tests.pricing.second.compare import differs
from tests.pricing.second.sessions import STANDARD, TIME_ZONE
from tests.pricing.second.walk import Document

ALTERNATIVE_PRICES = 30
"""The second pricer is slow: it is timed on so many tariffs, evenly chosen."""


class Priced(NamedTuple):
    """Pricings that gave a sum, those with a known gross, those that left energy without a price, and the others."""

    pricings: int
    priced: int
    taxed: int
    without_price: int
    reasons: Counter[str]
    seconds: float


class Side(NamedTuple):
    """Both pricers over the same sample: pricings, seconds of each, and how often they differ."""

    pricings: int
    engine_s: float
    second_s: float
    different: int


def main() -> None:
    """Reads, prices, compares with the second pricer on a sample, and prints the table."""
    chosen = options(__doc__ or "").parse_args()
    documents, source = tariffs(chosen.tariffs)
    started = process_time()
    read = [_read(document) for document in documents]
    reading_s = process_time() - started
    sessions = [first.read_periods(cdr) for cdr in STANDARD.values()]
    found = _price_all(read, sessions)
    side = _both(documents[:: max(len(documents) // ALTERNATIVE_PRICES, 1)])
    print(table(f"Tariffs: {source}", _rows(len(documents), found, reading_s, side)))


def _read(document: Document) -> Tariff | str:
    """The tariff, or why it is none."""
    try:
        return first.read_tariff(document)
    except Invalid as fault:
        return str(fault)


def _price_all(read: list[Tariff | str], sessions: Sequence[Sequence[Period]]) -> Priced:
    taxed, without_price, done, reasons = 0, 0, 0, Counter[str]()
    started = process_time()
    for tariff in read:
        for periods in sessions:
            report = _price(tariff, periods)
            if isinstance(report, str):
                reasons[report] += 1
                continue
            done += 1
            taxed += report.gross is not None
            without_price += any(each.code is AssumptionCode.ENERGY_WITHOUT_PRICE for each in report.assumptions)
    seconds = process_time() - started
    return Priced(len(read) * len(sessions), done, taxed, without_price, reasons, seconds)


def _price(tariff: Tariff | str, periods: Sequence[Period]) -> Report | str:
    """The report, or why there is none."""
    if isinstance(tariff, str):
        return tariff
    try:
        report = engine.price(tariff, periods, time_zone=TIME_ZONE)
    except NotComputable as reason:
        return str(reason)
    return "neither net nor gross can be known" if report.net is None and report.gross is None else report


def _both(sample: list[Document]) -> Side:
    engine_s, second_s, pricings, different = 0.0, 0.0, 0, 0
    for document in sample:
        tariff = _read(document)
        for cdr in STANDARD.values():
            periods = first.read_periods(cdr)
            started = process_time()
            report = _price(tariff, periods)
            between = process_time()
            if isinstance(report, Report):
                cost = pricer.price(document, cdr, TIME_ZONE)
                engine_s, second_s = engine_s + between - started, second_s + process_time() - between
                pricings, different = pricings + 1, different + (differs(report, cost) is not None)
    return Side(pricings, engine_s, second_s, different)


def _rows(count: int, found: Priced, reading_s: float, side: Side) -> list[tuple[str, str]]:
    thousands = count / 1000
    return [
        ("tariffs", f"{count:,}"),
        ("sessions each", f"{len(STANDARD)}"),
        ("pricings", f"{found.pricings:,}"),
        ("priced", _share(found.priced, found.pricings)),
        ("  with tax known", _share(found.taxed, found.pricings)),
        ("  with energy that no price applied to", _share(found.without_price, found.pricings)),
        ("not computable", _share(found.pricings - found.priced, found.pricings)),
        *((f"  {reason}", f"{times:,}") for reason, times in found.reasons.most_common()),
        ("reading a thousand tariffs", f"{reading_s / thousands * 1000:,.0f} ms"),
        (f"pricing a thousand tariffs, {len(STANDARD)} sessions each", f"{found.seconds / thousands:,.2f} s"),
        ("session pricings a second, one core", f"{found.pricings / found.seconds:,.0f}"),
        (
            f"the second pricer of the tests, on {side.pricings} of them",
            f"{side.pricings / side.second_s:,.1f} a second",
        ),
        ("  the engine on the same ones", f"{side.pricings / side.engine_s:,.0f} a second"),
        ("  the engine is faster by", f"{side.second_s / side.engine_s:,.0f} times"),
        ("  they differ in", f"{side.different} of {side.pricings}"),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.2%})"


if __name__ == "__main__":
    main()
