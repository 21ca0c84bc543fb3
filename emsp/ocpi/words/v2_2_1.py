"""What 2.2.1 says in other words than 2.3.0: money and its tax, the limits of a price, and who is a hub.

Pure functions on parsed JSON, of whole objects and of the fragments of a PATCH alike. They never raise and never
change what they are given; what they do not understand stays as it is, for whoever reads it to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from emsp.ocpi.wire import is_amount

Json = dict[str, Any]
Change = Callable[[Any], Any]
VAT = "VAT"
LIMIT_NAMES = {"excl_vat": "before_taxes", "incl_vat": "after_taxes"}
NAMES = dict.fromkeys(("tariffs", "sessions", "cdrs"), LIMIT_NAMES)
COSTS = (
    "total_cost",
    "total_fixed_cost",
    "total_energy_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)


def upgrade(module: str, obj: Any) -> Any:
    """An object of a module in the words of 2.3.0."""
    change = UPGRADES.get(module)
    return change(obj) if change and isinstance(obj, dict) else obj


def downgrade(kind: str, obj: Json) -> Json:
    """What we send, in the words of 2.2.1."""
    change = DOWNGRADES.get(kind)
    return change(obj) if change else obj


def changed(obj: Json, changes: Mapping[str, Change]) -> Json:
    """A copy of an object with some members changed, where they occur."""
    return {name: changes[name](value) if name in changes else value for name, value in obj.items()}


def each(change: Callable[[Json], Json]) -> Change:
    """The change of every object of a list, or of the one that stands where a list is due."""

    def change_all(value: Any) -> Any:
        if isinstance(value, list):
            return [change(item) if isinstance(item, dict) else item for item in value]
        return change(value) if isinstance(value, dict) else value

    return change_all


def number(value: Any) -> Decimal | None:
    """The amount that a JSON number, or a text of one, holds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return None
    return amount if is_amount(amount) else None


def _price(value: Any) -> Any:
    """Types: Price. The tax is what lies between the two amounts, and unknown (null) where only one is stated."""
    if not isinstance(value, dict) or "before_taxes" in value or not {"excl_vat", "incl_vat"} & value.keys():
        return value
    rest = {name: member for name, member in value.items() if name not in ("excl_vat", "incl_vat")}
    return {
        **rest,
        "before_taxes": value.get("excl_vat"),
        "taxes": _taxes(value.get("excl_vat"), value.get("incl_vat")),
    }


def _taxes(net: Any, gross: Any) -> Any:
    before, after = number(net), number(gross)
    if before is not None and after is not None:
        return [{"name": VAT, "amount": after - before}]
    return None if gross == "" else gross


def _limit(value: Any) -> Any:
    """Tariffs: PriceLimit."""
    return renamed(value, LIMIT_NAMES) if isinstance(value, dict) else value


def renamed(obj: Json, names: Mapping[str, str]) -> Json:
    """A copy of an object with members renamed; one that is there under its new name as well stays apart."""
    return {names[name] if name in names and names[name] not in obj else name: value for name, value in obj.items()}


def _tariff(tariff: Json) -> Json:
    """Tariffs: prices are without tax."""
    return {"tax_included": "NO", **changed(tariff, {"min_price": _limit, "max_price": _limit})}


def _cdr(cdr: Json) -> Json:
    return changed(cdr, {**dict.fromkeys(COSTS, _price), "tariffs": each(_tariff)})


def _session(session: Json) -> Json:
    return changed(session, dict.fromkeys(COSTS, _price))


def _credentials(credentials: Json) -> Json:
    """Credentials: a hub was a role, and is now named beside the roles. The role stays, so that nothing is lost."""
    roles = credentials.get("roles")
    for role in roles if isinstance(roles, list) else []:
        if isinstance(role, dict) and str(role.get("role")).upper() == "HUB":
            return {"hub_party_id": f"{role.get('country_code')}{role.get('party_id')}", **credentials}
    return credentials


UPGRADES: dict[str, Callable[[Json], Json]] = {
    "tariffs": _tariff,
    "sessions": _session,
    "cdrs": _cdr,
    "credentials": _credentials,
}


def _token(token: Json) -> Json:
    """Tokens: contract certificates came with 2.3.0."""
    return changed(token, {"type": lambda kind: "OTHER" if kind == "EMAID" else kind})


def _with_token(obj: Json) -> Json:
    return changed(obj, {"token": _token})


def _without_hub(credentials: Json) -> Json:
    return {name: value for name, value in credentials.items() if name != "hub_party_id"}


DOWNGRADES: dict[str, Callable[[Json], Json]] = {
    "token": _token,
    "authorization_info": _with_token,
    "start_session": _with_token,
    "reserve_now": _with_token,
    "credentials": _without_hub,
}
