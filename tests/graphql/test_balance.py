"""The balance as an app meets it: paying in, vouchers, what came and went, and cards that come and go."""

from typing import Any, cast

import pytest

from emsp import timetable
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.payments import balance, ports, vouchers
from emsp.payments.tables import Customer
from tests.graphql import rows
from tests.graphql.conftest import Api, Town
from tests.payments.conftest import Cards, eur

TOP_UP = """
mutation ($input: TopUpBalanceInput!) {
  topUpBalance(input: $input) {
    topUp { amount { amount currency } state clientSecret publishableKey }
    balance { total { amount } available { amount } credit { amount } reserved { amount } }
    errors { code message field }
  }
}"""
AUTO = """
mutation ($input: SetAutoTopUpInput!) {
  setAutoTopUp(input: $input) {
    autoTopUp { below { amount } amount { amount } paymentMethod { last4 } pausedAt }
    errors { code field }
  }
}"""
CANCEL = "mutation { cancelAutoTopUp { cancelled { amount { amount } } errors { code } } }"
REDEEM = """
mutation ($code: String!) {
  redeemVoucher(input: {code: $code}) {
    credit { amount currency } balance { total { amount } credit { amount } } errors { code message field }
  }
}"""
MINE = """
query ($first: Int, $after: String) {
  viewer {
    balances { total { amount currency } available { amount } credit { amount } reserved { amount } }
    balanceEntries(first: $first, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { kind text amount { amount } receipt { number } }
    }
    autoTopUp { amount { amount } }
  }
}"""
REMOVE = """
mutation ($id: ID!) {
  removePaymentMethod(input: {paymentMethodId: $id}) { paymentMethods { id } errors { code field } }
}"""
DEFAULT = """
mutation ($id: ID!) {
  setDefaultPaymentMethod(input: {paymentMethodId: $id}) { paymentMethod { id isDefault } errors { code field } }
}"""
ADA, BEN = "ada-token", "ben-token"


@pytest.fixture
async def cards(town: Town) -> Cards:
    fake = Cards()
    ports.plug(cast(ports.Processor, fake))
    timetable.set_up()
    async with transaction() as db:
        await rows.added(db, Customer(driver_id=town.ada.id, processor_id="cus_1"))
    return fake


def wish(amount: str = "20.00", key: str = "key", **more: Any) -> dict[str, Any]:
    return {"amount": {"amount": amount, "currency": "EUR"}, "idempotencyKey": key} | more


async def card_id(api: Api, token: str) -> str:
    [card] = (await api.ask("{ viewer { paymentMethods { id } } }", token))["viewer"]["paymentMethods"]
    return str(card["id"])


async def test_that_a_driver_pays_in_and_sees_what_came_and_went(api: Api, town: Town, cards: Cards) -> None:
    done = (await api.ask(TOP_UP, ADA, input=wish()))["topUpBalance"]
    assert done == {
        "topUp": {
            "amount": {"amount": "20.00", "currency": "EUR"},
            "state": "PAID",
            "clientSecret": None,
            "publishableKey": None,
        },
        "balance": {
            "total": {"amount": "20.00"},
            "available": {"amount": "20.00"},
            "credit": {"amount": "0.00"},
            "reserved": {"amount": "0.00"},
        },
        "errors": [],
    }
    async with transaction() as db:
        await vouchers.add_voucher(db, town.volt, amount=eur(300), code="SUMMER")
    assert (await api.ask(REDEEM, ADA, code="summer"))["redeemVoucher"] == {
        "credit": {"amount": "3.00", "currency": "EUR"},
        "balance": {"total": {"amount": "23.00"}, "credit": {"amount": "3.00"}},
        "errors": [],
    }
    async with transaction() as db:
        receipt = str(town.receipt.id)
        await balance.use(db, reference="charge", receipt=receipt, driver_id=town.ada.id, owed=eur(545))
        await balance.give_back(db, reference=f"{receipt}:1", driver_id=town.ada.id, amount=eur(100))
        await balance.reserve(db, reference="other", driver_id=town.ada.id, up_to=eur(700))

    mine = (await api.ask(MINE, ADA, first=3))["viewer"]

    assert mine["balances"] == [
        {
            "total": {"amount": "18.55", "currency": "EUR"},
            "available": {"amount": "11.55"},
            "credit": {"amount": "0.00"},
            "reserved": {"amount": "7.00"},
        }
    ]
    number = town.receipt.number
    assert mine["balanceEntries"]["nodes"] == [
        {
            "kind": "GIVEN_BACK",
            "text": f"Given back for a charge, receipt {number}",
            "amount": {"amount": "1.00"},
            "receipt": {"number": number},
        },
        {
            "kind": "CHARGE",
            "text": f"Charge, receipt {number}",
            "amount": {"amount": "-5.45"},
            "receipt": {"number": number},
        },
        {"kind": "VOUCHER", "text": "Credit from a voucher", "amount": {"amount": "3.00"}, "receipt": None},
    ]
    page = mine["balanceEntries"]["pageInfo"]
    assert (mine["balanceEntries"]["totalCount"], page["hasNextPage"]) == (4, True)
    rest = (await api.ask(MINE, ADA, first=3, after=page["endCursor"]))["viewer"]["balanceEntries"]
    assert [(one["kind"], one["text"]) for one in rest["nodes"]] == [("TOP_UP", "Paid in by card")]
    assert (await api.ask(MINE, BEN))["viewer"]["balances"] == []
    assert (await api.ask(MINE, BEN))["viewer"]["balanceEntries"]["nodes"] == []


