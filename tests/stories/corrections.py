"""What stories of corrected charges share: the receipt with all that corrects it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from emsp.demo.app_client import AppClient
from tests.stories.world import minor

CORRECTED = """
query ($id: ID!) {
  chargingSession(id: $id) {
    id state energyWh
    costSoFar { amount }
    timeline { text }
    receipt {
      ...figures
      corrects { id }
      totalAfterCorrections { amount }
      corrections { ...figures corrects { id } corrections { id } totalAfterCorrections { amount } }
    }
  }
}
fragment figures on Receipt {
  id number net { amount } total { amount } paid { amount }
  lines { kind text takenBack amount { amount } tax { amount } }
  taxes { percent net { amount } tax { amount } }
  verification { result reason }
}"""
LOOK_EVERY_S, PATIENCE_S = 0.3, 60
Json = dict[str, Any]


async def corrected_session(app: AppClient, session_id: str, corrections: int = 1) -> Json:
    """The session as soon as its receipt has so many corrections, and all that they give back is given back."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        session: Json = (await app.ask(CORRECTED, id=session_id))["chargingSession"]
        issued = session["receipt"]["corrections"]
        if len(issued) >= corrections and all(minor(one["paid"]) == minor(one["total"]) for one in issued):
            return session
        assert time.monotonic() < deadline, session
        await asyncio.sleep(LOOK_EVERY_S)
