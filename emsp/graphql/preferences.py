"""What the driver of a running charge wishes, as the operator took it over."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import field

from emsp.charging.tables import Preference
from emsp.graphql.fields import value
from emsp.graphql.viewer import Info


@strawberry.enum(description="How a car is to be charged while it is plugged in.")
class ChargingProfile(Enum):
    CHEAP = value("CHEAP", "When electricity is cheap.")
    FAST = value("FAST", "As soon as possible.")
    GREEN = value("GREEN", "When there is much sun and wind.")
    REGULAR = value("REGULAR", "As the charge point would by itself.")


@strawberry.type(description="What the driver of a charge wishes, as the operator took it over.")
class ChargingPreferences:
    profile: ChargingProfile = field(description="How the car is to be charged.")
    departure_at: datetime | None = field(description="When the car leaves; null when that was not told.")
    energy_need_wh: int | None = field(description="What it needs by then, in watt-hours; null when not told.")
    discharge_allowed: bool = field(description="Whether the car may give energy back meanwhile.")
    updated_at: datetime = field(description="When the operator took it over.")


def preferences_from(row: Preference) -> ChargingPreferences:
    """Wishes as the schema shows them."""
    return ChargingPreferences(
        profile=ChargingProfile(row.profile),
        departure_at=row.departure_at,
        energy_need_wh=row.energy_need_wh,
        discharge_allowed=row.discharge_allowed,
        updated_at=row.updated_at,
    )


async def preferences_of(info: Info, session_id: UUID) -> ChargingPreferences | None:
    """The wishes for a charge of the asker's; None when none were taken over."""
    row = await info.context.loaders.preferences_of_sessions.load(session_id)
    return preferences_from(row) if row else None
