"""The words that stations are described in. What partners send and we do not know is UNKNOWN."""

from enum import Enum
from typing import Any

import strawberry

from emsp.graphql.fields import value


class _PartnerWord(Enum):
    """A word that partners choose: those that we do not know become UNKNOWN."""

    @classmethod
    def _missing_(cls, _: object) -> Any:
        return cls["UNKNOWN"]


@strawberry.enum(description="Whether a charge point can be used, in a driver's words.")
class EvseStatus(_PartnerWord):
    AVAILABLE = value("AVAILABLE", "Free: a charge can be started.")
    OCCUPIED = value("OCCUPIED", "In use, or blocked by something that stands there.")
    RESERVED = value("RESERVED", "Kept for somebody who reserved it.")
    OUT_OF_SERVICE = value("OUT_OF_SERVICE", "It cannot be used: broken, switched off or not open yet.")
    UNKNOWN = value("UNKNOWN", "The operator does not say, which is not the same as free.")


@strawberry.enum(description="How old what we know of availability is.")
class Freshness(_PartnerWord):
    LIVE = value("LIVE", "Heard a moment ago, or lately of an operator that tells of changes at once.")
    RECENT = value("RECENT", "Heard lately, though not just now.")
    STALE = value("STALE", "Heard long ago; it may well have changed since.")
    UNKNOWN = value("UNKNOWN", "Nothing was ever heard.")


@strawberry.enum(description="The kind of plug or socket.")
class ConnectorStandard(_PartnerWord):
    IEC_62196_T2 = value("IEC_62196_T2", "Type 2, the European plug for alternating current.")
    IEC_62196_T2_COMBO = value("IEC_62196_T2_COMBO", "CCS 2, the European plug for fast charging.")
    IEC_62196_T1 = value("IEC_62196_T1", "Type 1 (J1772), for alternating current.")
    IEC_62196_T1_COMBO = value("IEC_62196_T1_COMBO", "CCS 1, the North American plug for fast charging.")
    CHADEMO = value("CHADEMO", "CHAdeMO, for fast charging.")
    CHAOJI = value("CHAOJI", "ChaoJi, the successor of CHAdeMO and GB/T for fast charging.")
    MCS = value("MCS", "Megawatt Charging System, for lorries.")
    SAE_J3400 = value("SAE_J3400", "North American Charging Standard (NACS).")
    TESLA_R = value("TESLA_R", "Tesla's round plug of the Roadster.")
    TESLA_S = value("TESLA_S", "Tesla's own plug of the Model S and later.")
    IEC_62196_T3A = value("IEC_62196_T3A", "Type 3A, for light vehicles.")
    IEC_62196_T3C = value("IEC_62196_T3C", "Type 3C, for alternating current.")
    GBT_AC = value("GBT_AC", "GB/T for alternating current.")
    GBT_DC = value("GBT_DC", "GB/T for fast charging.")
    DOMESTIC_A = value("DOMESTIC_A", "Household socket type A (NEMA 1-15).")
    DOMESTIC_B = value("DOMESTIC_B", "Household socket type B (NEMA 5-15).")
    DOMESTIC_C = value("DOMESTIC_C", "Household socket type C (Europlug).")
    DOMESTIC_D = value("DOMESTIC_D", "Household socket type D (3 pin).")
    DOMESTIC_E = value("DOMESTIC_E", "Household socket type E (French).")
    DOMESTIC_F = value("DOMESTIC_F", "Household socket type F (Schuko).")
    DOMESTIC_G = value("DOMESTIC_G", "Household socket type G (British).")
    DOMESTIC_H = value("DOMESTIC_H", "Household socket type H (Israeli).")
    DOMESTIC_I = value("DOMESTIC_I", "Household socket type I (Australian, Chinese).")
    DOMESTIC_J = value("DOMESTIC_J", "Household socket type J (Swiss).")
    DOMESTIC_K = value("DOMESTIC_K", "Household socket type K (Danish).")
    DOMESTIC_L = value("DOMESTIC_L", "Household socket type L (Italian).")
    DOMESTIC_M = value("DOMESTIC_M", "Household socket type M (South African).")
    DOMESTIC_N = value("DOMESTIC_N", "Household socket type N (Brazilian).")
    DOMESTIC_O = value("DOMESTIC_O", "Household socket type O (Thai).")
    IEC_60309_2_SINGLE_16 = value("IEC_60309_2_single_16", "Industrial socket, one phase, 16 A.")
    IEC_60309_2_THREE_16 = value("IEC_60309_2_three_16", "Industrial socket, three phases, 16 A.")
    IEC_60309_2_THREE_32 = value("IEC_60309_2_three_32", "Industrial socket, three phases, 32 A.")
    IEC_60309_2_THREE_64 = value("IEC_60309_2_three_64", "Industrial socket, three phases, 64 A.")
    NEMA_5_20 = value("NEMA_5_20", "NEMA 5-20 socket.")
    NEMA_6_30 = value("NEMA_6_30", "NEMA 6-30 socket.")
    NEMA_6_50 = value("NEMA_6_50", "NEMA 6-50 socket.")
    NEMA_10_30 = value("NEMA_10_30", "NEMA 10-30 socket.")
    NEMA_10_50 = value("NEMA_10_50", "NEMA 10-50 socket.")
    NEMA_14_30 = value("NEMA_14_30", "NEMA 14-30 socket.")
    NEMA_14_50 = value("NEMA_14_50", "NEMA 14-50 socket.")
    PANTOGRAPH_BOTTOM_UP = value("PANTOGRAPH_BOTTOM_UP", "Pantograph on the roof of a bus.")
    PANTOGRAPH_TOP_DOWN = value("PANTOGRAPH_TOP_DOWN", "Pantograph coming down from a mast.")
    UNKNOWN = value("UNKNOWN", "Another kind, or one that the operator does not name.")


