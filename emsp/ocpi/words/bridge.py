"""Between the versions: what partners say is raised to 2.3.0, what we say is lowered to theirs, step by step.

Everything past this file knows 2.3.0 only. What an older version cannot say becomes an explicit unknown (null).
Pure functions on parsed JSON, of whole objects and of the fragments of a PATCH; they never change their argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emsp.errors import Invalid
from emsp.ocpi.words import v2_1_1, v2_2_1

NEWEST = "2.3.0"
STEPS = (("2.1.1", v2_1_1), ("2.2.1", v2_2_1))
"""The older versions in order, each with what it says in other words than the one that follows it."""
FUNCTIONAL = frozenset({"locations", "tariffs", "sessions", "cdrs", "tokens"})
"""The modules whose objects say whose they are."""


def needs_lift(module: str, version: str) -> bool:
    """Whether objects of the module differ between the version and 2.3.0; where not, bytes can be read as they are."""
    return any(module in step.UPGRADES for known, step in STEPS if known >= version)


def lift(module: str, version: str, parsed: Any, owner: tuple[str, str] | None = None, *, to: str = NEWEST) -> Any:
    """One object of `version`, or a fragment of one, in the words of a later one; never raises.

    `owner`, a country code and a party id, is put into a whole object that names none.
    """
    for known, step in STEPS:
        if version <= known < to:
            parsed = step.upgrade(module, parsed)
    if owner is None or module not in FUNCTIONAL or not isinstance(parsed, dict):
        return parsed
    return _owned(parsed, owner)


def _owned(obj: Mapping[str, Any], owner: tuple[str, str]) -> dict[str, Any]:
    named = zip(("country_code", "party_id"), owner, strict=True)
    return {**obj, **{name: party for name, party in named if not obj.get(name)}}


def in_their_words(module: str, version: str, fault: Invalid) -> Invalid:
    """What is wrong with a raised object, told with the names that its version has for the members."""
    message, field = fault.message, fault.field
    for known, step in reversed(STEPS):
        if version > known or field.startswith("charging_periods"):
            continue
        for older, newer in step.NAMES.get(module, {}).items():
            message, field = (re.sub(rf"\b{newer}\b", older, text) for text in (message, field))
    return Invalid(message, field)


def lower(kind: str, version: str, obj: dict[str, Any]) -> dict[str, Any]:
    """What we send, in the words of `version`.

    Kinds: credentials, version_details, token, authorization_info, and the commands start_session, stop_session,
    reserve_now, cancel_reservation, unlock_connector. A reserve_now carries `reservation_number` besides its id,
    a whole number for 2.1.1, which knows no other ids; it goes out to nobody under that name.
    """
    for known, step in reversed(STEPS):
        if version <= known:
            obj = step.downgrade(kind, obj)
    return {name: value for name, value in obj.items() if name != "reservation_number"}
