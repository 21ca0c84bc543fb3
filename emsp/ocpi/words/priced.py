"""A CDR that somebody wants priced, of any version, of which nothing is asked that a price does not need.

The reading is that of partners' objects (`reading`, `bridge`, `quirks`, `translate_charge`). What a price does not
need may be missing or anything: ids, owners, tokens, places, costs, totals, and the currency where the tariff has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

import msgspec
from msgspec.structs import asdict, replace

from emsp.charging.records.record import Asked, Cost, Record, measured_periods
from emsp.errors import Invalid
from emsp.ocpi.words import bridge, messages, quirks, v2_1_1
from emsp.ocpi.words.offered import NO_CURRENCY, OLDEST, Tariffs, within
from emsp.ocpi.words.reading import read
from emsp.ocpi.words.translate_charge import cost_of, record_of
from emsp.ocpi.words.translate_location import time_zone as zone_or_utc
from emsp.pricing.engine.tariff import NotComputable, Tariff
from emsp.pricing.engine.trace import Period

WITHOUT_ZONE = "UTC"
LONGEST = timedelta(days=3660)
"""No session is longer: the clock of a tariff is not followed through centuries."""
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
PARTS = {
    "energy": "total_energy_cost",
    "time": "total_time_cost",
    "parking": "total_parking_cost",
    "fixed": "total_fixed_cost",
    "reservation": "total_reservation_cost",
}
"""The parts of what a CDR asks, ours and theirs."""


class Cdr(msgspec.Struct):
    """What is read of a CDR, of which everything may be missing; the rest may be anything (CDRs: CDR)."""

    country_code: Any = None
    cdr_location: Any = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    last_updated: datetime | None = None
    currency: str | None = None
    charging_periods: list[messages.ChargingPeriod] | None = None
    total_energy: Decimal | None = None
    total_time: Any = None
    total_parking_time: Any = None
    credit: bool | None = None
    total_cost: Any = None
    total_energy_cost: Any = None
    total_time_cost: Any = None
    total_parking_cost: Any = None
    total_fixed_cost: Any = None
    total_reservation_cost: Any = None


OLD_CDR = cast(
    "type[Cdr]",
    msgspec.defstruct(
        "OldCdr",
        [(each.name, each.type, each.default) for each in msgspec.structs.fields(Cdr)],
        rename={newer: older for older, newer in v2_1_1.CDR_NAMES.items()},
    ),
)
"""The same under the names of 2.1.1."""


class Case(NamedTuple):
    """A charge that has been, to be priced.

    `record` is without its costs, which `asked_by` tells of `cdr`. `time_zone` is UTC where none is known, which
    `zone_known` tells. `remarks` say what was corrected in the CDR.
    """

    cdr: Cdr
    tariffs: tuple[Tariff, ...]
    record: Record
    periods: Sequence[Period]
    time_zone: str
    zone_known: bool
    remarks: Sequence[str]


def read_case(offered: Tariffs, body: bytes, *, version: str, time_zone: Any = None) -> Case:
    """The CDR with the tariffs that are to price it. Raises Invalid naming the field."""
    try:
        cdr = _cdr(body, version)
        message, remarks = quirks.corrected(_message(cdr))
        record = record_of(message)
        _refuse_empty(cdr, record)
    except Invalid as fault:
        raise within("cdr", bridge.in_their_words("cdrs", version, fault)) from fault
    tariffs = tuple(_of_one_currency(offered.tariffs, record.currency))
    zone = zone_of(time_zone, *_places(cdr), offered.country)
    return Case(
        cdr=cdr,
        tariffs=tariffs,
        record=replace(record, currency=tariffs[0].currency) if record.currency == NO_CURRENCY else record,
        periods=_in_bounds(measured_periods(record)),
        time_zone=zone or WITHOUT_ZONE,
        zone_known=zone is not None,
        remarks=remarks,
    )


def asked_by(case: Case) -> tuple[Cost | None, Asked]:
    """What the CDR asks in all, and for each part; a credit asks what it takes back. None for what cannot be read."""
    said = {name: value for name, value in asdict(case.cdr).items() if name in PARTS.values() or name == "total_cost"}
    raised = bridge.lift("cdrs", OLDEST, said)
    costs = {name: cost_of(value) for name, value in raised.items()}
    if case.record.credit:
        costs = {name: _unsigned(cost) for name, cost in costs.items()}
    return costs["total_cost"], Asked(**{ours: costs[theirs] for ours, theirs in PARTS.items()})


def zone_of(said: Any, told: Any, *countries: Any) -> str | None:
    """The IANA zone that is said, else the one that is told, else that of the first country with one zone only.

    None where that leaves none. Raises Invalid for a zone that is said and does not exist.
    """
    if said not in (None, ""):
        if not _is_zone(said):
            raise Invalid(f"there is no time zone {said!r}", "time_zone")
        return str(said)
    if _is_zone(told):
        return str(told)
    zones = (zone_or_utc(None, country) for country in countries if isinstance(country, str))
    return next((zone for zone in zones if zone != WITHOUT_ZONE), None)


def _is_zone(name: Any) -> bool:
    return isinstance(name, str) and zone_or_utc(name, "") == name


def reason_of(error: Exception, blamed: str = "cdr.charging_periods") -> str:
    """Why a charge has no price, in a sentence that names the field; `blamed` is the one of impossible periods."""
    match error:
        case Invalid():
            return str(error)
        case NotComputable():
            return f"tariff: {error}"
        case ValueError():
            return f"{blamed}: {error}"
    return f"cannot be priced: {str(error) or type(error).__name__}"


def _cdr(body: bytes, version: str) -> Cdr:
    """Under the names of its version; under those of another where it has no end by its own."""
    names, others = (OLD_CDR, Cdr) if version == OLDEST else (Cdr, OLD_CDR)
    cdr = read(body, names)
    if cdr.end_date_time is None and (other := read(body, others)).end_date_time is not None:
        return other
    return cdr


def _refuse_empty(cdr: Cdr, record: Record) -> None:
    if record.started_at == UNKNOWN_TIME:
        raise Invalid("required", "start_date_time")
    if not cdr.charging_periods and cdr.total_energy is None:
        raise Invalid("required: there is no total_energy either", "charging_periods")


def _message(cdr: Cdr) -> messages.Cdr:
    """The CDR as any other, without its costs; what is missing is as the specification writes what is not known."""
    return messages.Cdr(
        id="",
        country_code="XX",
        party_id="XXX",
        start_date_time=cdr.start_date_time or UNKNOWN_TIME,
        end_date_time=cdr.end_date_time or UNKNOWN_TIME,
        last_updated=cdr.last_updated or UNKNOWN_TIME,
        currency=(cdr.currency or "").strip() or NO_CURRENCY,
        charging_periods=cdr.charging_periods,
        total_cost=messages.Price(Decimal(0)),
        total_energy=cdr.total_energy or Decimal(0),
        total_time=cdr.total_time,
        total_parking_time=cdr.total_parking_time,
        credit=cdr.credit,
    )


def _places(cdr: Cdr) -> tuple[Any, ...]:
    """What tells the zone of a CDR, best first."""
    place = cdr.cdr_location if isinstance(cdr.cdr_location, dict) else {}
    return place.get("time_zone"), place.get("country"), cdr.country_code


def _of_one_currency(tariffs: Iterable[Tariff], currency: str) -> Iterator[Tariff]:
    """The tariffs, those without a currency in that of the CDR."""
    for tariff in tariffs:
        if tariff.currency == NO_CURRENCY == currency:
            raise Invalid("required: neither the tariff nor the CDR has one", "tariff.currency")
        yield replace(tariff, currency=currency) if tariff.currency == NO_CURRENCY else tariff


def _unsigned(cost: Cost | None) -> Cost | None:
    return cost and Cost(abs(cost.net), None if cost.gross is None else abs(cost.gross))


def _in_bounds(periods: Sequence[Period]) -> Sequence[Period]:
    lasted = max(period.end for period in periods) - min(period.start for period in periods)
    if lasted > LONGEST:
        raise Invalid(f"the session lasts {lasted.days} days", "cdr.charging_periods")
    return periods
