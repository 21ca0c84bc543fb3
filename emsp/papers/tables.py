"""Documents as rows."""

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, datetime, stamp, uuid_key


class Document(SQLModel, table=True):
    """A document as it was given out: never changed, and the same bytes each time that it is asked for."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: UUID = uuid_key()
    kind: str  # RECEIPT, CREDIT_NOTE, FLEET_INVOICE
    subject: str  # the id of what it is about
    name: str  # of the file
    media_type: str = "application/pdf"
    language: str
    sha256: str
    body: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = stamp()
