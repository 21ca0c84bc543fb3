"""One session's row: found, locked, and moved along the published lifecycle with a line in its timeline."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select, update

from emsp import clock, events, logs
from emsp.charging.lifecycle import State, before
from emsp.charging.tables import ChargingSession, SessionEvent
from emsp.db.engine import Db
from emsp.errors import NotFound

TOPIC = "sessions"
log = logs.log(__name__)


async def locked(db: Db, session_id: UUID) -> ChargingSession:
    """The session, locked until the transaction ends."""
    query = select(ChargingSession).where(ChargingSession.id == session_id).with_for_update()
    found = (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()
    if found is None:
        raise NotFound(f"charging session {session_id}")
    return found


async def advance(db: Db, session: ChargingSession, to: State, text: str, *, source: str = "SYSTEM") -> bool:
    """Move `session` to `to` if it may go there from where it is; `text` tells the driver why."""
    now = clock.now()
    statement = (
        update(ChargingSession)
        .where(col(ChargingSession.id) == session.id, col(ChargingSession.state).in_(before(to)))
        .values(state=to, state_reason=text, state_since=now, updated_at=now)
        .returning(col(ChargingSession.id))
        .execution_options(synchronize_session=False)
    )
    moved = (await db.execute(statement)).scalar_one_or_none() is not None
    if moved:
        await db.refresh(session)
        await note(db, session, text, source=source, state=to)
        log.info("session moved", session_id=str(session.id), state=to, reason=text)
    return moved


async def note(
    db: Db, session: ChargingSession, text: str, *, source: str = "SYSTEM", state: State | None = None
) -> None:
    """A line in the session's timeline, and a wake-up for whoever watches it."""
    db.add(SessionEvent(session_id=session.id, source=source, state=state, text=text))
    await db.flush()
    await events.wake(db, TOPIC, [session.id])


async def note_once(db: Db, session: ChargingSession, text: str, *, source: str = "SYSTEM") -> bool:
    """A line in the session's timeline, unless the same is there already; whether it was written."""
    said = select(SessionEvent.id).where(SessionEvent.session_id == session.id, SessionEvent.text == text)
    if await db.scalar(said.limit(1)):
        return False
    await note(db, session, text, source=source)
    return True