@strawberry.enum(description="Whether one needs a cable of one's own.")
class ConnectorFormat(_PartnerWord):
    SOCKET = value("SOCKET", "A socket: bring a cable.")
    CABLE = value("CABLE", "A cable is attached.")
    UNKNOWN = value("UNKNOWN", "The operator does not say.")


@strawberry.enum(description="The kind of current.")
class PowerType(_PartnerWord):
    AC_1_PHASE = value("AC_1_PHASE", "Alternating current, one phase.")
    AC_2_PHASE = value("AC_2_PHASE", "Alternating current, two phases.")
    AC_2_PHASE_SPLIT = value("AC_2_PHASE_SPLIT", "Alternating current, two phases of a split-phase supply.")
    AC_3_PHASE = value("AC_3_PHASE", "Alternating current, three phases.")
    DC = value("DC", "Direct current.")
    UNKNOWN = value("UNKNOWN", "The operator does not say.")


@strawberry.enum(description="What a charge point can do.")
class EvseCapability(_PartnerWord):
    REMOTE_START_STOP_CAPABLE = value("REMOTE_START_STOP_CAPABLE", "Can be started and stopped by app.")
    RESERVABLE = value("RESERVABLE", "Can be reserved.")
    RFID_READER = value("RFID_READER", "Reads charging cards.")
    UNLOCK_CAPABLE = value("UNLOCK_CAPABLE", "Can unlock the plug from afar.")
    CREDIT_CARD_PAYABLE = value("CREDIT_CARD_PAYABLE", "Takes credit cards.")
    DEBIT_CARD_PAYABLE = value("DEBIT_CARD_PAYABLE", "Takes debit cards.")
    CONTACTLESS_CARD_SUPPORT = value("CONTACTLESS_CARD_SUPPORT", "Takes contactless payment cards.")
    CHIP_CARD_SUPPORT = value("CHIP_CARD_SUPPORT", "Takes payment cards with a chip.")
    PED_TERMINAL = value("PED_TERMINAL", "Has a payment terminal with a keypad.")
    CHARGING_PROFILE_CAPABLE = value("CHARGING_PROFILE_CAPABLE", "Can follow a charging profile.")
    CHARGING_PREFERENCES_CAPABLE = value("CHARGING_PREFERENCES_CAPABLE", "Takes a driver's preferences.")
    START_SESSION_CONNECTOR_REQUIRED = value(
        "START_SESSION_CONNECTOR_REQUIRED", "Must be told which connector to start."
    )
    TOKEN_GROUP_CAPABLE = value("TOKEN_GROUP_CAPABLE", "Lets one card stop what another of its group began.")
    UNKNOWN = value("UNKNOWN", "Something that has no word here yet.")


@strawberry.enum(description="What is found at or near a station.")
class Facility(_PartnerWord):
    HOTEL = value("HOTEL", "A hotel.")
    RESTAURANT = value("RESTAURANT", "A restaurant.")
    CAFE = value("CAFE", "A café.")
    MALL = value("MALL", "A shopping centre.")
    SUPERMARKET = value("SUPERMARKET", "A supermarket.")
    SPORT = value("SPORT", "Sports facilities.")
    RECREATION_AREA = value("RECREATION_AREA", "A recreation area.")
    NATURE = value("NATURE", "Nature: a park or a forest.")
    MUSEUM = value("MUSEUM", "A museum.")
    BIKE_SHARING = value("BIKE_SHARING", "Bicycles to share.")
    BUS_STOP = value("BUS_STOP", "A bus stop.")
    TAXI_STAND = value("TAXI_STAND", "A taxi rank.")
    TRAM_STOP = value("TRAM_STOP", "A tram stop.")
    METRO_STATION = value("METRO_STATION", "A metro station.")
    TRAIN_STATION = value("TRAIN_STATION", "A railway station.")
    AIRPORT = value("AIRPORT", "An airport.")
    PARKING_LOT = value("PARKING_LOT", "A car park.")
    CARPOOL_PARKING = value("CARPOOL_PARKING", "Parking for car pools.")
    FUEL_STATION = value("FUEL_STATION", "A fuel station.")
    WIFI = value("WIFI", "Wi-Fi.")
    UNKNOWN = value("UNKNOWN", "Something that has no word here yet.")


@strawberry.enum(description="A day of the week.")
class Weekday(Enum):
    MONDAY = value("MONDAY", "Monday.")
    TUESDAY = value("TUESDAY", "Tuesday.")
    WEDNESDAY = value("WEDNESDAY", "Wednesday.")
    THURSDAY = value("THURSDAY", "Thursday.")
    FRIDAY = value("FRIDAY", "Friday.")
    SATURDAY = value("SATURDAY", "Saturday.")
    SUNDAY = value("SUNDAY", "Sunday.")
