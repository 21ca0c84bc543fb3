"""The OCPI objects that we read, as of 2.3.0, holding what we use of them; `bridge` raises older ones to this.

Enum values stay text, since partners send values that no table has. Lists may be null. Everything that a
useful object can do without is optional, whatever the tables say: what matters is checked where it is used.
Those of which a continent has millions are left out by the garbage collector: nothing in them leads back to them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


class Head(msgspec.Struct, gc=False):
    """What every object of a partner begins with: whose it is, which, and of when."""

    id: str
    country_code: str = ""
    party_id: str = ""
    last_updated: datetime | None = None


class DisplayText(msgspec.Struct):
    """A text in a language (Types: DisplayText)."""

    text: str
    language: str = ""


class BusinessDetails(msgspec.Struct, gc=False):
    """A company as drivers know it (Locations: BusinessDetails)."""

    name: str
    website: str | None = None


class Coordinates(msgspec.Struct, gc=False):
    """WGS 84 degrees; strings on the wire (Locations: GeoLocation)."""

    latitude: float
    longitude: float


class Connector(msgspec.Struct, gc=False):
    """Locations: Connector. Voltage in V, amperage in A, power in W."""

    id: str
    standard: str = "UNKNOWN"
    format: str = "UNKNOWN"
    power_type: str = "UNKNOWN"
    max_voltage: Decimal | None = None
    max_amperage: Decimal | None = None
    max_electric_power: Decimal | None = None
    tariff_ids: list[str] | None = None
    capabilities: list[str] | None = None
    last_updated: datetime | None = None


class Parking(msgspec.Struct, gc=False):
    """Locations: Parking, a place to park at while charging; since 2.3.0."""

    id: str = ""
    vehicle_types: list[str] | None = None


class EvseParking(msgspec.Struct, gc=False):
    """Locations: EVSEParking, which place an EVSE is reached from."""

    parking_id: str = ""


class Evse(msgspec.Struct, gc=False):
    """Locations: EVSE."""

    uid: str
    status: str = "UNKNOWN"
    evse_id: str | None = None
    capabilities: list[str] | None = None
    connectors: list[Connector] | None = None
    floor_level: str | None = None
    physical_reference: str | None = None
    parking_restrictions: list[str] | None = None
    parking: list[EvseParking] | None = None
    last_updated: datetime | None = None


class RegularHours(msgspec.Struct, gc=False):
    """Weekday 1 is Monday; times are local (Locations: RegularHours)."""

    weekday: int
    period_begin: str
    period_end: str


class ExceptionalPeriod(msgspec.Struct, gc=False):
    """UTC (Locations: ExceptionalPeriod)."""

    period_begin: datetime
    period_end: datetime


class Hours(msgspec.Struct, gc=False):
    """Locations: Hours."""

    twentyfourseven: bool | None = None
    regular_hours: list[RegularHours] | None = None
    exceptional_openings: list[ExceptionalPeriod] | None = None
    exceptional_closings: list[ExceptionalPeriod] | None = None


class Location(msgspec.Struct, gc=False):
    """Locations: Location."""

    id: str
    coordinates: Coordinates
    last_updated: datetime
    country_code: str = ""
    party_id: str = ""
    publish: bool | None = True
    name: str | None = None
    address: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    country: str | None = None
    parking_type: str | None = None
    parking_places: list[Parking] | None = None
    evses: list[Evse] | None = None
    operator: BusinessDetails | None = None
    facilities: list[str] | None = None
    time_zone: str | None = None
    opening_times: Hours | None = None
    help_phone: str | None = None


class TaxAmount(msgspec.Struct):
    """Types: TaxAmount."""

    amount: Decimal


class Price(msgspec.Struct):
    """Types: Price. No taxes means that there are none; null, which older versions are raised to, not known."""

    before_taxes: Decimal
    taxes: list[TaxAmount] | None = []


class PriceLimit(msgspec.Struct):
    """Tariffs: PriceLimit. Without `after_taxes` only the sum before taxes is limited."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None


class PriceComponent(msgspec.Struct):
    """Tariffs: PriceComponent. No `vat` means that it is not stated."""

    type: str
    price: Decimal
    step_size: int = 1
    vat: Decimal | None = None


