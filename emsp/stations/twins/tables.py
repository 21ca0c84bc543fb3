"""Which charge points and stations are published more than once."""

from sqlmodel import SQLModel

from emsp.db.types import big_ref, datetime, when


class StationTwin(SQLModel, table=True):
    """A station that is not shown by itself, as another one, its pin, stands for all that it has."""

    __tablename__ = "station_twin"

    station_id: int = big_ref("station.id", primary=True)
    pin_id: int = big_ref("station.id", cascade=True, index=True)
    decided_at: datetime = when()


class EvseTwin(SQLModel, table=True):
    """A charge point that is another one, published once more. `matched_by` is EVSE_ID or PLACE."""

    __tablename__ = "evse_twin"

    evse_id: int = big_ref("evse.id", primary=True)
    pin_evse_id: int = big_ref("evse.id", cascade=True, index=True)
    matched_by: str
    confidence_percent: int
    decided_at: datetime = when()
