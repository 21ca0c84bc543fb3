"""Who is the buyer on a driver's receipts, and where the receipts are, as an app asks for it."""

import httpx
from starlette.applications import Starlette

from emsp.accounts.tables import Driver
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.web import downloads
from tests.graphql.conftest import Api, Town
from tests.papers.reading import text_of

SET = """mutation ($input: SetBillingDetailsInput!) { setBillingDetails(input: $input) {
  billingDetails { name company street postalCode city country vatId } errors { code field message }
} }"""
MINE = "{ viewer { billingDetails { name company vatId country } } }"
RECEIPT = "query ($id: ID!) { node(id: $id) { ... on Receipt { number reason pdfUrl } } }"
ACME = {"company": " ACME ", "street": "Rue 1", "postalCode": "1000", "city": "Bruxelles", "country": "be"}


async def test_that_a_driver_says_who_the_buyer_is(api: Api, town: Town) -> None:
    assert (await api.ask(MINE, "ada-token"))["viewer"] == {"billingDetails": None}

    answer = (await api.ask(SET, "ada-token", input=ACME | {"vatId": "be 0123.456.789"}))["setBillingDetails"]
    assert (answer["errors"], answer["billingDetails"]["company"]) == ([], "ACME")
    assert (await api.ask(MINE, "ada-token"))["viewer"]["billingDetails"] == {
        "name": None,
        "company": "ACME",
        "vatId": "BE0123456789",
        "country": "BE",
    }
    assert (await api.ask(MINE, "ben-token"))["viewer"] == {"billingDetails": None}

    await api.ask(SET, "ada-token", input={"name": "Ada"})
    assert (await api.ask(MINE, "ada-token"))["viewer"]["billingDetails"]["company"] is None
    await api.ask(SET, "ada-token", input={})
    assert (await api.ask(MINE, "ada-token"))["viewer"] == {"billingDetails": None}


async def test_that_what_makes_no_sense_is_named(api: Api, town: Town) -> None:
    for wrong, field in (
        ({"country": "Belgium"}, "country"),
        ({"company": "ACME", "vatId": "BE12"}, "vatId"),
        ({"vatId": "BE0123456789"}, "company"),
        ({"name": "a\nb"}, "name"),
        ({"street": "x" * 121}, "street"),
    ):
        answer = (await api.ask(SET, "ada-token", input=wrong))["setBillingDetails"]
        [error] = answer["errors"]
        assert (error["code"], error["field"], answer["billingDetails"]) == ("INVALID_INPUT", ["input", field], None)
    assert (await api.wrong(SET, None, input={"name": "x"}))["extensions"]["code"] == "UNAUTHENTICATED"


async def test_that_a_receipt_is_downloaded_by_its_driver(api: Api, town: Town) -> None:
    receipt = ids.encode("Receipt", town.receipt.id)
    assert (await api.ask(RECEIPT, "ada-token", id=receipt))["node"]["pdfUrl"] is None, "nothing is decided yet"
    async with transaction() as db:
        row = await db.get_one(ChargingSession, town.session.id)
        row.state = "SETTLED"
        (await db.get_one(Driver, town.ada.id)).language = "nl"
        (await db.get_one(Receipt, town.receipt.id)).record_id = None

    found = (await api.ask(RECEIPT, "ada-token", id=receipt))["node"]
    assert found["reason"] is None
    assert (await api.ask(RECEIPT, "ben-token", id=receipt))["node"] is None
    assert (await api.post(RECEIPT, None, id=receipt)).json()["data"]["node"] is None
    path = httpx.URL(found["pdfUrl"]).raw_path.decode()
    again = httpx.URL((await api.ask(RECEIPT, "ada-token", id=receipt))["node"]["pdfUrl"]).raw_path.decode()
    transport = httpx.ASGITransport(Starlette(routes=downloads.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        first, second = await http.get(path), await http.get(again)
    assert first.content == second.content
    assert f"Factuur {found['number']}" in text_of(first.content)
