"""The second pricer. It shares nothing with the first: raw OCPI in, a sum out, minute by minute, exact, slow."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

from tests.pricing.second.applies import applies
from tests.pricing.second.walk import Document, Slice, moment, number, walk

STEP_UNITS = {"ENERGY": 1000, "TIME": 3600, "PARKING_TIME": 3600, "RESERVATION_TIME": 3600}  # Wh of a kWh, s of an hour
DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME", "FLAT", "RESERVATION_TIME", "RESERVATION_FLAT")
ROUNDED_TOGETHER = (("ENERGY",), ("TIME", "PARKING_TIME"), ("RESERVATION_TIME",))
TWO_WAYS_TO_SAY = (("excl_vat", "before_taxes"), ("incl_vat", "after_taxes"))

Sum = Fraction | None  # None is unknown


class Use(NamedTuple):
    """So much of a dimension at the price of a component: kWh, hours or pieces."""

    dimension: str
    component: Document
    amount: Fraction


class Cost(NamedTuple):
    """In units of the currency, unrounded; None is unknown. Billed are kWh, hours and pieces."""

    net: Sum
    gross: Sum
    billed: dict[str, Fraction]


def price(tariff: Document, cdr: Document, time_zone: str) -> Cost:
    """What the CDR costs by the tariff. Both as in OCPI 2.1.1, 2.2.1 or 2.3.0."""
    slices = list(walk(cdr, time_zone, _slice_s(tariff, cdr), _named_kwh(tariff)))
    reserved = [each for each in slices if each.is_reserved]
    charged = [each for each in slices if not each.is_reserved]
    uses = _reservation(tariff, reserved, expired=not charged) + _charge(tariff, charged)
    uses += _missing_to_whole_steps(uses)
    net, gross = _limited(tariff, uses, *_sum(tariff, uses), a_charge=bool(charged))
    return Cost(net, gross, _billed(uses))


def _charge(tariff: Document, slices: list[Slice]) -> list[Use]:
    moments = _moments([element for element in tariff["elements"] if not _reservation_of(element)], slices)
    uses = _one_flat(moments, "FLAT")
    for now, active in moments:
        uses += _used(active, "ENERGY", "ENERGY", now.kwh)
        uses += _used(active, "TIME", "TIME", now.charging_h)
        uses += _used(active, "PARKING_TIME", "PARKING_TIME", now.parking_h)
    return uses


def _reservation(tariff: Document, slices: list[Slice], *, expired: bool) -> list[Use]:
    """The elements of a reservation only; those of one that expires come before, whatever their place in the list."""
    kinds = ("RESERVATION_EXPIRES", "RESERVATION") if expired else ("RESERVATION",)
    elements = [element for kind in kinds for element in tariff["elements"] if _reservation_of(element) == kind]
    moments = _moments(elements, slices)
    uses = _one_flat(moments, "RESERVATION_FLAT")
    for now, active in moments:
        uses += _used(active, "TIME", "RESERVATION_TIME", now.reserved_h)
    return uses


def _moments(elements: list[Document], slices: list[Slice]) -> list[tuple[Slice, list[Document]]]:
    return [(now, [element for element in elements if applies(element, now)]) for now in slices]


def _one_flat(moments: list[tuple[Slice, list[Document]]], dimension: str) -> list[Use]:
    """The first flat price that becomes active, once."""
    return [use for _, active in moments for use in _used(active, "FLAT", dimension, Fraction(1))][:1]


def _used(active: list[Document], kind: str, dimension: str, amount: Fraction) -> list[Use]:
    """The first active element with a component of the kind prices it; where there is none, it costs nothing."""
    components = [each for element in active for each in element["price_components"] if each["type"] == kind]
    return [Use(dimension, components[0], amount)] if components and amount else []


def _missing_to_whole_steps(uses: list[Use]) -> list[Use]:
    """The last priced component of a group says the step; its dimension's whole total is rounded up, at its price."""
    missing = []
    for group in ROUNDED_TOGETHER:
        of_group = [use for use in uses if use.dimension in group]
        if of_group and (step := int(of_group[-1].component.get("step_size") or 0)) > 0:
            dimension, component, _ = of_group[-1]
            total = sum(use.amount for use in of_group if use.dimension == dimension)
            whole_step = Fraction(step, STEP_UNITS[dimension])
            missing.append(Use(dimension, component, math.ceil(total / whole_step) * whole_step - total))
    return missing


