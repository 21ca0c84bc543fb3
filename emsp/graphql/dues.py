"""What a driver is to pay, and paying it with the app in hand."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.charging.dues import due
from emsp.charging.dues.pay import pay_due
from emsp.db.engine import reading
from emsp.errors import Invalid
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, resolver, value
from emsp.graphql.money import Money, shown
from emsp.graphql.payments import PaymentMethod, payment_method_of
from emsp.graphql.sessions import ChargingSession, session_of
from emsp.graphql.viewer import Info, sees
from emsp.settings import settings

KEY_MAX = 255


@strawberry.type(description="What a driver is to pay for a charge, because it could not be taken.")
class PaymentDue:
    row: strawberry.Private[due.Due]

    @resolver("The charge that it is for.")
    def session(self) -> ChargingSession:
        return session_of(self.row.session)

    @resolver("How much is to be paid.")
    def amount(self) -> Money:
        return shown(self.row.amount)

    @resolver("Since when it is due.")
    def since(self) -> datetime:
        return self.row.since

    @resolver("Why it could not be taken, in a sentence; null when no card was tried.")
    def reason(self) -> str | None:
        text = self.row.failure
        return text[:1].upper() + text[1:] if text else None

    @resolver("Whether the bank wants the driver to confirm it, which `payDue` lets them do.")
    def needs_confirmation(self) -> bool:
        return self.row.failure_code == "authentication_required"

    @resolver("The card that was tried last; null when none was, or it was removed.")
    async def payment_method(self, info: Info) -> PaymentMethod | None:
        key = self.row.payment_method_id
        row = await info.context.loaders.payment_methods.load(key) if key else None
        return payment_method_of(row) if row and sees(info.context.asker, row) else None

    @resolver("When it is tried again by itself; null when it is not.")
    def next_attempt_at(self) -> datetime | None:
        return self.row.next_attempt_at


async def own_dues(info: Info) -> list[PaymentDue]:
    """What the asker is to pay, the oldest first."""
    async with reading() as db:
        return [PaymentDue(row=row) for row in await due.dues_of(db, info.context.driver.id)]


@strawberry.input(description="What is to be paid, and how.")
class PayDueInput:
    session_id: strawberry.ID = field(description="The charge that is due.")
    payment_method_id: strawberry.ID | None = field(
        default=strawberry.UNSET,
        description="The card that pays; without it the one that was tried last, or the default one.",
    )
    idempotency_key: str = field(
        description="A text of the app's choice, a new one for each attempt; sent twice, one attempt is made."
    )


@strawberry.enum(description="How far a payment is.")
class PayDueStatus(Enum):
    PAID = value("PAID", "It is paid.")
    REQUIRES_ACTION = value(
        "REQUIRES_ACTION", "The bank asks the driver: let the processor's library do it, then call `payDue` again."
    )
    PROCESSING = value("PROCESSING", "The bank has not answered yet; look again in a moment.")


@strawberry.enum(description="Why something that is due was not paid.")
class PayDueErrorCode(Enum):
    NOTHING_DUE = value("NOTHING_DUE", "Nothing is due for this charge, or it is not billed yet.")
    CARD_DECLINED = value("CARD_DECLINED", "The bank refuses the payment; another card may do.")
    PAYMENT_METHOD_MISSING = value("PAYMENT_METHOD_MISSING", "The driver has no saved card; add one first.")
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why something that is due was not paid.")
class PayDueError(UserError):
    reason: PayDueErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="How far a payment of what is due is.")
class PayDuePayload:
    session: ChargingSession | None = field(default=None, description="The charge; null when there are errors.")
    status: PayDueStatus | None = field(default=None, description="How far it is; null when there are errors.")
    client_secret: str | None = field(
        default=None, description="What the processor's library wants where the bank asks the driver; else null."
    )
    publishable_key: str | None = field(
        default=None,
        description="The key that the processor's library wants where the bank asks the driver; else null.",
    )
    errors: list[PayDueError] = field(default_factory=list, description="Why it was not paid.")


@strawberry.type
class DueMutation:
    @mutation(
        PayDuePayload,
        PayDueError,
        PayDueErrorCode,
        "Pay what is due for a charge, from the balance and else with a card; to be called again once the bank asked.",
    )
    async def pay_due(self, info: Info, input: Input[PayDueInput]) -> PayDuePayload:
        driver = info.context.driver
        if not 1 <= len(input.idempotency_key) <= KEY_MAX:
            raise Invalid(f"must have 1 to {KEY_MAX} characters", "idempotencyKey")
        card = input.payment_method_id
        paying = await pay_due(
            driver.id,
            ids.uuid_of(input.session_id, "ChargingSession"),
            payment_method_id=ids.uuid_of(card, "PaymentMethod") if card else None,
            idempotency_key=input.idempotency_key,
        )
        return PayDuePayload(
            session=session_of(paying.session),
            status=PayDueStatus(paying.status),
            client_secret=paying.client_secret,
            publishable_key=settings().stripe_publishable_key if paying.client_secret else None,
        )