async def test_that_the_app_is_told_when_the_bank_asks_and_sends_the_same_again(
    api: Api, town: Town, cards: Cards
) -> None:
    cards.says = "REQUIRES_ACTION"
    asked = (await api.ask(TOP_UP, ADA, input=wish()))["topUpBalance"]
    assert (asked["topUp"]["state"], asked["topUp"]["clientSecret"], asked["errors"]) == (
        "REQUIRES_ACTION",
        "secret",
        [],
    )
    assert (asked["topUp"]["publishableKey"], asked["balance"]["total"]) == ("pk_test_sandbox", {"amount": "0.00"})

    cards.become(next(iter(cards.intents)), "SUCCEEDED")
    done = (await api.ask(TOP_UP, ADA, input=wish()))["topUpBalance"]

    assert (done["topUp"]["state"], done["topUp"]["clientSecret"]) == ("PAID", None)
    assert done["balance"]["total"] == {"amount": "20.00"}


@pytest.mark.parametrize(
    ("amount", "currency", "code", "field"),
    [
        ("4.99", "EUR", "AMOUNT_TOO_SMALL", ["input", "amount"]),
        ("-20", "EUR", "AMOUNT_TOO_SMALL", ["input", "amount"]),
        ("500.01", "EUR", "AMOUNT_TOO_LARGE", ["input", "amount"]),
        ("20.001", "EUR", "INVALID_INPUT", ["input", "amount", "amount"]),
        ("20.00", "SEK", "CURRENCY_NOT_OFFERED", ["input", "amount", "currency"]),
        ("20.00", "XXX", "INVALID_INPUT", ["input", "amount", "currency"]),
    ],
)
async def test_that_what_cannot_be_paid_in_is_told_by_field(
    api: Api, town: Town, cards: Cards, amount: str, currency: str, code: str, field: list[str]
) -> None:
    wanted = wish() | {"amount": {"amount": amount, "currency": currency}}

    refused = (await api.ask(TOP_UP, ADA, input=wanted))["topUpBalance"]

    assert [(error["code"], error["field"]) for error in refused["errors"]] == [(code, field)]
    assert (refused["topUp"], cards.wishes) == (None, [])


async def test_that_a_decline_and_a_key_used_before_are_told(api: Api, town: Town, cards: Cards) -> None:
    cards.says = "DECLINED"
    declined = (await api.ask(TOP_UP, ADA, input=wish()))["topUpBalance"]
    reused = (await api.ask(TOP_UP, ADA, input=wish("30.00")))["topUpBalance"]
    empty = (await api.ask(TOP_UP, ADA, input=wish(key=" ")))["topUpBalance"]
    without = (await api.ask(TOP_UP, BEN, input=wish()))["topUpBalance"]

    assert declined["errors"] == [
        {
            "code": "CARD_DECLINED",
            "message": "Your card has insufficient funds.",
            "field": ["input", "paymentMethodId"],
        }
    ]
    found = [one["errors"][0] for one in (reused, empty, without)]
    assert [(one["code"], one["field"]) for one in found] == [
        ("INVALID_INPUT", ["input", "idempotencyKey"]),
        ("INVALID_INPUT", ["input", "idempotencyKey"]),
        ("PAYMENT_METHOD_MISSING", ["input", "paymentMethodId"]),
    ]
    assert (await api.ask(MINE, ADA))["viewer"]["balances"] == []


