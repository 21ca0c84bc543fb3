"""The jobs that wait in the database, run one at a time in whatever order a test likes, as several workers would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from emsp import jobs
from emsp.db.engine import transaction
from emsp.errors import EmspError

WAITING = """
SELECT id, task_name, args, coalesce(scheduled_at > now(), false) FROM procrastinate_jobs AS job WHERE status = 'todo'
AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS first
                WHERE first.lock = job.lock AND first.status = 'todo' AND first.id < job.id)
ORDER BY id"""


@dataclass(frozen=True)
class Waiting:
    """A job that a worker may take: none before it has the same lock."""

    id: int
    name: str
    arguments: dict[str, Any]
    is_for_later: bool


async def waiting() -> list[Waiting]:
    """What a worker may take, the oldest first; also what is deferred for later, as if that time had come."""
    async with transaction() as db:
        return [Waiting(*row) for row in await db.execute(text(WAITING))]


async def run(job: Waiting) -> bool:
    """Run it; whether it is done. One that fails for a reason outside waits for another try."""
    try:
        await jobs.app.tasks[job.name].func(**job.arguments)
    except EmspError:
        return False
    async with transaction() as db:
        await db.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job.id})
    return True
