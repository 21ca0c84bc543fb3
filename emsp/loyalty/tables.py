"""Points, as rows."""

from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, datetime, stamp, uuid_key


class PointsEntry(SQLModel, table=True):
    """Points given or taken, with the reason; `reference` makes each one happen once."""

    __tablename__ = "points_entry"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    points: int
    reason: str
    reference: str = Field(unique=True)
    created_at: datetime = stamp()
