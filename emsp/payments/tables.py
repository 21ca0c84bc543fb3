"""Cards, holds, payments and the ledger, as rows."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from emsp.db.types import UUID, big, big_key, big_ref, datetime, jsonb, moment, stamp, uuid_key, when


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
    increments: int = 0  # how often it was raised
    raise_refused_at: datetime | None = moment()  # since when nobody tries to raise it any more
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Charge(SQLModel, table=True):
    """What no hold covered: a remainder, charged off-session. States: NEW -> CREATED -> PAID | DUE -> PAID; what is
    not owed any more is CANCELED.

    What is DUE is tried again at `next_attempt_at`, until `given_up_at`; the driver may pay it at any time.
    """

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
    failure_code: str | None = None  # the processor's: authentication_required, insufficient_funds …
    attempts: int = 0
    next_attempt_at: datetime | None = moment(index=True)
    given_up_at: datetime | None = moment()
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
    __table_args__ = (
        UniqueConstraint("event", "reference"),
        Index("ledger_transaction_subject", text("split_part(reference, ':', 1)")),
    )

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


class TopUp(SQLModel, table=True):
    """Money that a driver pays in beforehand. States: NEW -> CREATED -> PAID | FAILED | CANCELED."""

    __tablename__ = "top_up"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    payment_method_id: UUID = Field(foreign_key="payment_method.id")
    automatic: bool = False
    state: str = "NEW"
    currency: str
    amount_minor: int = big()
    processor_id: str | None = Field(default=None, unique=True)
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class AutoTopUp(SQLModel, table=True):
    """A driver's wish: whenever the balance falls below `below_minor`, `amount_minor` is paid in by the card."""

    __tablename__ = "auto_top_up"

    driver_id: UUID = Field(foreign_key="driver.id", primary_key=True)
    payment_method_id: UUID = Field(foreign_key="payment_method.id")
    currency: str
    below_minor: int = big()
    amount_minor: int = big()
    paused_at: datetime | None = moment()  # the card said no; the driver is to look
    updated_at: datetime = stamp()


class BalanceReservation(SQLModel, table=True):
    """Balance set apart for one charge. States: RESERVED -> USED | RELEASED."""

    __tablename__ = "balance_reservation"

    reference: str = Field(primary_key=True)
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    state: str = "RESERVED"
    currency: str
    amount_minor: int = big()
    used_minor: int = big()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Voucher(SQLModel, table=True):
    """Credit that a brand gives to whoever enters its code."""

    __tablename__ = "voucher"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    id: UUID = uuid_key()
    brand_id: UUID = Field(foreign_key="brand.id")
    code: str  # folded: upper case, without blanks and hyphens
    currency: str
    amount_minor: int = big()
    uses_max: int | None = None  # null: any number of drivers, each once
    uses: int = 0
    note: str | None = None
    valid_until: datetime | None = moment()
    closed_at: datetime | None = moment()
    created_at: datetime = stamp()


class VoucherRedemption(SQLModel, table=True):
    """A driver used a voucher; once each."""

    __tablename__ = "voucher_redemption"

    voucher_id: UUID = Field(foreign_key="voucher.id", primary_key=True)
    driver_id: UUID = Field(foreign_key="driver.id", primary_key=True)
    created_at: datetime = stamp()


class VoucherTry(SQLModel, table=True):
    """A code that was no voucher's: who tries too many has to wait."""

    __tablename__ = "voucher_try"

    id: int | None = big_key()
    driver_id: UUID = Field(foreign_key="driver.id", index=True)
    created_at: datetime = stamp()


class Mandate(SQLModel, table=True):
    """A payer's leave to take what is invoiced from a bank account (SEPA Direct Debit).

    States: PENDING (the form is open) -> ACTIVE -> REVOKED. `payer` is an account of the ledger, such as fleet:ID.
    """

    __tablename__ = "mandate"

    id: UUID = uuid_key()
    payer: str = Field(index=True)
    state: str = "PENDING"
    customer_id: str  # the processor's, as are the next three
    setup_id: str = Field(unique=True)
    payment_method_id: str | None = None
    reference: str | None = None  # what the payer's bank shows of the mandate
    last4: str | None = None
    holder: str | None = None
    accepted_by: str | None = None  # the person who agreed, by e-mail address
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Debit(SQLModel, table=True):
    """An invoice taken from a bank account. States: NEW -> CREATED -> PROCESSING (for days) -> PAID | FAILED;
    PAID -> RETURNED when the payer's bank takes it back."""

    __tablename__ = "debit"

    id: UUID = uuid_key()
    reference: str = Field(unique=True)
    mandate_id: UUID = Field(foreign_key="mandate.id")
    payer: str = Field(index=True)
    state: str = "NEW"
    currency: str
    amount_minor: int = big()
    processor_id: str | None = Field(default=None, unique=True)
    failure: str | None = None
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class Dispute(SQLModel, table=True):
    """A card's owner disputes a payment at the bank. States as Stripe has them, in upper case."""

    __tablename__ = "dispute"

    id: UUID = uuid_key()
    processor_id: str = Field(unique=True)
    payment_id: str = Field(index=True)  # the processor's id of the payment
    driver_id: UUID | None = Field(default=None, foreign_key="driver.id", index=True)
    state: str
    reason: str
    currency: str
    amount_minor: int = big()
    fee_minor: int = big()
    evidence_due_at: datetime | None = moment()
    evidence: dict[str, Any] | None = jsonb(nullable=True)  # what was handed in
    submitted_at: datetime | None = moment()
    closed_at: datetime | None = moment()
    created_at: datetime = stamp()
    updated_at: datetime = stamp()


class ProcessorMovement(SQLModel, table=True):
    """A movement of our balance at the card processor (a balance transaction), as it lists them."""

    __tablename__ = "processor_movement"

    id: str = Field(primary_key=True)
    kind: str
    source: str | None = Field(default=None, index=True)
    currency: str
    amount_minor: int = big()
    fee_minor: int = big()
    net_minor: int = big()
    created_at: datetime = when()


class Reconciliation(SQLModel, table=True):
    """What a comparison of our books with the card processor's found."""

    __tablename__ = "reconciliation"

    id: int | None = big_key()
    ran_at: datetime = stamp()
    compared: dict[str, Any] = jsonb()  # how many of what
    differences: list[dict[str, Any]] = jsonb()
