"""The parties behind the hub and whether they can be reached."""

from ..feed import Party
from ..platform import Platform
from ..wire import OcpiError

STATUSES = ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")
KNOWN = ("CONNECTED", "OFFLINE")


def status_of(platform: Platform, party: Party) -> str:
    """The ConnectionStatus of a party behind the hub (HubClientInfo module)."""
    return platform.books.party_status.get("/".join(party), "CONNECTED")


def reachable(platform: Platform) -> list[Party]:
    """The parties that a partner of the hub may count on, in order; one that is offline is coming back."""
    return [party for party in sorted(platform.parties) if status_of(platform, party) in KNOWN]


def require_reachable(platform: Platform, party: Party) -> None:
    """Raises OcpiError 4001 for a party that is not (or no longer) behind the hub, 4003 for one that is offline."""
    if party not in reachable(platform):
        raise OcpiError(4001, f"OCPI-to: {'/'.join(party)} is not reachable over this hub")
    if status_of(platform, party) != "CONNECTED":
        raise OcpiError(4003, f"OCPI-to: {'/'.join(party)} is not connected at the moment")
