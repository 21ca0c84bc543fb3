"""Limits over time for running sessions (chapter ChargingProfiles, sender side): set, taken back and asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emsp.charging.ports import CommandAnswer, Limits, OfSession, ProfileCommand, ShowProfileCommand
from emsp.clock import utc_text
from emsp.ocpi.pull.pages import with_query
from emsp.ocpi.send import asking
from emsp.ocpi.send.asking import NOT_SUPPORTED, Line

MODULE = "chargingprofiles"
SET, CLEAR, SHOW = "SET_CHARGING_PROFILE", "CLEAR_CHARGING_PROFILE", "ACTIVE_CHARGING_PROFILE"


async def put(line: Line, command: ProfileCommand) -> CommandAnswer:
    """PUT chargingprofiles/{session_id} at the partner."""
    assert command.limits is not None
    return await _ask(line, "PUT", SET, command, body={"charging_profile": message_of(command.limits)})


async def delete(line: Line, command: ProfileCommand) -> CommandAnswer:
    """DELETE chargingprofiles/{session_id}?response_url= at the partner."""
    return await _ask(line, "DELETE", CLEAR, command, query={})


async def get(line: Line, command: ShowProfileCommand) -> CommandAnswer:
    """GET chargingprofiles/{session_id}?duration=&response_url= at the partner."""
    return await _ask(line, "GET", SHOW, command, query={"duration": str(command.duration_s)})


async def _ask(
    line: Line,
    method: str,
    kind: str,
    command: OfSession,
    *,
    body: dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
) -> CommandAnswer:
    """The response_url goes in the body, or percent-encoded in the query of a call that has no body."""
    if lacking := _lacking(line):
        return CommandAnswer(outcome=NOT_SUPPORTED, message=lacking)
    sent = await asking.opened(line, MODULE, kind, command.session_id)
    endpoint = line.peer.url(MODULE, "RECEIVER").rstrip("/")
    url = f"{endpoint}/{quote(command.external_session_id, safe='')}"
    answer_to = {"response_url": sent.response_url}
    if query is not None:
        url = with_query(url, {**query, **answer_to})
    whole = {**body, **answer_to} if body is not None else None
    return await asking.asked(line, method, url, whole, reference=command.session_id, command=sent)


def _lacking(line: Line) -> str | None:
    peer = line.peer
    if not peer.routed:
        return f"{peer.name} speaks OCPI {peer.version}, which has no charging profiles"
    return None if peer.find(MODULE, "RECEIVER") else f"{peer.name} takes no charging profiles"


def message_of(limits: Limits) -> dict[str, Any]:
    """ChargingProfiles: ChargingProfile; the limits in W, or in A per phase."""
    stated = {
        "start_date_time": utc_text(limits.start_at) if limits.start_at else None,
        "duration": limits.duration_s,
        "charging_rate_unit": limits.unit,
        "charging_profile_period": [{"start_period": start_s, "limit": limit} for start_s, limit in limits.steps],
    }
    return {name: value for name, value in stated.items() if value is not None}
