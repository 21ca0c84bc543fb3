"""The driver's balance: what is on it, what came and went, and paying in."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.errors import Declined, Invalid, Refused
from emsp.graphql.connection import Connection, checked_first, key_of_cursor, page_of
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, shown
from emsp.graphql.payments import PaymentMethod, method_key, payment_method_of
from emsp.graphql.receipts import Receipt, receipt_of
from emsp.graphql.viewer import Info
from emsp.graphql.wanted import MoneyInput
from emsp.money import Money as Amount
from emsp.money import is_known_currency, round_money
from emsp.payments import auto_top_up, balance, tables, top_up, wallet
from emsp.payments.wallet_words import entry_text
from emsp.settings import settings


@strawberry.type(description="What a driver has with the brand in one currency; it pays for charges before any card.")
class Balance:
    total: Money = field(description="All that there is, money paid in and credit together.")
    available: Money = field(description="What may be used: the total without what is set apart.")
    credit: Money = field(description="The part that vouchers gave; it pays for charges and is never paid out.")
    reserved: Money = field(description="What is set apart for open charges.")


def balance_of(row: balance.Balance) -> Balance:
    """A balance as the schema shows it."""
    amounts = {"total": row.total, "available": row.available, "credit": row.credit, "reserved": row.reserved}
    return Balance(**{name: shown(amount) for name, amount in amounts.items()})


@strawberry.enum(description="What moved a balance.")
class BalanceEntryKind(Enum):
    TOP_UP = value("top_up_received", "The driver paid in.")
    VOUCHER = value("voucher_redeemed", "A voucher gave credit.")
    CHARGE = value("balance_used", "A charge was paid with it.")
    GIVEN_BACK = value("balance_given_back", "What was paid too much for a charge came back.")
    PAID_BACK = value("balance_paid_back", "Unused money went back to the driver's card.")
    PAY_BACK_RETURNED = value("balance_pay_back_returned", "The bank returned what was paid back.")
    OTHER = value("other", "Something else.")


KINDS = {kind.value: kind for kind in BalanceEntryKind}


@strawberry.type(description="What came onto a balance or went off it.")
class BalanceEntry:
    row: strawberry.Private[wallet.Entry]

    @resolver("What it was.")
    def kind(self) -> BalanceEntryKind:
        return KINDS.get(self.row.event, BalanceEntryKind.OTHER)

    @resolver("What it was, in words.")
    async def text(self, info: Info) -> str:
        receipt = await self.receipt(info)
        event = f"{self.row.event}_automatically" if self.row.is_automatic else self.row.event
        return entry_text(event, info.context.asker.language, receipt=receipt.row.number if receipt else "")

    @resolver("How much came; negative when it went.")
    def amount(self) -> Money:
        return shown(self.row.amount)

    @resolver("When.")
    def at(self) -> datetime:
        return self.row.created_at

    @resolver("The receipt that was paid, or the correction that gave something back; null for all else.")
    async def receipt(self, info: Info) -> Receipt | None:
        receipt_id = self.row.receipt_id
        return receipt_of(await the(info.context.loaders.receipts, receipt_id)) if receipt_id else None


async def entries_page(info: Info, first: int | None, after: str | None) -> Connection[BalanceEntry]:
    """What came onto the asker's balance and went off it."""
    wanted, key = checked_first(first), key_of_cursor(after or None)
    async with transaction() as db:
        page = await wallet.entries(db, info.context.driver.id, first=wanted, after=key)
    return page_of(page, lambda row: BalanceEntry(row=row), after or None)


@strawberry.enum(description="Where a top-up stands.")
class TopUpState(Enum):
    NEW = value("NEW", "It is under way.")
    REQUIRES_ACTION = value("REQUIRES_ACTION", "The bank asks the driver to confirm; see `clientSecret`.")
    PAID = value("PAID", "The money is on the balance.")
    FAILED = value("FAILED", "The bank said no; nothing was taken.")
    CANCELED = value("CANCELED", "It was never completed and was given up; nothing was taken.")


@strawberry.type(description="Money that a driver pays in beforehand.")
class TopUp:
    amount: Money = field(description="How much.")
    state: TopUpState = field(description="Where it stands.")
    client_secret: str | None = field(
        description="What the card processor's library wants for asking the driver; null when nothing is to be asked."
    )
    publishable_key: str | None = field(description="The key that the library wants with it.")


@strawberry.type(description="The wish to have a balance topped up by itself.")
class AutoTopUp:
    row: strawberry.Private[tables.AutoTopUp]

    @resolver("Below what the balance is topped up.")
    def below(self) -> Money:
        return shown(Amount(self.row.below_minor, self.row.currency))

    @resolver("How much is paid in each time.")
    def amount(self) -> Money:
        return shown(Amount(self.row.amount_minor, self.row.currency))

    @resolver("The card that pays.")
    async def payment_method(self, info: Info) -> PaymentMethod:
        return payment_method_of(await the(info.context.loaders.payment_methods, self.row.payment_method_id))

    @resolver("Since when it is paused because the card said no; null while it works. Setting it again ends the pause.")
    def paused_at(self) -> datetime | None:
        return self.row.paused_at


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
