"""The one place that asks what time it is; every time is aware and UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def utc_text(moment: datetime) -> str:
    """RFC 3339 with `Z`, whole seconds or three decimals."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
