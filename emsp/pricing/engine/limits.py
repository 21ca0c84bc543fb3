"""The floor and the ceiling of a session, as lines of their own (OCPI: Tariff `min_price` and `max_price`).

* LIMITS_APART: they act on net and gross independently; a side without a limit of its own moves in proportion to
  the other. First comes the floor, then the ceiling, so that the ceiling holds where both do not fit.
* FLOOR_OF_A_CHARGE: the floor is what "a Charging Session will at least cost"; a reservation that nobody used
  is none, and a tariff that only priced the reservation has no floor.
* GROSS_IS_NOT_LESS: where a side is not known, its limit still tells about the other one, as tax takes nothing
  off: a floor before tax is a floor after tax, and a ceiling after tax is a ceiling before tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from emsp.pricing.engine.policies import Policies, VatOmitted
from emsp.pricing.engine.report import ZERO, Line, LineKind, difference, sum_known
from emsp.pricing.engine.tariff import PriceLimit, Tariff, TaxIncluded, net_and_gross


def limit_lines(tariff: Tariff, lines: Sequence[Line], policies: Policies, *, a_charge: bool) -> list[Line]:
    """What lifts these lines of the tariff to its floor and what cuts them to its ceiling."""
    limits = _limits(tariff, a_charge=a_charge)
    if not limits:
        return []
    net, gross = sum_known(line.net for line in lines), sum_known(line.gross for line in lines)
    stated, rate = _rates(tariff, lines, policies)
    added = []
    for kind, limit in limits:
        new_net, new_gross = _limited(kind, limit, net, gross, rate)
        if (new_net, new_gross) != (net, gross):
            delta_net, delta_gross = difference(new_net, net), difference(new_gross, gross)
            tariff_id = lines[0].tariff_id if lines else None
            added.append(Line(kind=kind, tariff_id=tariff_id, vat_percent=stated, net=delta_net, gross=delta_gross))
            net, gross = new_net, new_gross
    return added


def _limits(tariff: Tariff, *, a_charge: bool) -> list[tuple[LineKind, PriceLimit]]:
    floor = tariff.min_price if a_charge else None
    limits = ((LineKind.MIN_PRICE, floor), (LineKind.MAX_PRICE, tariff.max_price))
    return [(kind, limit) for kind, limit in limits if limit is not None]


def _rates(tariff: Tariff, lines: Sequence[Line], policies: Policies) -> tuple[Decimal | None, Decimal | None]:
    """The one VAT rate of the lines (or of the tariff, where there are none) as stated and as applied, if it is one."""
    found = {li.vat_percent for li in lines} or {c.vat_percent for e in tariff.elements for c in e.components}
    stated = next(iter(found)) if len(found) == 1 else None
    omitted = found == {None} and policies.vat_omitted is VatOmitted.NOT_APPLICABLE
    untaxed = omitted or tariff.tax_included is TaxIncluded.NOT_APPLICABLE
    return stated, ZERO if untaxed else stated


def _limited(
    kind: LineKind, limit: PriceLimit, net: Decimal | None, gross: Decimal | None, rate: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    floor = kind is LineKind.MIN_PRICE
    net_limit, gross_limit = limit.net, limit.gross
    if floor and net is None and gross_limit is None:
        gross_limit = net_limit
    elif not floor and gross is None and net_limit is None:
        net_limit = gross_limit
    new_net, new_gross = _clamped(net, net_limit, floor=floor), _clamped(gross, gross_limit, floor=floor)
    if gross_limit is None and new_net is not None and new_net != net:
        new_gross = _moved(gross, net, new_net, net_and_gross(new_net, rate, TaxIncluded.NO)[1])
    elif net_limit is None and new_gross is not None and new_gross != gross:
        new_net = _moved(net, gross, new_gross, net_and_gross(new_gross, rate, TaxIncluded.YES)[0])
    return new_net, new_gross


def _clamped(amount: Decimal | None, limit: Decimal | None, *, floor: bool) -> Decimal | None:
    if amount is None or limit is None:
        return amount
    return max(amount, limit) if floor else min(amount, limit)


def _moved(
    amount: Decimal | None, before: Decimal | None, after: Decimal, from_nothing: Decimal | None
) -> Decimal | None:
    """What the amount becomes when the other side moves: in proportion, or by the rate where there was nothing."""
    if amount is None or before is None:
        return None
    return amount * after / before if before else from_nothing
