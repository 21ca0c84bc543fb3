"""Pay in, at once or by itself."""

from enum import Enum

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.errors import Declined, Invalid, Refused
from emsp.graphql.balance import AutoTopUp, Balance, TopUp, TopUpState, balance_of
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.money import shown
from emsp.graphql.payments import method_key
from emsp.graphql.viewer import Info
from emsp.graphql.wanted import MoneyInput
from emsp.money import Money as Amount
from emsp.money import is_known_currency, round_money
from emsp.payments import auto_top_up, balance, top_up
from emsp.settings import settings


@strawberry.input(description="Money to pay in.")
class TopUpBalanceInput:
    amount: MoneyInput = field(description="How much, in the brand's currency.")
    payment_method_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="The card that pays; without it the default one."
    )
    idempotency_key: str = field(
        description="A text of the app's choice, unique to this wish: sent again, it goes on with the same payment."
    )


@strawberry.enum(description="Why nothing was paid in.")
class TopUpBalanceErrorCode(Enum):
    AMOUNT_TOO_SMALL = value("AMOUNT_TOO_SMALL", "The brand takes no amount as small as this.")
    AMOUNT_TOO_LARGE = value("AMOUNT_TOO_LARGE", "The amount, or what the balance would come to, is too large.")
    CURRENCY_NOT_OFFERED = value("CURRENCY_NOT_OFFERED", "The balance is not kept in this currency.")
    PAYMENT_METHOD_MISSING = value("PAYMENT_METHOD_MISSING", "The driver has saved no card.")
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")
    CARD_DECLINED = value("CARD_DECLINED", "The bank said no; nothing was taken. Try again with another key.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why nothing was paid in.")
class TopUpBalanceError(UserError):
    reason: TopUpBalanceErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of paying in.")
class TopUpBalancePayload:
    top_up: TopUp | None = field(default=None, description="The payment as it stands; null when there are errors.")
    balance: Balance | None = field(default=None, description="What is on the balance now; null when there are errors.")
    errors: list[TopUpBalanceError] = field(default_factory=list, description="Why nothing was paid in.")


@strawberry.input(description="When and how to top up by itself.")
class SetAutoTopUpInput:
    below: MoneyInput = field(description="Below what the balance is topped up; at once where it is less already.")
    amount: MoneyInput = field(description="How much is paid in each time; at least `below`.")
    payment_method_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="The card that pays; without it the default one."
    )


@strawberry.enum(description="Why automatic top-ups were not set.")
class SetAutoTopUpErrorCode(Enum):
    AMOUNT_TOO_SMALL = value("AMOUNT_TOO_SMALL", "The amount is less than the brand takes, or than `below`.")
    AMOUNT_TOO_LARGE = value("AMOUNT_TOO_LARGE", "The amount is more than the brand takes at once.")
    CURRENCY_NOT_OFFERED = value("CURRENCY_NOT_OFFERED", "The balance is not kept in this currency.")
    PAYMENT_METHOD_MISSING = value("PAYMENT_METHOD_MISSING", "The driver has saved no card.")
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why automatic top-ups were not set.")
class SetAutoTopUpError(UserError):
    reason: SetAutoTopUpErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of the wish for automatic top-ups.")
class SetAutoTopUpPayload:
    auto_top_up: AutoTopUp | None = field(default=None, description="The wish; null when there are errors.")
    errors: list[SetAutoTopUpError] = field(default_factory=list, description="Why it was not kept.")


@strawberry.enum(description="Why automatic top-ups were not cancelled.")
class CancelAutoTopUpErrorCode(Enum):
    NOT_SET = value("NOT_SET", "There are none.")


@strawberry.type(description="Why automatic top-ups were not cancelled.")
class CancelAutoTopUpError(UserError):
    reason: CancelAutoTopUpErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of cancelling automatic top-ups.")
class CancelAutoTopUpPayload:
    cancelled: AutoTopUp | None = field(default=None, description="What was wished before; null when there are errors.")
    errors: list[CancelAutoTopUpError] = field(default_factory=list, description="Why nothing was cancelled.")


@strawberry.type
class BalanceMutation:
    @mutation(
        TopUpBalancePayload,
        TopUpBalanceError,
        TopUpBalanceErrorCode,
        "Pay in. Where the bank asks the driver, the app goes on with the client secret, then sends the same again.",
    )
    async def top_up_balance(self, info: Info, input: Input[TopUpBalanceInput]) -> TopUpBalancePayload:
        driver = info.context.driver
        if not input.idempotency_key.strip():
            raise Invalid("must not be empty", "idempotency_key")
        try:
            done = await top_up.top_up(
                info.context.asker.brand,
                driver,
                amount=money_in(input.amount, "amount"),
                payment_method_id=method_key(input.payment_method_id),
                idempotency_key=input.idempotency_key,
            )
        except Declined as declined:
            raise Refused("CARD_DECLINED", declined.message, "input", "paymentMethodId") from declined
        async with transaction() as db:
            there_is = await balance.balance_in(db, driver.id, done.top_up.currency)
        return TopUpBalancePayload(top_up=_top_up(done), balance=balance_of(there_is))

    @mutation(
        SetAutoTopUpPayload,
        SetAutoTopUpError,
        SetAutoTopUpErrorCode,
        "Let the card pay in whenever the balance falls below an amount; it takes the place of what was set before.",
    )
    async def set_auto_top_up(self, info: Info, input: Input[SetAutoTopUpInput]) -> SetAutoTopUpPayload:
        async with transaction() as db:
            wish = await auto_top_up.set_auto_top_up(
                db,
                info.context.asker.brand,
                info.context.driver,
                below=money_in(input.below, "below"),
                amount=money_in(input.amount, "amount"),
                payment_method_id=method_key(input.payment_method_id),
            )
        return SetAutoTopUpPayload(auto_top_up=AutoTopUp(row=wish))

    @mutation(
        CancelAutoTopUpPayload,
        CancelAutoTopUpError,
        CancelAutoTopUpErrorCode,
        "Let nothing be paid in by itself any more; what is on its way arrives.",
    )
    async def cancel_auto_top_up(self, info: Info) -> CancelAutoTopUpPayload:
        async with transaction() as db:
            wish = await auto_top_up.cancel_auto_top_up(db, info.context.driver.id)
        return CancelAutoTopUpPayload(cancelled=AutoTopUp(row=wish))


def money_in(given: MoneyInput, name: str) -> Amount:
    """An amount that an app sent in the argument `name`. Raises Refused for one that cannot be paid."""
    if not is_known_currency(given.currency):
        raise Refused("INVALID_INPUT", "This is no currency.", "input", name, "currency")
    amount = round_money(given.amount, given.currency)
    if amount.amount != given.amount:
        raise Refused("INVALID_INPUT", f"This has more decimals than {given.currency}.", "input", name, "amount")
    return amount


def _top_up(done: top_up.ToppedUp) -> TopUp:
    row, secret = done.top_up, done.client_secret
    state = "REQUIRES_ACTION" if secret else "NEW" if row.state == "CREATED" else row.state
    return TopUp(
        amount=shown(Amount(row.amount_minor, row.currency)),
        state=TopUpState(state),
        client_secret=secret,
        publishable_key=settings().stripe_publishable_key if secret else None,
    )
