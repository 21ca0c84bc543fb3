"""What drivers wish of a running session (chapter Sessions: Set Charging Preferences)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

from emsp.charging.ports import CommandAnswer, PreferencesCommand
from emsp.clock import utc_text
from emsp.ocpi.send import asking
from emsp.ocpi.send.asking import NOT_SUPPORTED, Line

WH_PER_KWH = 1000


async def put(line: Line, command: PreferencesCommand) -> CommandAnswer:
    """PUT sessions/{session_id}/charging_preferences at the partner; 2.1.1 has none."""
    peer = line.peer
    if not peer.routed:
        lacking = f"{peer.name} speaks OCPI {peer.version}, which has no charging preferences"
        return CommandAnswer(outcome=NOT_SUPPORTED, message=lacking)
    endpoint = peer.url("sessions", "SENDER").rstrip("/")
    url = f"{endpoint}/{quote(command.external_session_id, safe='')}/charging_preferences"
    return await asking.asked(line, "PUT", url, message_of(command), reference=command.session_id)


def message_of(command: PreferencesCommand) -> dict[str, Any]:
    """Sessions: ChargingPreferences; energy in kWh."""
    need, departure = command.energy_need_wh, command.departure_at
    stated = {
        "profile_type": command.profile,
        "departure_time": utc_text(departure) if departure else None,
        "energy_need": Decimal(need) / WH_PER_KWH if need is not None else None,
        "discharge_allowed": command.discharge_allowed,
    }
    return {name: value for name, value in stated.items() if value is not None}
