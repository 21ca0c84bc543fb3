"""Tell an operator what the driver of a running charge wishes."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.charging import prefer
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Id, Input, value
from emsp.graphql.preferences import ChargingPreferences, ChargingProfile, preferences_of
from emsp.graphql.sessions import ChargingSession, session_of
from emsp.graphql.vehicles import given
from emsp.graphql.viewer import Info


@strawberry.input(description="What the driver of a running charge wishes.")
class SetChargingPreferencesInput:
    profile: ChargingProfile = field(default=ChargingProfile.REGULAR, description="How the car is to be charged.")
    departure_at: datetime | None = field(default=strawberry.UNSET, description="When the car leaves.")
    energy_need_wh: int | None = field(default=strawberry.UNSET, description="What it needs by then, in watt-hours.")
    discharge_allowed: bool = field(default=False, description="Whether the car may give energy back meanwhile.")


@strawberry.enum(description="Why wishes for a charge were not taken over.")
class SetChargingPreferencesErrorCode(Enum):
    NOT_CHARGING = value("NOT_CHARGING", "The charge does not run.")
    NOT_SUPPORTED = value("NOT_SUPPORTED", "The charge point, or its operator, takes no wishes.")
    UNKNOWN_SESSION = value("UNKNOWN_SESSION", "The operator does not know the charge any more.")
    DEPARTURE_REQUIRED = value("DEPARTURE_REQUIRED", "The charge point needs to know when the car leaves.")
    ENERGY_NEED_REQUIRED = value("ENERGY_NEED_REQUIRED", "The charge point needs to know how much energy is needed.")
    NOT_POSSIBLE = value("NOT_POSSIBLE", "The charge point cannot do that in the time.")
    PROFILE_TYPE_NOT_SUPPORTED = value("PROFILE_TYPE_NOT_SUPPORTED", "The charge point does not charge in that way.")
    REJECTED = value("REJECTED", "The operator did not take them over.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why wishes for a charge were not taken over.")
class SetChargingPreferencesError(UserError):
    reason: SetChargingPreferencesErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of wishes for a charge.")
class SetChargingPreferencesPayload:
    session: ChargingSession | None = field(default=None, description="The charge; null when there are errors.")
    preferences: ChargingPreferences | None = field(
        default=None, description="The wishes as the operator took them over; null when there are errors."
    )
    errors: list[SetChargingPreferencesError] = field(
        default_factory=list, description="Why they were not taken over; those before still stand."
    )


@strawberry.type
class PreferenceMutation:
    @mutation(
        SetChargingPreferencesPayload,
        SetChargingPreferencesError,
        SetChargingPreferencesErrorCode,
        "Tell the operator when the car leaves and what it needs, where the charge point takes that.",
    )
    async def set_charging_preferences(
        self, info: Info, session_id: Id, input: Input[SetChargingPreferencesInput]
    ) -> SetChargingPreferencesPayload:
        session = await prefer.set_preferences(
            info.context.driver.id,
            ids.uuid_of(session_id, "ChargingSession"),
            profile=input.profile.value,
            departure_at=given(input.departure_at),
            energy_need_wh=given(input.energy_need_wh),
            discharge_allowed=input.discharge_allowed,
        )
        info.context.loaders.preferences_of_sessions.clear(session.id)
        preferences = await preferences_of(info, session.id)
        return SetChargingPreferencesPayload(session=session_of(session), preferences=preferences)
