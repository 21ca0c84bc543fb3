"""OCPI 2.3.0: taxes are listed one by one, tariffs say whether prices include them."""

from decimal import Decimal
from typing import Any

from .members import changed, each

COSTS = (
    "total_cost",
    "total_fixed_cost",
    "total_energy_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)


def _price(price: Any) -> Any:
    """A Price; VAT that is not known is left out."""
    if not isinstance(price, dict) or "excl_vat" not in price:
        return price
    before, after = price["excl_vat"], price.get("incl_vat")
    taxes = [] if after is None else [{"name": "VAT", "amount": Decimal(after) - Decimal(before)}]
    return {"before_taxes": before, "taxes": taxes}


def _limit(price: Any) -> Any:
    """A PriceLimit."""
    if not isinstance(price, dict) or "excl_vat" not in price:
        return price
    after = {"after_taxes": price["incl_vat"]} if price.get("incl_vat") is not None else {}
    return {"before_taxes": price["excl_vat"], **after}


def _tariff(body: dict[str, Any]) -> Any:
    whole = {"tax_included": "NO"} if "elements" in body else {}
    return {**whole, **changed(body, {"min_price": _limit, "max_price": _limit})}


def _cost(body: dict[str, Any]) -> Any:
    return changed(body, {**dict.fromkeys(COSTS, _price), "tariffs": each(_tariff)})


SPOKEN = {"tariff": _tariff, "session": _cost, "cdr": _cost}
UNDERSTOOD: dict[str, Any] = {}
