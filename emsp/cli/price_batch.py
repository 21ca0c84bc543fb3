"""`emsp price --batch`: a partner's month re-checked, one line of JSON for each line of JSON."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, BinaryIO, NamedTuple

import msgspec

from emsp.cli.price_figures import row
from emsp.errors import Invalid
from emsp.ocpi.words.offered import Tariffs, read_tariffs, tariffs_for, version_of
from emsp.ocpi.words.priced import read_case, reason_of
from emsp.pricing.engine.policies import Policies
from emsp.pricing.engine.price import price_by_period

FIGURES = (
    "before_tax",
    "after_tax",
    "energy_before_tax",
    "time_before_tax",
    "parking_before_tax",
    "fixed_before_tax",
    "billed_energy_kwh",
    "billed_time_h",
    "billed_parking_h",
)
NO_FIGURES: dict[str, str | None] = dict.fromkeys(FIGURES)
NOTHING = b"null"
NULL = msgspec.Raw(NOTHING)
BOM = b"\xef\xbb\xbf"
MOST_REMEMBERED = 4096
"""How many different tariffs are kept translated; the one that was not used for longest is forgotten."""


class Line(msgspec.Struct):
    """A case as it stands in its line."""

    id: msgspec.Raw = NULL
    version: Any = None
    time_zone: Any = None
    tariff: msgspec.Raw = NULL
    cdr: msgspec.Raw = NULL


class Count(NamedTuple):
    """What became of the lines."""

    priced: int
    errors: int
    seconds: float

    def __str__(self) -> str:
        whole = self.priced + self.errors
        rate = f"{whole / self.seconds:,.0f} a second" if self.seconds else "at once"
        return f"{self.priced} priced, {self.errors} errors, {self.seconds:.2f} s, {rate}"


_LINES = msgspec.json.Decoder(Line)
_ANSWERS = msgspec.json.Encoder()


def run(lines: Iterable[bytes], out: BinaryIO, policies: Policies) -> Count:
    """Answers every line that holds something, in order, each as soon as it was read. A bad one stops nothing."""
    began, priced, errors, pricer = time.perf_counter(), 0, 0, Pricer(policies)
    for line in lines:
        if not (line := line.removeprefix(BOM).strip()):
            continue
        answer = pricer.answer(line)
        out.write(_ANSWERS.encode(answer) + b"\n")
        out.flush()
        priced, errors = priced + (answer["error"] is None), errors + (answer["error"] is not None)
    return Count(priced, errors, time.perf_counter() - began)


class Pricer:
    """Prices lines; a tariff that was met before is not translated again."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.tariffs: OrderedDict[tuple[str, bytes], Tariffs] = OrderedDict()

    def answer(self, line: bytes) -> dict[str, Any]:
        """The figures of a line, or the sentence that says why there are none."""
        said = Line()
        try:
            said = self._line(line)
            return {"id": said.id, **self._figures(said), "error": None}
        except Exception as error:  # one line must not cost the others their answers
            return {"id": said.id, **NO_FIGURES, "error": reason_of(error)}

    def _line(self, line: bytes) -> Line:
        try:
            line.decode()
            return _LINES.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"the line is not a JSON object: {error}") from error

    def _figures(self, said: Line) -> dict[str, str | None]:
        cdr, offered = bytes(said.cdr), bytes(said.tariff)
        if cdr == NOTHING:
            raise Invalid("required", "cdr")
        version = version_of(said.version, cdr)
        tariffs = self._tariffs(*tariffs_for(cdr, None if offered == NOTHING else offered), version)
        case = read_case(tariffs, cdr, version=version, time_zone=said.time_zone)
        return row(price_by_period(case.tariffs, case.periods, time_zone=case.time_zone, policies=self.policies))

    def _tariffs(self, field: str, written: bytes, version: str) -> Tariffs:
        key = (version, written)
        if (known := self.tariffs.get(key)) is None:
            known = self.tariffs[key] = read_tariffs(field, written, version)
            if len(self.tariffs) > MOST_REMEMBERED:
                self.tariffs.popitem(last=False)
        self.tariffs.move_to_end(key)
        return known
