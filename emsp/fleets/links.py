"""Links to a fleet's bill that work without signing in, for a while, for whoever was given one."""

from __future__ import annotations

import hmac
from datetime import timedelta
from uuid import UUID

from emsp import clock, vault
from emsp.settings import settings

GOOD_FOR = timedelta(hours=1)


def csv_url(fleet_id: UUID, month: str, *, good_for: timedelta = GOOD_FOR) -> str:
    """The address of the bill as CSV."""
    until = int((clock.now() + good_for).timestamp())
    path = f"/fleets/{fleet_id}/bills/{month}.csv"
    return f"{settings().public_url}{path}?until={until}&signature={_signature(fleet_id, month, until)}"


def is_good(fleet_id: UUID, month: str, until: int, signature: str) -> bool:
    """Whether the link was made by us for this bill and has not run out."""
    made = _signature(fleet_id, month, until)
    return until >= clock.now().timestamp() and hmac.compare_digest(made.encode(), signature.encode())


def _signature(fleet_id: UUID, month: str, until: int) -> str:
    return vault.sign(f"fleet-bill:{fleet_id}:{month}:{until}".encode())
