"""Where a command points: an EVSE and what it is capable of."""

from typing import Any

from ..feed import Party
from ..platform import Platform
from ..wire import OcpiError

Found = tuple[dict[str, Any], dict[str, Any] | None]


def location_at(platform: Platform, location_id: str, addressed: Party | None) -> dict[str, Any]:
    """A published location. Raises OcpiError 2003."""
    position = platform.locations.find(location_id, addressed)
    if position is None:
        raise OcpiError(2003, f"location_id: {location_id} is not known")
    return platform.locations.read(position)


def capable(location: dict[str, Any], capability: str, evse_uid: str | None = None) -> list[dict[str, Any]]:
    """The EVSEs of a location, or the one named, that have a capability."""
    evses = location.get("evses") or []
    named = [evse for evse in evses if evse_uid is None or evse["uid"].lower() == evse_uid.lower()]
    return [evse for evse in named if capability in (evse.get("capabilities") or [])]


def party_of(location: dict[str, Any]) -> Party:
    """Whose location it is."""
    return (location["country_code"].upper(), location["party_id"].upper())
