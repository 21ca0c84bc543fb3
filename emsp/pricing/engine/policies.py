"""What an agreement with a partner may settle where the specification is silent, or is read otherwise in the field.

Each policy has a default, which is how the engine prices without an agreement, and says why it is that one. How
amounts are rounded is no policy of the engine, which does not round.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class VatOmitted(StrEnum):
    """What a component without VAT means in a tariff whose prices are before or after tax.

    The specification says that no VAT applies then. Most partners that leave it out do bill tax, and 2.1.1 cannot
    say it at all: so UNKNOWN is the default.
    """

    UNKNOWN = "UNKNOWN"
    """The tax is not known: net or gross stays open."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """No tax is due: net and gross are the same."""


class StepSizes(StrEnum):
    """What is rounded up to a `step_size`.

    The default is the text of 2.2.1 and 2.3.0 (chapter CDRs). 2.1.1 only says "minimum amount to be billed", which
    is read in all of these ways.
    """

    LAST_PRICED_STEP = "LAST_PRICED_STEP"
    """Energy once per session, and once whichever of charging and parking time comes last, by the last step."""
    EACH_DIMENSION = "EACH_DIMENSION"
    """Each dimension once per session, by its last step: charging time also where parking follows."""
    EACH_COMPONENT = "EACH_COMPONENT"
    """Each run of a component by itself, by its own step."""
    IGNORED = "IGNORED"
    """Nothing: what was measured is billed."""


class Flats(StrEnum):
    """How often FLAT is charged. It is a price "per session" by the specification: once is the default."""

    ONE_FLAT = "ONE_FLAT"
    """The first FLAT that becomes active is charged once, and one more for a reservation."""
    EVERY_FLAT = "EVERY_FLAT"
    """Each FLAT component is charged once, if it becomes active."""


class Durations(StrEnum):
    """What `min_duration` and `max_duration` count. The specification says: the session, which is the default."""

    OF_SESSION = "OF_SESSION"
    """The time since charging began, parking included; a reservation has its own clock."""
    OF_PARKING = "OF_PARKING"
    """In elements that price PARKING_TIME, the time parked so far: "the first hour of parking is free"."""


class NightWindows(StrEnum):
    """Which day a window over midnight asks for: Friday, 22:00 to 06:00, does it cover Saturday at 03:00?

    The specification is silent. Taking each restriction at its word is the default, as they are joined by AND.
    """

    DAY_OF_THE_MOMENT = "DAY_OF_THE_MOMENT"
    """No: day and date are those of the moment."""
    DAY_OF_THE_START = "DAY_OF_THE_START"
    """Yes: day and date are those on which the window began."""


class Policies(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one partner's tariffs are read."""

    vat_omitted: VatOmitted = VatOmitted.UNKNOWN
    step_sizes: StepSizes = StepSizes.LAST_PRICED_STEP
    flats: Flats = Flats.ONE_FLAT
    durations: Durations = Durations.OF_SESSION
    night_windows: NightWindows = NightWindows.DAY_OF_THE_MOMENT


DEFAULT = Policies()