class TariffElement(msgspec.Struct):
    """Tariffs: TariffElement. Restrictions stay a dictionary so that unknown ones are seen."""

    price_components: list[PriceComponent]
    restrictions: dict[str, Any] | None = None


class Tariff(msgspec.Struct):
    """Tariffs: Tariff. A tariff inside a CDR may lack its owner and its time."""

    id: str
    currency: str
    elements: list[TariffElement]
    country_code: str = ""
    party_id: str = ""
    type: str | None = None
    tariff_alt_text: list[DisplayText] | None = None
    tax_included: str | None = None
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    last_updated: datetime | None = None


class CdrToken(msgspec.Struct):
    """CDRs: CdrToken. Partners of 2.1.1 name the contract only."""

    uid: str | None = None
    contract_id: str | None = None


class Dimension(msgspec.Struct):
    """CDRs: CdrDimension. Volumes in kWh, hours, kW, A or percent, as the type says."""

    type: str
    volume: Decimal


class ChargingPeriod(msgspec.Struct):
    """CDRs: ChargingPeriod. It lasts until the next one starts."""

    start_date_time: datetime
    dimensions: list[Dimension] | None = None
    tariff_id: str | None = None


class Session(msgspec.Struct):
    """Sessions: Session. Energy in kWh."""

    id: str
    start_date_time: datetime
    status: str
    last_updated: datetime
    country_code: str = ""
    party_id: str = ""
    kwh: Decimal = Decimal(0)
    end_date_time: datetime | None = None
    cdr_token: CdrToken | None = None
    authorization_reference: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None
    currency: str | None = None
    charging_periods: list[ChargingPeriod] | None = None
    total_cost: Price | None = None


class CdrLocation(msgspec.Struct):
    """CDRs: CdrLocation, as it was when the session started."""

    id: str | None = None
    country: str | None = None
    evse_uid: str | None = None
    connector_id: str | None = None


class Cdr(msgspec.Struct):
    """CDRs: CDR. Energy in kWh, times in hours.

    The parts of its totals may be anything: they are compared where they can be read, and are no reason to refuse it.
    """

    id: str
    start_date_time: datetime
    end_date_time: datetime
    currency: str
    total_cost: Price
    last_updated: datetime
    total_energy: Decimal
    country_code: str = ""
    party_id: str = ""
    charging_periods: list[ChargingPeriod] | None = None
    session_id: str | None = None
    cdr_token: CdrToken | None = None
    authorization_reference: str | None = None
    cdr_location: CdrLocation | None = None
    tariffs: list[Tariff] | None = None
    credit: bool | None = None
    credit_reference_id: str | None = None
    total_fixed_cost: Any = None
    total_energy_cost: Any = None
    total_time: Any = None
    total_time_cost: Any = None
    total_parking_time: Any = None
    total_parking_cost: Any = None
    total_reservation_cost: Any = None


class CredentialsRole(msgspec.Struct):
    """Credentials: CredentialsRole."""

    role: str
    party_id: str
    country_code: str
    business_details: BusinessDetails | None = None


class Credentials(msgspec.Struct):
    """Credentials: Credentials. The token is plain, never base64; a hub is named by its country code and party id."""

    token: str
    url: str
    roles: list[CredentialsRole]
    hub_party_id: str | None = None


class Version(msgspec.Struct):
    """Versions: Version."""

    version: str
    url: str


class Endpoint(msgspec.Struct):
    """Versions: Endpoint. Before 2.2 there is no role."""

    identifier: str
    url: str
    role: str = ""


class VersionDetails(msgspec.Struct):
    """Versions: version details."""

    endpoints: list[Endpoint]
    version: str = ""


class LocationReferences(msgspec.Struct):
    """Tokens: LocationReferences."""

    location_id: str
    evse_uids: list[str] | None = None


class CommandOutcome(msgspec.Struct):
    """Commands: CommandResponse and CommandResult, which differ in `timeout` (seconds) only."""

    result: str
    timeout: int | None = None
    message: list[DisplayText] | None = None
