"""Connections that lay idle are tried before they are used: the database may have been restarted since.

One that was in use a moment ago is not: asking it whether it lives costs as much as most of what it is used for.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

TRIED_AFTER_S = 1.0
_USED_AT = "used_at"


def try_before_use(engine: Engine) -> None:
    """Let the pool of `engine` replace its connections when one that lay idle turns out to be dead."""
    event.listen(engine, "checkout", lambda connection, record, _: _try(engine, connection, record))
    event.listen(engine, "checkin", lambda _, record: record.info.update({_USED_AT: time.monotonic()}))


def _try(engine: Engine, connection: Any, record: Any) -> None:
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < TRIED_AFTER_S:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError("a connection died while it lay idle") from error
