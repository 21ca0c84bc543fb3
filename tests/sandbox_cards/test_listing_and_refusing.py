"""Lists turn their pages, and requests that make no sense are told why."""

import pytest
import stripe

SECRET = {"Authorization": "Bearer sk_test_sandbox"}


async def test_pages_go_from_the_newest_to_the_oldest(cards):
    for name in "abcde":
        await cards.v1.customers.create_async({"name": name})
    first = await cards.v1.customers.list_async({"limit": 2})
    assert ([c.name for c in first.data], first.has_more) == (["e", "d"], True)
    everyone = [customer.name async for customer in first.auto_paging_iter()]
    assert everyone == ["e", "d", "c", "b", "a"]
    before = await cards.v1.customers.list_async({"limit": 2, "ending_before": first.data[1].id})
    assert ([c.name for c in before.data], before.has_more) == (["e"], False)


async def test_list_is_filtered_by_customer_and_expanded(cards):
    mine, other = await cards.hold(1000), await cards.hold(2000)
    page = await cards.v1.payment_intents.list_async(
        {"customer": mine.customer, "expand": ["data.latest_charge", "data.customer"]}
    )
    assert [(i.id, i.latest_charge.amount, i.customer.id) for i in page.data] == [(mine.id, 1000, mine.customer)]
    assert other.id not in [intent.id for intent in page.data]


async def test_list_is_filtered_by_time(start):
    now = [1_800_000_000.0]
    cards = await start(clock=lambda: now[0])
    await cards.v1.customers.create_async({"name": "before"})
    now[0] += 10
    await cards.v1.customers.create_async({"name": "after"})
    page = await cards.v1.customers.list_async({"created": {"gte": 1_800_000_010}})
    assert [customer.name for customer in page.data] == ["after"]


async def test_keys_are_checked(cards):
    missing = await cards.http.get("/v1/customers")
    wrong = await cards.http.get("/v1/customers", headers={"Authorization": "Bearer sk_live_x"})
    basic = await cards.http.get("/v1/customers", auth=("sk_test_sandbox", ""))
    assert (missing.status_code, wrong.status_code, basic.status_code) == (401, 401, 200)
    assert wrong.headers["request-id"].startswith("req_")


async def test_unknown_id_is_named(cards):
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await cards.v1.payment_intents.retrieve_async("pi_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert "No such payment_intent: 'pi_none'" in str(missing.value)


@pytest.mark.parametrize(
    ("sent", "code", "param"),
    [
        ({"currency": "eur"}, "parameter_missing", "amount"),
        ({"amount": "12.5", "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"amount": "9" * 20, "currency": "eur"}, "parameter_invalid_integer", "amount"),
        ({"amount": "100000000", "currency": "eur"}, "amount_too_large", "amount"),
        ({"amount": "100", "currency": "eur", "tip": "1"}, "parameter_unknown", "tip"),
        ({"amount": "100", "currency": "eur", "confirm": "maybe"}, "parameter_invalid_enum", "confirm"),
        ({"amount": "100", "currency": "eur", "customer": "cus_no"}, "resource_missing", "customer"),
        ({"amount": "100", "currency": "eur", "metadata": "x"}, "parameter_invalid_hash", "metadata"),
    ],
)
async def test_bad_parameter_is_named(cards, sent, code, param):
    answer = await cards.http.post("/v1/payment_intents", data=sent, headers=SECRET)
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert (await cards.books())["payment_intents"] == []


async def test_property_that_cannot_be_expanded(cards):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await cards.hold(5000, expand=["latest_invoice"])
    assert (await cards.books())["charges"] == []


async def test_unknown_route(cards):
    answer = await cards.http.get("/v1/subscriptions", headers=SECRET)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Unrecognized request URL (GET: /v1/subscriptions)."
