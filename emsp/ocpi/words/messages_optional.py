"""The OCPI objects of modules that few partners have, as in `messages`: hubs, profiles, reconciliation, bookings."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class ClientInfo(msgspec.Struct):
    """HubClientInfo: ClientInfo, a party that a hub can or could reach."""

    country_code: str
    party_id: str
    role: str
    status: str
    last_updated: datetime | None = None


class ChargingProfilePeriod(msgspec.Struct):
    """ChargingProfiles: ChargingProfilePeriod. Starts after so many seconds; the limit is in the profile's unit."""

    start_period: int
    limit: Decimal


class ChargingProfile(msgspec.Struct):
    """ChargingProfiles: ChargingProfile. Limits in W, or in A per phase; duration in seconds."""

    charging_rate_unit: str
    start_date_time: datetime | None = None
    duration: int | None = None
    min_charging_rate: Decimal | None = None
    charging_profile_period: list[ChargingProfilePeriod] | None = None


class ActiveChargingProfile(msgspec.Struct):
    """ChargingProfiles: ActiveChargingProfile."""

    start_date_time: datetime
    charging_profile: ChargingProfile


class ProfileOutcome(msgspec.Struct):
    """ChargingProfiles: ChargingProfileResponse and the three results; `timeout` in seconds."""

    result: str
    timeout: int | None = None
    profile: ActiveChargingProfile | None = None


class InvoiceReconciliationRecord(msgspec.Struct):
    """InvoiceReconciliation: which CDRs an invoice is for."""

    country_code: str
    party_id: str
    id: str
    invoice_id: str
    cdrs: list[str]
    last_updated: datetime


class Timeslot(msgspec.Struct):
    """Bookings: Timeslot. Power in W."""

    start_date_time: datetime
    end_date_time: datetime
    min_power: Decimal | None = None
    max_power: Decimal | None = None


class Booking(msgspec.Struct):
    """Bookings: Booking."""

    country_code: str
    party_id: str
    id: str
    request_id: str
    location_id: str
    period: Timeslot
    reservation_status: str
    last_updated: datetime
    authorization_reference: str | None = None
    tariff_ids: list[str] | None = None


class BookingLocation(msgspec.Struct):
    """Bookings: BookingLocation."""

    country_code: str
    party_id: str
    id: str
    location_id: str
    last_updated: datetime
    tariff_ids: list[str] | None = None
