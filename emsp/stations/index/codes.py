"""Words as numbers: what the columns hold instead of OCPI's enum words. A word that is not in a book is UNKNOWN."""

from __future__ import annotations

import numpy as np

from emsp.stations import availability

UNKNOWN = 0
"""The code of every word that is not known, and of UNKNOWN itself; a status has a code of its own for it."""

COUNTED = (*availability.STATUSES, "total")
"""What the columns of counts count, in their order."""

STATUS_WORDS = tuple(word for words in availability.STATUSES.values() for word in words)
"""In the order of their codes: words of one group stand together."""
STATUSES = {word: code for code, word in enumerate(STATUS_WORDS)}
STATUS_UNKNOWN = STATUSES["UNKNOWN"]
GROUP_OF_STATUS = np.array(
    [group for group, words in enumerate(availability.STATUSES.values()) for _ in words], dtype=np.uint8
)
"""Which column of counts a status, by its code, is counted in."""

STANDARD_WORDS = (
    "UNKNOWN",
    "IEC_62196_T2",
    "IEC_62196_T2_COMBO",
    "IEC_62196_T1",
    "IEC_62196_T1_COMBO",
    "CHADEMO",
    "CHAOJI",
    "MCS",
    "SAE_J3400",
    "TESLA_R",
    "TESLA_S",
    "IEC_62196_T3A",
    "IEC_62196_T3C",
    "GBT_AC",
    "GBT_DC",
    *(f"DOMESTIC_{letter}" for letter in "ABCDEFGHIJKLMNO"),
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "NEMA_5_20",
    "NEMA_6_30",
    "NEMA_6_50",
    "NEMA_10_30",
    "NEMA_10_50",
    "NEMA_14_30",
    "NEMA_14_50",
    "PANTOGRAPH_BOTTOM_UP",
    "PANTOGRAPH_TOP_DOWN",
)
STANDARDS = {word: code for code, word in enumerate(STANDARD_WORDS)}

POWER_TYPE_WORDS = ("UNKNOWN", "AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC")

FORMAT_WORDS = ("UNKNOWN", "SOCKET", "CABLE")


def _bits(*words: str) -> dict[str, int]:
    return {word: 1 << number for number, word in enumerate(words)}


CAPABILITIES = _bits(
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "RFID_READER",
    "UNLOCK_CAPABLE",
    "CREDIT_CARD_PAYABLE",
    "DEBIT_CARD_PAYABLE",
    "CONTACTLESS_CARD_SUPPORT",
    "CHIP_CARD_SUPPORT",
    "PED_TERMINAL",
    "CHARGING_PROFILE_CAPABLE",
    "CHARGING_PREFERENCES_CAPABLE",
    "START_SESSION_CONNECTOR_REQUIRED",
    "TOKEN_GROUP_CAPABLE",
    "ISO_15118_2_PLUG_AND_CHARGE",
    "ISO_15118_20_PLUG_AND_CHARGE",
)
"""The bit of each capability of an EVSE."""
STATES_NONE = 1 << 62
"""The bit of an EVSE of which no capability at all is stated."""
OTHER = 1 << 63
"""The bit of words that have none of their own."""

CONNECTOR_CAPABILITIES = _bits("ISO_15118_2_PLUG_AND_CHARGE", "ISO_15118_20_PLUG_AND_CHARGE")
"""The bit of each capability of a connector."""

FACILITIES = _bits(
    "HOTEL",
    "RESTAURANT",
    "CAFE",
    "MALL",
    "SUPERMARKET",
    "SPORT",
    "RECREATION_AREA",
    "NATURE",
    "MUSEUM",
    "BIKE_SHARING",
    "BUS_STOP",
    "TAXI_STAND",
    "TRAM_STOP",
    "METRO_STATION",
    "TRAIN_STATION",
    "AIRPORT",
    "PARKING_LOT",
    "CARPOOL_PARKING",
    "FUEL_STATION",
    "WIFI",
)
"""The bit of each facility of a station."""


def mask(book: dict[str, int], words: list[str] | tuple[str, ...]) -> int:
    """The bits of some words; words that the book has not are OTHER."""
    bits = 0
    for word in words:
        bits |= book.get(word, OTHER)
    return bits


def capability_mask(words: list[str] | tuple[str, ...]) -> int:
    """The bits of an EVSE's capabilities; of none at all, STATES_NONE."""
    return mask(CAPABILITIES, words) if words else STATES_NONE
