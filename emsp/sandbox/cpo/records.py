"""CDRs handed over: as the rules have it, or as the charge point was told to (late, twice, changed, credited ...).

What was handed over can be corrected later: credited, replaced, changed under its id, or sent a second time.
"""

import asyncio
from decimal import Decimal
from typing import Any

from .billing import cdr_object
from .lies.money import OVERSTATED, times
from .platform import Platform
from .pushes import deliver_cdr
from .state import Session
from .wire import now, timestamp

Cdr = dict[str, Any]
POSTS = {"twice": 2, "never": 0, "pull_only": 0}
CHANGED = Decimal("1.1")
CORRECTIONS = ("credit", "replace", "change", "second")


def written(order: str, cdr: Cdr) -> Cdr:
    """The first CDR of a session; one that will be credited is too high."""
    return {**cdr, "total_cost": times(cdr["total_cost"], OVERSTATED)} if order == "credit" else cdr


def published(order: str) -> bool:
    """Whether a new CDR can be pulled at once."""
    return order not in ("never", "late")


async def hand_over(platform: Platform, session: Session) -> None:
    """Sends the CDR of an ended session, and what is to follow it, however long it takes to reach the eMSP."""
    order, first = session.behaviour["cdr"], session.cdr_id or ""
    if order == "late":
        await asyncio.sleep(platform.options.late_s)
        _release(platform, first)
    for _ in range(POSTS.get(order, 1)):
        await deliver_cdr(platform, session, platform.books.cdrs[first])
    for later in _sequel(order, session, platform.books.cdrs[first]):
        platform.books.cdrs[later["id"]] = later
        platform.store.save()
        await deliver_cdr(platform, session, later)


def _release(platform: Platform, cdr_id: str) -> None:
    """After a restart it may be out already."""
    if cdr_id not in platform.books.withheld_cdrs:
        return
    platform.books.withheld_cdrs.remove(cdr_id)
    platform.books.cdrs[cdr_id]["last_updated"] = timestamp(now())
    platform.store.save()


def _sequel(order: str, session: Session, cdr: Cdr) -> list[Cdr]:
    """The CDRs that follow the first one."""
    cdr = {**cdr, "last_updated": timestamp(now())}
    if session.final is None:
        return []
    if order == "changed":
        return [{**cdr, "total_cost": times(session.final["total_cost"], CHANGED)}]
    if order != "credit":
        return []
    return [_credit(cdr), {**cdr, "id": f"{cdr['id']}-2", "total_cost": session.final["total_cost"]}]


async def correct(platform: Platform, session: Session, how: str, factor: Decimal) -> list[Cdr]:
    """Corrects the last CDR of a session that is over, and hands over what that takes.

    `how` is one of CORRECTIONS; what takes its place is over `factor` times the energy, at the same prices.
    """
    own = [cdr for cdr in platform.books.cdrs.values() if cdr["session_id"] == session.id]
    last = [cdr for cdr in own if not cdr.get("credit")][-1]
    sent = [_credit(last)] if how in ("credit", "replace") else []
    if how != "credit":
        cdr_id = last["id"] if how == "change" else f"{session.cdr_id}-{len(own)}"
        sent.append(_rerated(platform, session, cdr_id, factor))
    for cdr in sent:
        platform.books.cdrs[cdr["id"]] = cdr
        platform.store.save()
        await deliver_cdr(platform, session, cdr)
    return sent


def _credit(cdr: Cdr) -> Cdr:
    """All the data of the original, and its total the other way round (CDRs, Credit CDRs)."""
    credit = {"id": f"{cdr['id']}-C", "credit": True, "credit_reference_id": cdr["id"]}
    return {**cdr, **credit, "total_cost": times(cdr["total_cost"], Decimal(-1)), "last_updated": timestamp(now())}


def _rerated(platform: Platform, session: Session, cdr_id: str, factor: Decimal) -> Cdr:
    meter = platform.replayed_meter(session)
    for period in meter.periods:
        period.energy_wh = int(period.energy_wh * factor)
    return cdr_object(session, meter, cdr_id)
