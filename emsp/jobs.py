"""Work that happens later, on any machine: procrastinate over the same PostgreSQL.

A job is a plain async function. It is deferred inside the transaction that causes it, so it exists exactly
when that transaction committed, and it may run twice: whoever writes one makes the second run harmless.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any, get_type_hints
from uuid import uuid4

import msgspec
import procrastinate
from sqlalchemy import text

from emsp import logs
from emsp.db.engine import Db, database_url, psycopg_connection
from emsp.settings import settings

Job = Callable[..., Awaitable[None]]
log = logs.log(__name__)

app = procrastinate.App(connector=procrastinate.PsycopgConnector())
_tasks: dict[Job, Any] = {}

CORRELATION = "_correlation_id"
"""The argument that carries on what a job belongs to: the request that caused it, and all that follows."""

DRIVERS, BACKGROUND = "default", "background"
"""The queues: what a driver, a fleet or a card processor waits for, and what may take its time."""

RETRY = procrastinate.RetryStrategy(max_attempts=12, exponential_wait=2)


def register(function: Job, *, every: str | None = None, queue: str = DRIVERS) -> None:
    """Make `function` runnable by workers; with `every` (cron, five or six fields) also by itself."""
    if function in _tasks:
        return
    runner = _runner(function, periodic=bool(every))
    task = app.task(name=name_of(function), queue=queue, retry=RETRY, pass_context=False)(runner)
    _tasks[function] = task
    if every:
        app.periodic(cron=every)(task)


def name_of(function: Job) -> str:
    return f"{function.__module__.removeprefix('emsp.')}.{function.__name__}"


async def defer(
    db: Db,
    function: Job,
    *,
    after: timedelta | None = None,
    lock: str | None = None,
    alone: bool = False,
    **arguments: Any,
) -> None:
    """Run `function(**arguments)` once this transaction has committed, and not before `after` has passed.

    Jobs with the same `lock` run one at a time, in order; with `alone`, nothing is deferred while one of them waits
    or runs.
    """
    if alone and await _is_underway(db, lock):
        return
    deferrer = _tasks[function].configure(
        lock=lock,
        connection=await psycopg_connection(db),
        **({"schedule_in": {"seconds": after.total_seconds()}} if after else {}),
    )
    correlation = {CORRELATION: logs.facts().get("correlation_id")}
    await deferrer.defer_async(**msgspec.to_builtins(arguments), **correlation)


async def _is_underway(db: Db, lock: str | None) -> bool:
    """By a look, not by procrastinate's queueing lock: that one would refuse to take up a job of a dead worker."""
    query = "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = :lock AND status IN ('todo', 'doing'))"
    return bool((await db.execute(text(query), {"lock": lock})).scalar_one())


async def work(*, concurrency: int = 8, background: int = 4) -> None:
    """Run so many jobs of each queue at a time until cancelled; jobs of workers that died are taken up again."""
    slots = {queue: count for queue, count in ((DRIVERS, concurrency), (BACKGROUND, background)) if count}
    connector = procrastinate.PsycopgConnector(conninfo=database_url(), max_size=4 + 2 * len(slots))
    with app.replace_connector(connector) as own:
        async with own.open_async(), asyncio.TaskGroup() as group:
            group.create_task(_insisting(lambda: _requeue_stalled(own)))
            for queue, count in slots.items():
                group.create_task(_insisting(partial(_run_jobs, own, queue, count)))


async def _insisting(step: Callable[[], Awaitable[None]]) -> None:
    """Run it again whenever it ends or the database went away: a worker outlives a lost connection."""
    while True:
        try:
            await step()
        except procrastinate.exceptions.ConnectorException as error:
            log.warning("lost the database", error=str(error.__cause__ or error))
        await asyncio.sleep(1)


async def _run_jobs(own: procrastinate.App, queue: str, count: int) -> None:
    await own.run_worker_async(
        queues=[queue],
        concurrency=count,
        install_signal_handlers=False,
        fetch_job_polling_interval=1.0,
        update_heartbeat_interval=max(settings().job_stalled_s / 3, 0.5),
        stalled_worker_timeout=settings().job_stalled_s,
        delete_jobs="successful",
        shutdown_graceful_timeout=5,
    )


async def _requeue_stalled(own: procrastinate.App) -> None:
    """Jobs of a worker that was killed are run again as soon as its heartbeat is missed."""
    while True:
        for job in await own.job_manager.get_stalled_jobs(seconds_since_heartbeat=settings().job_stalled_s):
            log.warning("job taken up again", task=job.task_name, job=job.id, arguments=job.task_kwargs)
            await own.job_manager.retry_job(job)
        await asyncio.sleep(max(settings().job_stalled_s / 3, 0.5))


def _runner(function: Job, *, periodic: bool) -> Callable[..., Awaitable[None]]:
    hints = {name: hint for name, hint in get_type_hints(function).items() if name != "return"}
    wanted = inspect.signature(function).parameters

    @wraps(function)
    async def run(**arguments: Any) -> None:
        correlation_id = arguments.pop(CORRELATION, None) or str(uuid4())
        known = {} if periodic and not wanted else arguments
        typed = {name: msgspec.convert(value, hints[name], strict=False) for name, value in known.items()}
        with logs.context(job=name_of(function), correlation_id=correlation_id):
            try:
                await function(**typed)
            except Exception:
                log.exception("job failed", arguments=arguments)
                raise

    return run
