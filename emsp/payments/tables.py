"""Cards, holds, payments and the ledger, as rows."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, big_key, big_ref, datetime, moment, stamp, uuid_key


class Customer(SQLModel, table=True):
    """A driver as the card processor knows them."""

    __tablename__ = "customer"

    driver_id: UUID = Field(foreign_key="driver.id", primary_key=True)
    processor_id: str = Field(unique=True)
    created_at: datetime = stamp()


class CardSetup(SQLModel, table=True):
    """An attempt to save a card (a SetupIntent)."""

    __tablename__ = "card_setup"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    processor_id: str = Field(unique=True)
    completed_at: datetime | None = moment()
    created_at: datetime = stamp()


class PaymentMethod(SQLModel, table=True):
    """A saved card."""

    __tablename__ = "payment_method"

    id: UUID = uuid_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    processor_id: str = Field(unique=True)
    brand_name: str | None = None
    last4: str | None = None
    expires: str | None = None  # MM/YYYY
    is_default: bool = False
    removed_at: datetime | None = moment()
    created_at: datetime = stamp()


class Hold(SQLModel, table=True):
    """Money reserved on a card for one purpose, then captured at most once, and released.

    States: NEW -> CREATED (at the processor) -> HELD -> CAPTURED | RELEASED; NEW, CREATED -> DECLINED.
    """

    __tablename__ = "hold"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    payment_method_id: UUID = Field(foreign_key="payment_method.id")
    state: str = "NEW"
    currency: str
    amount_minor: int = big()
    captured_minor: int = big()
    processor_id: str | None = Field(default=None, unique=True)
    releases_at: datetime | None = moment()
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Charge(SQLModel, table=True):
    """What no hold covered: a remainder, charged off-session. States: NEW -> CREATED -> PAID | DUE."""

    __tablename__ = "charge"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    payment_method_id: UUID = Field(foreign_key="payment_method.id")
    state: str = "NEW"
    currency: str
    amount_minor: int = big()
    processor_id: str | None = Field(default=None, unique=True)
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Refund(SQLModel, table=True):
    """Money given back on a payment that was taken. States: NEW -> SENT (at the processor) -> DONE | FAILED."""

    __tablename__ = "refund"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    payment_id: str  # the processor's id of the payment that it gives back
    state: str = "NEW"
    reason: str
    currency: str
    amount_minor: int = big()
    processor_id: str | None = Field(default=None, unique=True)
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class LedgerTransaction(SQLModel, table=True):
    """A business event in the books: written once per (event, reference), never changed."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (UniqueConstraint("event", "reference"),)

    id: int | None = big_key()
    event: str
    reference: str
    created_at: datetime = stamp()


class LedgerEntry(SQLModel, table=True):
    """One line of a transaction: debits are positive, credits negative, in minor units."""

    __tablename__ = "ledger_entry"

    id: int | None = big_key()
    transaction_id: int = big_ref("ledger_transaction.id", index=True)
    account: str = Field(index=True)
    currency: str
    amount_minor: int = big()


class ProcessorEvent(SQLModel, table=True):
    """A webhook of the card processor, kept as received before it is understood."""

    __tablename__ = "processor_event"

    id: str = Field(primary_key=True)
    kind: str
    body: str
    received_at: datetime = stamp()
    handled_at: datetime | None = moment()
