"""What may be charged at a fleet's cost: how much, when, where. A member's own limits hold beside the fleet's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time
from enum import StrEnum

import msgspec

from emsp.brands.network import Network, Place
from emsp.brands.network import checks as network_checks
from emsp.brands.network import refusal as network_refusal
from emsp.money import Money, is_known_currency
from emsp.written import demand, read

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
YOUR_FLEET = "Your fleet"


class Weekday(StrEnum):
    """A day of the week."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


class Limits(Network, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is not said is not limited. Times are on the clock of the fleet's time zone, for the moment of the start.

    Amounts are with tax, in minor units of `currency`; a charge in another currency cannot be held against them.
    """

    currency: str | None = None
    charge_max_minor: int | None = None
    month_max_minor: int | None = None
    weekdays: tuple[Weekday, ...] = ()
    from_time: str | None = None  # HH:MM
    until_time: str | None = None  # HH:MM; before from_time means over midnight


def read_limits(written: object) -> Limits:
    """Limits from parsed JSON. Raises Invalid naming the path of the first field that is wrong."""
    limits = read(written, Limits)
    demand(_checks(limits))
    return limits


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A charge at a fleet's cost, as far as limits look at it."""

    place: Place | None  # None: not known, as when a card is shown and its reader does not say where it is
    local: datetime  # now, in the fleet's time zone
    is_quoted: bool = True  # a card is shown before there is a price
    worst: Money | None = None  # what it may come to; None: the price is not known


def refusal(limits: Limits, wish: Wish, *, spent_minor: int = 0) -> str | None:
    """Why a charge may not be made at the fleet's cost, as a sentence for the driver; None when it may.

    `spent_minor` is what was and is being charged in this month, in the limits' currency. Without a quote the month's
    amount only says whether there is anything left.
    """
    return (
        (network_refusal(limits, wish.place, whose=YOUR_FLEET) if wish.place else None)
        or _not_at_this_time(limits, wish.local)
        or _nothing_left(limits, spent_minor)
        or (_too_much(limits, wish.worst, spent_minor) if wish.is_quoted else None)
    )


def _not_at_this_time(limits: Limits, local: datetime) -> str | None:
    if limits.weekdays and list(Weekday)[local.weekday()] not in limits.weekdays:
        return f"{YOUR_FLEET} pays for charges on {', '.join(limits.weekdays)} only."
    if limits.from_time and limits.until_time and not _is_between(local.time(), limits.from_time, limits.until_time):
        return f"{YOUR_FLEET} pays for charges that begin from {limits.from_time} to {limits.until_time} only."
    return None


def _is_between(moment: time, start: str, end: str) -> bool:
    begins, ends = time.fromisoformat(start), time.fromisoformat(end)
    return begins <= moment < ends if begins < ends else moment >= begins or moment < ends


def _nothing_left(limits: Limits, spent_minor: int) -> str | None:
    if limits.month_max_minor is not None and spent_minor >= limits.month_max_minor:
        return f"{YOUR_FLEET} has nothing left to charge for in this month."
    return None


def _too_much(limits: Limits, worst: Money | None, spent_minor: int) -> str | None:
    charge_max, month_max = limits.charge_max_minor, limits.month_max_minor
    if limits.currency is None or (charge_max is None and month_max is None):
        return None
    if worst is None:
        return f"{YOUR_FLEET} limits what a charge may cost, and the price here is not known."
    if worst.currency != limits.currency:
        return f"{YOUR_FLEET} limits what a charge may cost in {limits.currency}, and here you pay in {worst.currency}."
    if charge_max is not None and worst.amount_minor > charge_max:
        return f"{YOUR_FLEET} pays up to {Money(charge_max, limits.currency)} a charge; this one may cost {worst}."
    if month_max is not None and spent_minor + worst.amount_minor > month_max:
        left = Money(month_max - spent_minor, limits.currency)
        return f"{YOUR_FLEET} has {left} left to charge for in this month; this charge may cost {worst}."
    return None


def _checks(limits: Limits) -> Iterator[tuple[str, object, str]]:
    yield from network_checks(limits)
    amounts = ("charge_max_minor", "month_max_minor")
    yield "currency", limits.currency is None or is_known_currency(limits.currency), "a currency code, such as EUR"
    yield "currency", limits.currency or not any(_given(limits, name) for name in amounts), "given with an amount"
    for name in amounts:
        yield name, not _given(limits, name) or getattr(limits, name) >= 0, "0 or more"
    times = ("from_time", "until_time")
    for name in times:
        written = getattr(limits, name)
        yield name, written is None or CLOCK.fullmatch(written), "a time as HH:MM"
        yield name, written is not None or not any(_given(limits, other) for other in times), "given with the other one"
    yield "until_time", limits.from_time is None or limits.from_time != limits.until_time, "another time than from_time"


def _given(limits: Limits, name: str) -> bool:
    return getattr(limits, name) is not None
