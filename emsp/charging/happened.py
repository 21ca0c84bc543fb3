"""What happens to a charge, as events; the timetable says which jobs follow each."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from emsp.events import Event


@dataclass(frozen=True, kw_only=True)
class _OfSession(Event):
    session_id: UUID

    @property
    def lock(self) -> str:
        return f"session:{self.session_id}"


class ChargeRequested(_OfSession):
    """A driver asked for a charge and we took it on."""


class PaymentSecured(_OfSession):
    """The money for it is held, or a fleet vouches for it."""


class StartFailed(_OfSession):
    """Nothing comes of it, and the driver is told so: no start, or no record that can be billed."""


class StartedLate(_OfSession):
    """The operator has a session of it although the driver was told that it had failed."""


class StopRequested(_OfSession):
    """The driver wants it to stop."""


class CostGrew(_OfSession):
    """What it costs so far comes near what is held for it."""


@dataclass(frozen=True, kw_only=True)
class RecordReceived(Event):
    """The operator's record of a charge is here."""

    record_id: UUID

    @property
    def lock(self) -> str:
        return f"record:{self.record_id}"


@dataclass(frozen=True, kw_only=True)
class ReceiptIssued(Event):
    """A charge is billed; its payment can be collected."""

    receipt_id: UUID

    @property
    def lock(self) -> str:
        return f"receipt:{self.receipt_id}"
