"""What can be set when the card processor starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CardsOptions:
    """Settings of one card processor; port 0 takes a free one, no `state` keeps everything in memory."""

    host: str = "127.0.0.1"
    port: int = 0
    state: Path | None = None
    webhook_url: str | None = None
    webhook_secret: str = "whsec_sandbox"
    secret_key: str = "sk_test_sandbox"
    publishable_key: str = "pk_test_sandbox"
    webhook_first_retry_s: float = 0.5
    webhook_attempts_max: int = 15
    clock: Callable[[], float] = time.time
