"""When a module is pulled again and from when on its objects are asked for.

What is new every few hours; everything of what is shown every day, which shows what is gone; and every day the
sessions and CDRs of the last days once more, since some partners never repeat a push that failed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from emsp.ocpi.tables import SyncRun
from emsp.settings import settings

HUB_MODULE = "hubclientinfo"
MODULES = ("tariffs", "locations", "sessions", "cdrs")
ALL_MODULES = (HUB_MODULE, *MODULES)
"""In the order of what needs what; the first one is a hub's."""
OF_CHARGES = ("sessions", "cdrs")
OVERLAP = timedelta(minutes=10)
FIRST_SESSIONS = timedelta(days=31)
LOOK_BACK = timedelta(days=7)
DAILY = timedelta(days=1)
TRY_AGAIN = timedelta(minutes=30)
"""After how long a pull that failed or was broken off is tried again; what is due so soon goes along with what is."""
SPLAY = 10
"""Partners are pulled up to a tenth of the interval earlier, each at a time of its own."""


def date_from(run: SyncRun, now: datetime, *, full: bool = False) -> datetime | None:
    """From when on objects are asked for; None for all. Sessions must not be asked for without saying so."""
    from_the_beginning = now - FIRST_SESSIONS if run.module == "sessions" else None
    if full or run.watermark is None or run.module == HUB_MODULE:
        return from_the_beginning
    since = run.watermark - OVERLAP
    if not is_time_for_all(run, now):
        return since
    return min(since, now - LOOK_BACK) if run.module in OF_CHARGES else from_the_beginning


def is_time_for_all(run: SyncRun, now: datetime) -> bool:
    """Whether it is time to look at everything again."""
    every = DAILY if run.module in OF_CHARGES else timedelta(hours=settings().full_pull_every_h)
    return run.complete_at is None or now - run.complete_at >= every * (1 - 1 / SPLAY)


def looks_back(module: str, date_from: datetime | None, begun_at: datetime) -> bool:
    """Whether a crawl from then on is such a look at everything."""
    return date_from is None or (module in OF_CHARGES and begun_at - date_from >= LOOK_BACK)


def next_at(run: SyncRun) -> datetime | None:
    """When the module is pulled next; None when it never was."""
    if run.started_at is None:
        return None
    if run.failure or run.resume:
        return run.started_at + TRY_AGAIN
    every = timedelta(hours=settings().pull_every_h)
    early = random.Random(f"{run.connection_id} {run.started_at.date()}").uniform(0, 1 / SPLAY)
    return run.started_at + every * (1 - early)


def due(modules: Iterable[str], runs: Mapping[str, SyncRun], now: datetime) -> list[str]:
    """Those of a partner's modules that are to be pulled together now, in order; none if none of them is due."""
    times = {module: (next_at(runs[module]) if module in runs else None) or now for module in modules}
    if not times or min(times.values()) > now:
        return []
    return [module for module, at in times.items() if at <= now + TRY_AGAIN / 2]
