"""`emsp price --batch` from end to end: a process, a file of cases in, a file of figures out."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
from _material import options, table, tariffs

from tests.pricing.second import pricer
from tests.pricing.second.compare import same
from tests.pricing.second.sessions import STANDARD, TIME_ZONE
from tests.pricing.second.walk import Document

COMPARED = 60
"""So many answers are held against the second pricer, which is slow."""


class Ran(NamedTuple):
    """The answers in order, and what the process took."""

    answers: list[dict[str, Any]]
    seconds: float
    processor_s: float


def main() -> None:
    """Writes the cases, runs the command over them and prints the table."""
    parser = options(__doc__ or "")
    parser.add_argument("--lines", type=int, default=20_000, help="how many cases (default: %(default)s)")
    chosen = parser.parse_args()
    documents, source = tariffs(chosen.tariffs)
    cases = list(_cases(documents, chosen.lines))
    ran = _run(cases)
    print(table(f"Tariffs: {source}", _rows(cases, ran)))


def _cases(documents: list[Document], lines: int) -> Iterator[Document]:
    """Sessions and tariffs in no order, as in a partner's month, but the same at every run."""
    pairs = list(product(documents, STANDARD.items()))
    for index, (tariff, (name, cdr)) in enumerate(random.Random(1).choices(pairs, k=lines)):
        named = {"id": f"{name} {index}", "currency": tariff.get("currency", "EUR"), **cdr}
        offered = {"currency": "EUR", **tariff}
        yield {"id": index, "version": "2.2.1", "time_zone": TIME_ZONE, "tariff": offered, "cdr": named}


def _run(cases: list[Document]) -> Ran:
    encoder = msgspec.json.Encoder(decimal_format="number")
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "cases.jsonl"), Path(folder, "figures.jsonl")
        asked.write_bytes(encoder.encode_lines(cases))
        before, started = getrusage(RUSAGE_CHILDREN).ru_utime, perf_counter()
        with answered.open("wb") as out:
            subprocess.run([sys.executable, "-m", "emsp", "price", "--batch", str(asked)], stdout=out, check=True)
        seconds, processor_s = perf_counter() - started, getrusage(RUSAGE_CHILDREN).ru_utime - before
        return Ran([msgspec.json.decode(line) for line in answered.read_bytes().splitlines()], seconds, processor_s)


def _rows(cases: list[Document], ran: Ran) -> list[tuple[str, str]]:
    errors = Counter(answer["error"] for answer in ran.answers if answer["error"])
    compared = list(zip(cases, ran.answers, strict=True))[:: max(len(cases) // COMPARED, 1)]
    different = sum(not _agree(case, answer) for case, answer in compared if not answer["error"])
    return [
        ("lines", f"{len(cases):,}"),
        ("answered", f"{len(ran.answers):,}"),
        ("with a price", f"{len(ran.answers) - errors.total():,}"),
        *((f"  {reason}", f"{times:,}") for reason, times in errors.most_common(10)),
        ("from start to end", f"{ran.seconds:,.1f} s"),
        ("lines a second", f"{len(cases) / ran.seconds:,.0f}"),
        ("lines a second of processor time", f"{len(cases) / ran.processor_s:,.0f}"),
        ("other than the second pricer of the tests", f"{different} of {len(compared)}"),
    ]


def _agree(case: Document, answer: dict[str, Any]) -> bool:
    cost = pricer.price(case["tariff"], case["cdr"], case["time_zone"])
    net, gross = (None if answer[name] is None else Decimal(answer[name]) for name in ("before_tax", "after_tax"))
    return same(net, cost.net) and same(gross, cost.gross)


if __name__ == "__main__":
    main()
