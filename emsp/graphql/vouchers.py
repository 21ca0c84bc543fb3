"""Vouchers, as a driver redeems them."""

from enum import Enum

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.graphql.balance import Balance, balance_of
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.money import Money, shown
from emsp.graphql.viewer import Info
from emsp.payments import balance, vouchers


@strawberry.input(description="A voucher to redeem.")
class RedeemVoucherInput:
    code: str = field(description="Its code; capitals, blanks and hyphens make no difference.")


@strawberry.enum(description="Why a voucher was not redeemed.")
class RedeemVoucherErrorCode(Enum):
    VOUCHER_NOT_FOUND = value("VOUCHER_NOT_FOUND", "There is no such voucher.")
    VOUCHER_USED = value("VOUCHER_USED", "The driver has redeemed it before, or it is used up.")
    VOUCHER_EXPIRED = value("VOUCHER_EXPIRED", "It is not valid any more.")
    TOO_MANY_REQUESTS = value("TOO_MANY_REQUESTS", "Too many wrong codes within an hour; try again later.")


@strawberry.type(description="Why a voucher was not redeemed.")
class RedeemVoucherError(UserError):
    reason: RedeemVoucherErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of redeeming a voucher.")
class RedeemVoucherPayload:
    credit: Money | None = field(default=None, description="What it gave; null when there are errors.")
    balance: Balance | None = field(default=None, description="What is on the balance now; null when there are errors.")
    errors: list[RedeemVoucherError] = field(default_factory=list, description="Why it was not redeemed.")


@strawberry.type
class VoucherMutation:
    @mutation(
        RedeemVoucherPayload,
        RedeemVoucherError,
        RedeemVoucherErrorCode,
        "Turn a voucher into credit on the balance; each driver once.",
    )
    async def redeem_voucher(self, info: Info, input: Input[RedeemVoucherInput]) -> RedeemVoucherPayload:
        driver = info.context.driver
        credit = await vouchers.redeem(driver, input.code)
        async with transaction() as db:
            there_is = await balance.balance_in(db, driver.id, credit.currency)
        return RedeemVoucherPayload(credit=shown(credit), balance=balance_of(there_is))