async def test_that_automatic_top_ups_are_set_seen_and_cancelled(api: Api, town: Town, cards: Cards) -> None:
    limits = {name: {"amount": amount, "currency": "EUR"} for name, amount in (("below", "5"), ("amount", "20"))}

    done = (await api.ask(AUTO, ADA, input=limits))["setAutoTopUp"]
    seen = (await api.ask(MINE, ADA))["viewer"]["autoTopUp"]
    card = await card_id(api, ADA)
    in_use = (await api.ask(REMOVE, ADA, id=card))["removePaymentMethod"]
    cancelled, again = [(await api.ask(CANCEL, ADA))["cancelAutoTopUp"] for _ in range(2)]

    assert done["autoTopUp"] == {
        "below": {"amount": "5.00"},
        "amount": {"amount": "20.00"},
        "paymentMethod": {"last4": "4242"},
        "pausedAt": None,
    }
    assert seen == {"amount": {"amount": "20.00"}}
    assert in_use["errors"] == [{"code": "PAYMENT_METHOD_IN_USE", "field": ["input", "paymentMethodId"]}]
    assert cancelled == {"cancelled": {"amount": {"amount": "20.00"}}, "errors": []}
    assert (again["cancelled"], again["errors"]) == (None, [{"code": "NOT_SET"}])
    assert (await api.ask(MINE, ADA))["viewer"]["autoTopUp"] is None


async def test_that_a_voucher_that_is_none_is_told(api: Api, town: Town) -> None:
    refused = (await api.ask(REDEEM, ADA, code="GUESS"))["redeemVoucher"]
    assert refused["errors"] == [
        {"code": "VOUCHER_NOT_FOUND", "message": "There is no such voucher.", "field": ["input", "code"]}
    ]
    assert (refused["credit"], refused["balance"]) == (None, None)


async def test_that_a_card_goes_when_its_charges_are_over_and_only_its_owners(
    api: Api, town: Town, cards: Cards
) -> None:
    card = await card_id(api, ADA)
    async with transaction() as db:
        (await db.get_one(ChargingSession, town.session.id)).payment_method_id = town.card.id
    charging = (await api.ask(REMOVE, ADA, id=card))["removePaymentMethod"]
    strangers = [
        (await api.ask(document, BEN, id=id_))[name]["errors"]
        for document, name in ((REMOVE, "removePaymentMethod"), (DEFAULT, "setDefaultPaymentMethod"))
        for id_ in (card, "bm90aGluZzox")
    ]
    thief = (await api.ask(TOP_UP, BEN, input=wish(paymentMethodId=card)))["topUpBalance"]["errors"]
    async with transaction() as db:
        (await db.get_one(ChargingSession, town.session.id)).state = "SETTLED"

    gone = (await api.ask(REMOVE, ADA, id=card))["removePaymentMethod"]

    missing = {"code": "PAYMENT_METHOD_NOT_FOUND", "field": ["input", "paymentMethodId"]}
    assert charging["errors"] == [{"code": "PAYMENT_METHOD_IN_USE", "field": ["input", "paymentMethodId"]}]
    assert strangers == [[missing]] * 4
    assert [(one["code"], one["field"]) for one in thief] == [tuple(missing.values())]
    assert gone == {"paymentMethods": [], "errors": []}


async def test_that_another_default_card_is_chosen(api: Api, town: Town) -> None:
    async with transaction() as db:
        second = await rows.card(db, town.ada)
        second.is_default = False
    both = (await api.ask("{ viewer { paymentMethods { id } } }", ADA))["viewer"]["paymentMethods"]

    done = (await api.ask(DEFAULT, ADA, id=both[1]["id"]))["setDefaultPaymentMethod"]

    assert done == {"paymentMethod": {"id": both[1]["id"], "isDefault": True}, "errors": []}
    now = (await api.ask("{ viewer { paymentMethods { id } } }", ADA))["viewer"]["paymentMethods"]
    assert now == both[::-1]
