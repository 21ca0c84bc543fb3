"""The wire forms of the three OCPI versions: everything is kept as 2.2.1 and turned at the border."""

from typing import Any

from . import v2_1_1, v2_3_0

FORMS = {"2.1.1": v2_1_1, "2.3.0": v2_3_0}


def spoken(version: str, kind: str, body: Any) -> Any:
    """An object (or a fragment of one) of 2.2.1 in the wire form of a version.

    Kinds: location, evse, connector, tariff, session, cdr, token, credentials, response, result. Sessions and CDRs
    for 2.1.1 bring their `location` beside their own fields.
    """
    form = FORMS.get(version)
    return form.SPOKEN[kind](body) if form and kind in form.SPOKEN and isinstance(body, dict) else body


def understood(version: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """An object of a version as 2.2.1 says it. Kinds: token, command, credentials."""
    form = FORMS.get(version)
    return form.UNDERSTOOD[kind](body) if form and kind in form.UNDERSTOOD else body
