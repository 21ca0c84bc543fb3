"""The routing headers of a request, as strict as a hub has to be (Transport and format, Message Routing)."""

from starlette.requests import Request

from ..feed import Party
from ..platform import HUB, Platform
from ..wire import OcpiError
from .parties import require_reachable

CONFIGURATION = ("versions", "credentials", "hubclientinfo")


def check_routing(platform: Platform, request: Request) -> None:
    """Refuses with 2001 what is not addressed as it must be, with 4001 or 4003 what cannot be delivered."""
    module = _parts(request)[2] if len(_parts(request)) > 2 else "versions"
    sender, receiver = party_in(request, "from"), party_in(request, "to")
    if module in CONFIGURATION:
        if sender or receiver:
            raise OcpiError(2001, f"OCPI-from, OCPI-to: {module} is a configuration module without routing headers")
        return
    if sender is None:
        raise OcpiError(2001, f"OCPI-from-country-code, OCPI-from-party-id: required for {module}")
    if sender not in _theirs(platform):
        raise OcpiError(2001, f"OCPI-from: {'/'.join(sender)} is not a party of this connection")
    _check_receiver(platform, request, module, receiver)


def _check_receiver(platform: Platform, request: Request, module: str, receiver: Party | None) -> None:
    lists = request.method == "GET" and len(_parts(request)) == 3
    if receiver is None and lists:
        raise OcpiError(2001, "OCPI-to-country-code, OCPI-to-party-id: required for lists, they may name the hub")
    if receiver == HUB and not lists and not (module == "tokens" and request.method in ("PUT", "PATCH")):
        raise OcpiError(2001, f"OCPI-to: {request.method} {module} cannot be broadcast")
    if receiver not in (None, HUB):
        require_reachable(platform, receiver)


def party_in(request: Request, side: str) -> Party | None:
    """The party in the OCPI-from or OCPI-to headers. Raises OcpiError 2001 for half a party."""
    names = [f"OCPI-{side}-{part}" for part in ("country-code", "party-id")]
    country_code, party_id = (request.headers.get(name) for name in names)
    if bool(country_code) != bool(party_id):
        raise OcpiError(2001, f"{names[1] if country_code else names[0]}: required beside the other one")
    return (country_code.upper(), party_id.upper()) if country_code and party_id else None


def _parts(request: Request) -> list[str]:
    return [part for part in request.url.path.split("/") if part]


def _theirs(platform: Platform) -> set[Party]:
    roles = platform.books.connection.roles if platform.books.connection else []
    return {(role["country_code"].upper(), role["party_id"].upper()) for role in roles}