def _sum(tariff: Document, uses: list[Use]) -> tuple[Sum, Sum]:
    """Net and gross of all uses. One amount of unknown tax makes the sum unknown; nothing has no tax."""
    net: Sum = Fraction(0)
    gross: Sum = Fraction(0)
    for use in uses:
        amount = use.amount * number(use.component["price"])
        use_net, use_gross = _net_and_gross(tariff.get("tax_included"), use.component.get("vat"), amount)
        net = None if net is None or use_net is None else net + use_net
        gross = None if gross is None or use_gross is None else gross + use_gross
    return net, gross


def _net_and_gross(tax_included: str | None, vat: object | None, amount: Fraction) -> tuple[Sum, Sum]:
    if tax_included == "N/A" or amount == 0:
        return amount, amount
    factor = None if vat is None else 1 + number(vat) / 100
    if tax_included == "YES":
        return (None if factor is None else amount / factor), amount
    return amount, (None if factor is None else amount * factor)


def _limited(tariff: Document, uses: list[Use], net: Sum, gross: Sum, *, a_charge: bool) -> tuple[Sum, Sum]:
    """First the floor of a charge, then the ceiling, each before and after tax. An unlimited gross follows the net."""
    for name, pick in (("min_price", max), ("max_price", min)):
        net_limit, gross_limit = _limits(tariff.get(name))
        if name == "min_price" and not a_charge:
            continue
        if name == "min_price" and net is None and gross_limit is None:
            gross_limit = net_limit
        net, before = _within(net, net_limit, pick), net
        if gross_limit is None and net != before:
            gross = _followed(gross, net, before, _one_vat(tariff, uses))
        else:
            gross = _within(gross, gross_limit, pick)
    return net, gross


def _within(amount: Sum, limit: Sum, pick: Callable[[Fraction, Fraction], Fraction]) -> Sum:
    return amount if amount is None or limit is None else pick(amount, limit)


def _followed(gross: Sum, net: Sum, before: Sum, vat: Sum) -> Sum:
    """In proportion; where there was nothing, by the VAT of the tariff if it has one only."""
    if gross is None or net is None:
        return None
    if before:
        return gross * net / before
    return None if vat is None else net * (1 + vat / 100)


def _one_vat(tariff: Document, uses: list[Use]) -> Sum:
    everything = [component for element in tariff["elements"] for component in element["price_components"]]
    stated = {component.get("vat") for component in ([use.component for use in uses] or everything)}
    if tariff.get("tax_included") == "N/A":
        return Fraction(0)
    return number(stated.pop()) if len(stated) == 1 and None not in stated else None


def _limits(stated: Document | None) -> tuple[Sum, Sum]:
    named = {name: value for name, value in (stated or {}).items() if value is not None}
    net, gross = (named.get(older, named.get(newer)) for older, newer in TWO_WAYS_TO_SAY)
    return None if net is None else number(net), None if gross is None else number(gross)


def _billed(uses: Iterable[Use]) -> dict[str, Fraction]:
    billed: dict[str, Fraction] = defaultdict(Fraction)
    for use in uses:
        billed[use.dimension] += use.amount
    return dict(billed)


def _reservation_of(element: Document) -> str | None:
    return (element.get("restrictions") or {}).get("reservation")


def _named_kwh(tariff: Document) -> list[Fraction]:
    stated = [element.get("restrictions") or {} for element in tariff["elements"]]
    return [number(each[name]) for each in stated for name in ("min_kwh", "max_kwh") if each.get(name) is not None]


def _slice_s(tariff: Document, cdr: Document) -> int:
    """A minute, where the session and the tariff only know whole minutes, else a second."""
    restrictions = [element.get("restrictions") or {} for element in tariff["elements"]]
    durations = [int(each.get(name) or 0) for each in restrictions for name in ("min_duration", "max_duration")]
    moments = [cdr["end_date_time"], *(period["start_date_time"] for period in cdr["charging_periods"])]
    seconds = [moment(each).second for each in moments]
    return 60 if all(each % 60 == 0 for each in durations + seconds) else 1
