"""Cards that pay, and the money held on them."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import field

from emsp.accounts.tables import Driver
from emsp.charging.allowed.paying import is_to_pay
from emsp.db.engine import transaction
from emsp.errors import Declined, Invalid, NotFound, Refused
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, resolver, value
from emsp.graphql.money import Money, shown
from emsp.graphql.node import Node
from emsp.graphql.viewer import Info
from emsp.money import Money as Amount
from emsp.payments import cards, tables
from emsp.settings import settings


@strawberry.type(description="A saved card.")
class PaymentMethod(Node):
    brand_name: str | None = field(description="The card's brand, such as visa.")
    last4: str | None = field(description="The last four digits of its number.")
    expires_at: str | None = field(description="The month of its expiry, as MM/YYYY.")
    is_default: bool = field(description="Whether it pays where no other is named.")


def payment_method_of(row: tables.PaymentMethod) -> PaymentMethod:
    """A saved card as the schema shows it."""
    return PaymentMethod(
        id=ids.encode("PaymentMethod", row.id),
        brand_name=row.brand_name,
        last4=row.last4,
        expires_at=row.expires,
        is_default=row.is_default,
    )


@strawberry.enum(description="Where a hold stands. NEW may become HELD or DECLINED; HELD becomes CAPTURED or RELEASED.")
class HoldState(Enum):
    NEW = value("NEW", "It is being asked for.")
    HELD = value("HELD", "The money is reserved.")
    CAPTURED = value("CAPTURED", "What was due was taken; the rest was given back.")
    RELEASED = value("RELEASED", "All of it was given back.")
    DECLINED = value("DECLINED", "The bank said no; nothing was reserved.")


@strawberry.type(description="Money reserved on a card for one charge.")
class Hold:
    row: strawberry.Private[tables.Hold]

    @resolver("Where it stands.")
    def state(self) -> HoldState:
        return HoldState("NEW" if self.row.state == "CREATED" else self.row.state)

    @resolver("How much was asked to be reserved.")
    def amount(self) -> Money:
        return self._money(self.row.amount_minor)

    @resolver("How much of it was taken.")
    def captured(self) -> Money:
        return self._money(self.row.captured_minor)

    @resolver("How much of it was given back.")
    def released(self) -> Money:
        over = self.row.state in ("CAPTURED", "RELEASED")
        return self._money(self.row.amount_minor - self.row.captured_minor if over else 0)

    @resolver("When the bank gives it back by itself; null when that is not known.")
    def releases_at(self) -> datetime | None:
        return self.row.releases_at

    def _money(self, amount_minor: int) -> Money:
        return shown(Amount(amount_minor, self.row.currency))


@strawberry.enum(description="Where an attempt to save a card stands.")
class CardSetupStatus(Enum):
    REQUIRES_PAYMENT_METHOD = value("REQUIRES_PAYMENT_METHOD", "The app is to ask for the card.")
    REQUIRES_CONFIRMATION = value("REQUIRES_CONFIRMATION", "The app is to confirm it.")
    REQUIRES_ACTION = value("REQUIRES_ACTION", "The bank asks the driver to confirm.")
    PROCESSING = value("PROCESSING", "The bank has not answered yet.")
    SUCCEEDED = value("SUCCEEDED", "The card is saved.")
    CANCELED = value("CANCELED", "It was given up.")


@strawberry.type(description="An attempt to save a card that the app goes on with, by the card processor's library.")
class CardSetup:
    id: strawberry.ID = field(description="The id with which `addPaymentMethod` completes it.")
    client_secret: str = field(description="The secret that the processor's library wants.")
    publishable_key: str = field(description="The key that the processor's library wants.")
    status: CardSetupStatus = field(description="Where it stands.")


@strawberry.input(description="A card to save: neither `cardToken` nor `setupId` begins an attempt for the app's form.")
class AddPaymentMethodInput:
    card_token: str | None = field(
        default=strawberry.UNSET, description="A payment method that the processor's library made; saved at once."
    )
    setup_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="An attempt that the driver confirmed in the app, to be completed."
    )
    idempotency_key: str | None = field(
        default=strawberry.UNSET,
        description="A text of the app's choice; sent twice, one attempt is made. Another card needs another text.",
    )


@strawberry.enum(description="Why a card was not saved.")
class AddPaymentMethodErrorCode(Enum):
    CARD_DECLINED = value("CARD_DECLINED", "The bank refuses the card.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a card was not saved.")
class AddPaymentMethodError(UserError):
    reason: AddPaymentMethodErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of an attempt to save a card.")
class AddPaymentMethodPayload:
    payment_method: PaymentMethod | None = field(default=None, description="The card, once it is saved.")
    setup: CardSetup | None = field(default=None, description="What the app needs to go on; null once it is saved.")
    errors: list[AddPaymentMethodError] = field(default_factory=list, description="Why it was not saved.")


@strawberry.input(description="A card to remove.")
class RemovePaymentMethodInput:
    payment_method_id: strawberry.ID = field(description="Which of the driver's cards.")


@strawberry.enum(description="Why a card was not removed.")
class RemovePaymentMethodErrorCode(Enum):
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")
    PAYMENT_METHOD_IN_USE = value(
        "PAYMENT_METHOD_IN_USE", "An open charge, something due or the automatic top-up is to be paid with it."
    )


@strawberry.type(description="Why a card was not removed.")
class RemovePaymentMethodError(UserError):
    reason: RemovePaymentMethodErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of removing a card.")
class RemovePaymentMethodPayload:
    payment_methods: list[PaymentMethod] | None = field(
        default=None, description="The cards that are left, the default one first; null when there are errors."
    )
    errors: list[RemovePaymentMethodError] = field(default_factory=list, description="Why it was not removed.")


@strawberry.input(description="The card that is to pay where no other is named.")
class SetDefaultPaymentMethodInput:
    payment_method_id: strawberry.ID = field(description="Which of the driver's cards.")


@strawberry.enum(description="Why a card was not made the default.")
class SetDefaultPaymentMethodErrorCode(Enum):
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")


@strawberry.type(description="Why a card was not made the default.")
class SetDefaultPaymentMethodError(UserError):
    reason: SetDefaultPaymentMethodErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of choosing another default card.")
class SetDefaultPaymentMethodPayload:
    payment_method: PaymentMethod | None = field(default=None, description="The card; null when there are errors.")
    errors: list[SetDefaultPaymentMethodError] = field(default_factory=list, description="Why it is not the default.")


@strawberry.type
class PaymentMutation:
    @mutation(
        AddPaymentMethodPayload,
        AddPaymentMethodError,
        AddPaymentMethodErrorCode,
        "Save a card, at once or together with the processor's library in the app.",
    )
    async def add_payment_method(self, info: Info, input: Input[AddPaymentMethodInput]) -> AddPaymentMethodPayload:
        try:
            added = await _add(info.context.driver, input)
        except Declined as declined:
            raise Refused("CARD_DECLINED", declined.message, "setupId" if input.setup_id else "cardToken") from declined
        if added.method:
            return AddPaymentMethodPayload(payment_method=payment_method_of(added.method))
        return AddPaymentMethodPayload(setup=_setup(added))

    @mutation(
        RemovePaymentMethodPayload,
        RemovePaymentMethodError,
        RemovePaymentMethodErrorCode,
        "Forget a card, here and at the card processor; another one becomes the default.",
    )
    async def remove_payment_method(
        self, info: Info, input: Input[RemovePaymentMethodInput]
    ) -> RemovePaymentMethodPayload:
        driver, method_id = info.context.driver, _named(input.payment_method_id)
        async with transaction() as db:
            await cards.remove_card(db, driver.id, method_id)
            if await is_to_pay(db, method_id):
                text = "A charge is to be paid with this card; remove it once that is paid."
                raise Refused(cards.IN_USE, text, "input", "paymentMethodId")
            left = await cards.methods_of(db, driver.id)
        return RemovePaymentMethodPayload(payment_methods=[payment_method_of(row) for row in left])

    @mutation(
        SetDefaultPaymentMethodPayload,
        SetDefaultPaymentMethodError,
        SetDefaultPaymentMethodErrorCode,
        "Let a card pay where no other is named.",
    )
    async def set_default_payment_method(
        self, info: Info, input: Input[SetDefaultPaymentMethodInput]
    ) -> SetDefaultPaymentMethodPayload:
        async with transaction() as db:
            chosen = await cards.set_default(db, info.context.driver.id, _named(input.payment_method_id))
        return SetDefaultPaymentMethodPayload(payment_method=payment_method_of(chosen))


def method_key(unchecked_id: str | None) -> UUID | None:
    """The key of the card that an app names, if it names one. Raises Refused for what is no card's id."""
    return _named(unchecked_id) if unchecked_id else None


def _named(unchecked_id: str) -> UUID:
    try:
        return ids.uuid_of(unchecked_id, "PaymentMethod")
    except NotFound as error:
        text = "There is no such payment method."
        raise Refused("PAYMENT_METHOD_NOT_FOUND", text, "input", "paymentMethodId") from error


async def _add(driver: Driver, given: AddPaymentMethodInput) -> cards.Added:
    if given.card_token and given.setup_id:
        raise Invalid("give a card token or an attempt, not both", "setupId")
    if given.setup_id:
        return await cards.finish_card(driver, ids.uuid_of(given.setup_id, "CardSetup"))
    return await cards.begin_card(
        driver, card_token=given.card_token or None, idempotency_key=given.idempotency_key or None
    )


def _setup(added: cards.Added) -> CardSetup:
    return CardSetup(
        id=ids.encode("CardSetup", added.setup_id),
        client_secret=added.client_secret,
        publishable_key=settings().stripe_publishable_key,
        status=CardSetupStatus(added.status),
    )
