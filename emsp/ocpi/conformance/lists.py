"""The objects of a partner together: what no object shows alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from emsp.ocpi import wire
from emsp.ocpi.conformance.findings import ERROR, WARNING, Finding
from emsp.ocpi.conformance.loose import objects


def identity(value: Any) -> str:
    """The id of an object for people; "" when it has none."""
    found = value.get("id") if isinstance(value, dict) else None
    return str(found) if found is not None else ""


def duplicates(listed: Sequence[Any]) -> Iterator[tuple[str, Finding]]:
    """Objects whose id stands more than once in a list, each with the finding."""
    seen = Counter(_key(value) for value in objects(list(listed)) if identity(value))
    names = {_key(value): identity(value) for value in objects(list(listed))}
    for key, count in seen.items():
        if count > 1:
            text = "is listed more than once; upper and lower case do not make ids differ"
            yield names[key], Finding("id", ERROR, text, "duplicate")


def _key(value: dict[str, Any]) -> str:
    return wire.key_of(*(str(value.get(field, "")) for field in ("country_code", "party_id", "id")))


def unknown_tariffs(locations: Sequence[Any], tariffs: Sequence[Any]) -> Iterator[tuple[str, Finding]]:
    """Locations with a connector whose tariff is not among all the tariffs of the partner."""
    known = {wire.fold(identity(tariff)) for tariff in objects(list(tariffs))}
    for location in objects(list(locations)):
        for path, tariff_id in _tariff_ids(location):
            if wire.fold(tariff_id) not in known:
                text = "names a tariff that is not in the list of tariffs: no price can be shown"
                yield identity(location), Finding(path, WARNING, text, "unknown-tariff")


def _tariff_ids(location: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for at, evse in enumerate(objects(location.get("evses"))):
        for position, connector in enumerate(objects(evse.get("connectors"))):
            path = f"evses[{at}].connectors[{position}]"
            several = connector.get("tariff_ids")
            for tariff_id in several if isinstance(several, list) else []:
                yield f"{path}.tariff_ids", str(tariff_id)
            if isinstance(connector.get("tariff_id"), str):
                yield f"{path}.tariff_id", connector["tariff_id"]
