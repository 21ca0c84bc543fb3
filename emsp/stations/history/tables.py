"""What was seen of charge points and stations, as rows."""

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, big_key, big_ref, datetime, moment, when


class StatusChange(SQLModel, table=True):
    """A charge point had `status` from `since` until `until`; kept until it has been added to the history."""

    __tablename__ = "status_change"
    __table_args__ = (Index("status_change_of_station", "station_id", "until"),)

    id: int | None = big_key()
    evse_id: int = big_ref("evse.id", cascade=True)
    station_id: int = big()
    status: str
    since: datetime = when()
    until: datetime = when()
    heard_at: datetime = when()  # when we were told of the end


class StationOccupancy(SQLModel, table=True):
    """Seconds that the charge points of a station were in use, and seen, in each of the 168 hours of its local week.

    Hour 0 is Monday 00:00 to 01:00.
    """

    __tablename__ = "station_occupancy"

    station_id: int = big_ref("station.id", primary=True)
    occupied_s: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    observed_s: list[int] = Field(sa_type=ARRAY(BigInteger), nullable=False)
    since: datetime = when()
    updated_at: datetime = when()


class StationReliability(SQLModel, table=True):
    """What became of charges that our drivers asked for at a station since `since`."""

    __tablename__ = "station_reliability"

    station_id: int = big_ref("station.id", primary=True)
    starts: int
    failed_starts: int
    since: datetime = when()
    last_charge_at: datetime | None = moment()
    updated_at: datetime = when()


class EvseDoubt(SQLModel, table=True):
    """The operator says what cannot well be: `reason` is FAILED_STARTS or STUCK; `evidence` tells how often or long."""

    __tablename__ = "evse_doubt"

    evse_id: int = big_ref("evse.id", primary=True)
    reason: str
    evidence: int  # starts that failed one after the other, or seconds without a change when that was decided
    since: datetime = when()
    decided_at: datetime = when()


class EvseInUse(SQLModel, table=True):
    """A charge of one of our drivers runs at the charge point; `said_status` is what the operator last said itself."""

    __tablename__ = "evse_in_use"

    evse_id: int = big_ref("evse.id", primary=True)
    charge_id: UUID  # of a feature above this one
    said_status: str
    said_as_of: datetime = when()
    heard_at: datetime = when()  # the operator's last word of the charge
    since: datetime = when()


class PartyDelay(SQLModel, table=True):
    """How long after a change of status a party usually tells of it."""

    __tablename__ = "party_delay"

    country_code: str = Field(primary_key=True)
    party_id: str = Field(primary_key=True)
    sample: int
    median_s: int
    p95_s: int
    updated_at: datetime = when()
