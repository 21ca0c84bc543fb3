"""What the sandbox Charge Point Operator can be told when it is started."""

import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .lies import check

Role = Literal["cpo", "hub"]
VERSIONS = ("2.1.1", "2.2.1", "2.3.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpoOptions:
    """Settings of one sandbox CPO. It serves loopback only: it has no place in production."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port."""
    public_url: str | None = None
    """Where partners reach us; `http://host:port` unless given."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """The CREDENTIALS_TOKEN_A with which a partner registers."""

    versions: tuple[str, ...] = ("2.2.1",)
    """The OCPI versions that are offered."""
    role: Role = "cpo"
    """A CPO that publishes for its own parties, or a hub that routes to them."""
    lies: tuple[str, ...] = ()
    """Lies told from the start, by name."""
    late_s: float = 30.0
    """Real seconds by which what is late is late."""
    slow_s: float = 3.0
    """Real seconds that a slow answer takes."""

    seed: int = 1
    stations: int = 300
    """How many stations are made up when no feed is given."""
    locations: Path | None = None
    """Published OCPI Locations, one JSON object a line, `.jsonl` or `.jsonl.gz`."""
    tariffs: Path | None = None
    state: Path | None = None
    """Where registration, sessions and CDRs are kept; nothing outlives the process unless given."""
    page_limit: int = 250

    speed: float = 1.0
    """Simulated seconds that pass in one real second."""
    reply_after_s: float = 0.15
    """Real seconds until a charge point answers a command."""
    plug_in_after_s: float = 0.2
    """Real seconds between an accepted start and the plug."""
    update_every_s: float = 1.0
    """Real seconds between two updates of a running session."""
    overstay_s: int = 900
    """Simulated seconds that a full car stays plugged in."""
    battery_wh: int = 60_000
    battery_start_percent: int = 20
    max_energy_wh: int | None = None
    """A car that wants no more than this."""
    status_churn: float = 0.0
    """EVSEs a minute (real) whose status changes by itself."""
    request_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.host != "localhost" and not ipaddress.ip_address(self.host).is_loopback:
            raise ValueError(f"host {self.host!r} is not a loopback address: the sandbox serves loopback only")
        if not 0 < self.speed <= 100_000:
            raise ValueError(f"speed {self.speed} must be above 0 and at most 100000")
        if self.page_limit < 1:
            raise ValueError(f"page_limit {self.page_limit} must be at least 1")
        if not 0 <= self.battery_start_percent < 100:
            raise ValueError(f"battery_start_percent {self.battery_start_percent} must be 0 to 99")
        self._check_versions()
        check(self.lies)

    def _check_versions(self) -> None:
        unknown = [version for version in self.versions if version not in VERSIONS]
        if unknown or not self.versions:
            raise ValueError(f"versions {', '.join(unknown) or '()'}: offer one or more of {', '.join(VERSIONS)}")
        if self.role not in ("cpo", "hub"):
            raise ValueError(f"role {self.role!r} must be cpo or hub")
        if self.role == "hub" and "2.1.1" in self.versions:
            raise ValueError("versions 2.1.1: there are no hubs before 2.2.1")
