"""The driver's balance: what is on it, what came and went, and how it is filled."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.db.engine import reading
from emsp.graphql.connection import Connection, checked_first, key_of_cursor, page_of
from emsp.graphql.fields import resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, shown
from emsp.graphql.payments import PaymentMethod, payment_method_of
from emsp.graphql.receipts import Receipt, receipt_of
from emsp.graphql.viewer import Info
from emsp.money import Money as Amount
from emsp.payments import balance, tables, wallet
from emsp.payments.wallet_words import entry_text


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
    async with reading() as db:
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
