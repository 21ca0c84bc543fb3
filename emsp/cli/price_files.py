"""What `emsp price` reads from files, priced: each CDR, or one plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from emsp.charging.records.record import Asked as Parts
from emsp.charging.records.record import Cost
from emsp.cli.price_remarks import remarks_on, zone_remarks
from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words.offered import documents, id_of, read_tariffs, tariffs_for, version_of
from emsp.ocpi.words.priced import WITHOUT_ZONE, Case, asked_by, read_case, reason_of, zone_of
from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.policies import Policies
from emsp.pricing.engine.price import price_by_period
from emsp.pricing.engine.report import Report
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.engine.trace import Period

STANDARD_INPUT = "-"
BOM = b"\xef\xbb\xbf"
EXPECTED = (Invalid, ValueError, ArithmeticError)
"""What may be wrong with documents; anything else is a fault of ours."""


class Asked(NamedTuple):
    """How to price: by which tariffs (a path; None for those inside the CDR), read how."""

    tariff: str | None
    version: str | None
    time_zone: str | None
    policies: Policies


class Plan(NamedTuple):
    """A charge that has not been: Wh, W, and minutes of the stay and of a reservation before it."""

    energy_wh: Decimal
    power_w: Decimal
    start: datetime
    stay_min: int | None
    reserved_min: int


class Priced(NamedTuple):
    """A charge with its report, or with the reason why it has none; `cost` and `parts` are what the CDR asks."""

    report: Report | None
    reason: str | None = None
    tariffs: Sequence[Tariff] = ()
    time_zone: str = WITHOUT_ZONE
    case: Case | None = None
    cost: Cost | None = None
    parts: Parts = Parts()
    cdr_id: str | None = None
    remarks: Sequence[str] = ()


def priced_cdrs(asked: Asked, path: str) -> Iterator[Priced]:
    """Every CDR of a file."""
    try:
        cdrs, tariffs = documents(load(path)), None if asked.tariff is None else load(asked.tariff)
        version = version_of(asked.version, *cdrs, *(documents(tariffs) if tariffs else ()))
    except EXPECTED as error:
        yield Priced(None, reason_of(error))
        return
    if not cdrs:
        yield Priced(None, f"there is no CDR in {path}")
    for cdr in cdrs:
        yield _priced_cdr(asked, tariffs, cdr, version)


def _priced_cdr(asked: Asked, tariffs: bytes | None, cdr: bytes, version: str) -> Priced:
    cdr_id = id_of(cdr)
    try:
        offered = read_tariffs(*tariffs_for(cdr, tariffs), version)
        case = read_case(offered, cdr, version=version, time_zone=asked.time_zone)
        report = price_by_period(case.tariffs, case.periods, time_zone=case.time_zone, policies=asked.policies)
    except EXPECTED as error:
        return Priced(None, reason_of(error), cdr_id=cdr_id)
    return Priced(report, None, case.tariffs, case.time_zone, case, *asked_by(case), cdr_id, remarks_on(case))


def priced_plan(asked: Asked, plan: Plan) -> Priced:
    """The plan, by tariffs that are given."""
    try:
        tariffs = load(asked.tariff or STANDARD_INPUT)
        offered = read_tariffs("tariff", tariffs, version_of(asked.version, *documents(tariffs)))
        zone = zone_of(asked.time_zone, None, offered.country)
        report = price_by_period(
            offered.tariffs, _periods(plan), time_zone=zone or WITHOUT_ZONE, policies=asked.policies
        )
    except EXPECTED as error:
        return Priced(None, reason_of(error, "the plan"))
    remarks = list(zone_remarks(offered.tariffs, known=zone is not None))
    return Priced(report, None, offered.tariffs, zone or WITHOUT_ZONE, remarks=remarks)


def _periods(plan: Plan) -> Sequence[Period]:
    stay_until = None if plan.stay_min is None else plan.start + timedelta(minutes=plan.stay_min)
    reserved_from = plan.start - timedelta(minutes=plan.reserved_min) if plan.reserved_min else None
    return periods_of_plan(plan.start, plan.energy_wh, plan.power_w, stay_until, reserved_from)


def load(path: str) -> bytes:
    """The JSON of a file, or of standard input. Raises Invalid naming the file."""
    try:
        body = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
        wire.refuse_nul(body := body.removeprefix(BOM))
        wire.decode(body)
        return body
    except OSError as error:
        raise Invalid(error.strerror or str(error), path) from error
    except Invalid as fault:
        raise Invalid(fault.message, path) from fault
