"""What drivers do about money in the app: vouchers, top-ups, and what is due."""

from __future__ import annotations

from tests.chaos.app import App
from tests.chaos.plan import Charge
from tests.chaos.stage import VOUCHER
from tests.chaos.wishes import PAY_DUE, REDEEM, TOP_UP

GOOD_CARD = "pm_card_mastercard"
AMOUNT = {"amount": "15.00", "currency": "EUR"}
ATTEMPTS = 4


async def fill_balance(app: App, charge: Charge, *, has_card: bool) -> None:
    """A voucher or a top-up, where the plan has one; the bank may ask, and may say no."""
    if charge.balance == "voucher":
        await app.ask(REDEEM, code=VOUCHER)
    if charge.balance != "top-up" or not has_card:
        return
    wish = {"amount": AMOUNT, "idempotencyKey": f"top up {charge.number}"}
    for _ in range(ATTEMPTS):
        topped_up = (await app.ask(TOP_UP, input=wish))["topUpBalance"]["topUp"]
        if not topped_up or not topped_up["clientSecret"]:
            return
        await app.authenticate(topped_up["clientSecret"])


async def pay_due(app: App, session_id: str, number: int) -> None:
    """What is due, with the card that is there; with another one if the bank says no."""
    wish = {"sessionId": session_id, "idempotencyKey": f"pay {number}"}
    for attempt in range(ATTEMPTS):
        answer = (await app.ask(PAY_DUE, input=wish))["payDue"]
        if answer["clientSecret"]:
            await app.authenticate(answer["clientSecret"])
        elif any(error["code"] == "CARD_DECLINED" for error in answer["errors"]):
            wish |= {"paymentMethodId": await app.add_card(GOOD_CARD), "idempotencyKey": f"pay {number} by {attempt}"}
        else:
            return
