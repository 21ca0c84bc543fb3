"""The immediate answer to a command, and the place it concerns."""

from dataclasses import dataclass

from starlette.requests import Request

from ..door import Answer, addressed_party
from ..feed import Party
from ..hub.parties import require_reachable
from ..lies import Place
from ..outgoing import spoken
from ..platform import Platform
from ..state import Session

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Verdict:
    """A CommandResponseType, whose charge point it speaks of and where that stands."""

    result: str
    party: Party | None = None
    place: Place | None = None


def about(session: Session, result: str) -> Verdict:
    """A verdict on a command that concerns a session."""
    return Verdict(result, session.party, session.place)


def answered(platform: Platform, request: Request, verdict: Verdict) -> Answer:
    """The CommandResponse; when a hub chose the party itself (open routing), its headers say which."""
    response = spoken(platform, "response", {"result": verdict.result, "timeout": TIMEOUT_S}, verdict.place)
    if not platform.is_hub or verdict.party is None or addressed_party(request):
        return Answer(response)
    country_code, party_id = verdict.party
    return Answer(response, headers={"OCPI-from-country-code": country_code, "OCPI-from-party-id": party_id})


def require_party(platform: Platform, party: Party) -> None:
    """Raises OcpiError 4001 or 4003 when the party that a hub found cannot be reached."""
    if platform.is_hub:
        require_reachable(platform, (party[0].upper(), party[1].upper()))
