"""What tests see of the platform beside its sessions and CDRs."""

from typing import Any

from .hub.parties import status_of
from .platform import Platform


def shown(platform: Platform) -> dict[str, Any]:
    """The version, the last requests received, reservations, charging preferences and profiles, and the parties."""
    books = platform.books
    return {
        "version": platform.version,
        "requests": list(platform.requests),
        "reservations": [
            {"id": kept.id, "phase": kept.phase, "expiry": kept.expiry, "session_id": kept.session.id}
            for kept in books.reservations.values()
        ],
        "preferences": books.preferences,
        "profiles": books.profiles,
        "parties": [
            {"country_code": party[0], "party_id": party[1], "status": status_of(platform, party)}
            for party in sorted(platform.parties)
        ],
    }
