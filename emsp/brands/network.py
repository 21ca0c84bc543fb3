"""Where drivers of a brand, or of a fleet at its cost, may charge: which parties and countries, up to which power."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from emsp.papers.details import COUNTRIES
from emsp.written import demand, read

PARTY = re.compile(r"[A-Z]{2}\*[A-Z0-9]{3}")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A connector, as far as a network policy looks at it. An unknown power is within every limit."""

    party: str  # NL*ABC
    country: str  # ISO 3166-1 alpha-2
    power_w: int | None = None


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Nothing allowed by name: everything is that is not blocked by name."""

    allowed_parties: tuple[str, ...] = ()
    blocked_parties: tuple[str, ...] = ()
    allowed_countries: tuple[str, ...] = ()
    blocked_countries: tuple[str, ...] = ()
    max_power_w: int | None = None


def read_network(written: object) -> Network:
    """A network policy from parsed JSON. Raises Invalid naming the path of the first field that is wrong."""
    network = read(written, Network)
    demand(checks(network))
    return network


def refusal(network: Network, place: Place, *, whose: str = "Your provider") -> str | None:
    """Why nobody may charge there by this policy, as a sentence for the driver; None when they may."""
    if not _is_open(place.party, network.allowed_parties, network.blocked_parties):
        return f"{whose} does not let you charge with this operator."
    if not _is_open(place.country, network.allowed_countries, network.blocked_countries):
        return f"{whose} does not let you charge in this country."
    if network.max_power_w is not None and (place.power_w or 0) > network.max_power_w:
        return (
            f"{whose} lets you charge at connectors of up to {_kilowatts(network.max_power_w)} kW; this one has more."
        )
    return None


def checks(network: Network) -> Iterator[tuple[str, object, str]]:
    """What must hold of each field that was written."""
    for name in ("allowed_parties", "blocked_parties"):
        for number, party in enumerate(getattr(network, name)):
            yield f"{name}.{number}", PARTY.fullmatch(party), "a party, such as NL*ABC"
    for name in ("allowed_countries", "blocked_countries"):
        for number, country in enumerate(getattr(network, name)):
            yield f"{name}.{number}", country in COUNTRIES, "a country code of ISO 3166-1, such as NL"
    yield "max_power_w", network.max_power_w is None or network.max_power_w > 0, "more than 0"


def _is_open(name: str, allowed: tuple[str, ...], blocked: tuple[str, ...]) -> bool:
    return name not in blocked and (not allowed or name in allowed)


def _kilowatts(power_w: int) -> str:
    whole, rest = divmod(power_w, 1000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)
