"""What a partner reports of a charge, in our words: a running session, and the record at its end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from emsp.pricing.engine import Period
from emsp.pricing.tariff import Tariff


class SessionReport(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's session as it stands. `status`: PENDING, ACTIVE, COMPLETED, INVALID, RESERVATION or UNKNOWN."""

    country_code: str
    party_id: str
    external_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    energy_wh: Decimal
    periods: list[Period] = []
    power_w: int | None = None
    state_of_charge_percent: int | None = None
    authorization_reference: str | None = None
    token_uid: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    currency: str | None = None
    net_cost: Decimal | None = None
    gross_cost: Decimal | None = None
    updated_at: datetime


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's charge detail record. Costs are what they ask of us (wholesale), in major units.

    `periods` cover the session in order; `tariffs` are those that the record carries itself. A `credit` takes back
    the record that it names.
    """

    country_code: str
    party_id: str
    external_id: str
    session_external_id: str | None = None
    authorization_reference: str | None = None
    token_uid: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    country: str | None = None
    started_at: datetime
    ended_at: datetime
    energy_wh: Decimal
    periods: list[Period]
    currency: str
    net_cost: Decimal
    gross_cost: Decimal | None = None
    tariffs: list[Tariff] = []
    credit: bool = False
    credits_external_id: str | None = None
    updated_at: datetime
