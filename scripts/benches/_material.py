"""What the benches price: real tariffs where there are any, else the tariffs of the examples."""

from __future__ import annotations

import gzip
import json
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path

from tests.pricing.second import examples
from tests.pricing.second.walk import Document

BESIDE = Path(__file__).parents[3] / "shared" / "data" / "ndw-2026-06-02-tariffs.jsonl.gz"
COPIES = 20


def options(about: str) -> ArgumentParser:
    """A parser with --tariffs."""
    parser = ArgumentParser(description=about)
    parser.add_argument("--tariffs", type=Path, metavar="FILE", help="OCPI 2.2.1 tariffs, one a line; may be gzipped")
    return parser


def tariffs(file: Path | None) -> tuple[list[Document], str]:
    """The tariffs and where they are from."""
    if file is None and BESIDE.exists():
        file = BESIDE
    if file is None:
        made = [examples.tariff_of(case["tariff"]) for _, case in examples.cases()]
        return made * COPIES, f"no --tariffs given: those of the {len(made)} examples, {COPIES} times each"
    return [json.loads(line, parse_float=Decimal) for line in _lines(file)], file.name


def _lines(file: Path) -> list[str]:
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [line for line in text.decode().splitlines() if line.strip()]


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """Two columns, the second one to the right."""
    left, right = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join([title, "", *(f"  {name:<{left}}  {value:>{right}}" for name, value in rows)])
