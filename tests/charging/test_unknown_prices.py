"""Wrong totals, wrong tax and tariffs that are not known: what the driver is told, what they pay, what we owe."""

from decimal import Decimal
from typing import Any

import pytest

from emsp.brands.tables import Brand
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.pricing.engine.price import Period
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.quotes.quote import make_quote
from emsp.pricing.tables import Quote, TariffRow
from tests.charging.conftest import END, START, Place
from tests.charging.outside import FakeCards
from tests.charging.saying import books, now, receipt_of, record, run_jobs, say

OTHER_TARIFF = Tariff(
    currency="EUR", elements=(Element(components=(Component(Dimension.ENERGY, Decimal("0.30"), Decimal(21)),)),)
)


async def without_price(place: Place, cards: FakeCards, **facts: Any) -> ChargingSession:
    """A charge at a connector whose tariff was not known when it was asked for."""
    async with transaction() as db:
        quote = await db.get_one(Quote, place.quote.id)
        quote.tariff = quote.wholesale = quote.currency = quote.total_minor = quote.worst_case_minor = None
        quote.missing_reason = "NO_TARIFF_PUBLISHED"
    return await place.held(cards, state="ENDED", **facts)


async def receipt_after(session: ChargingSession) -> Any:
    await run_jobs()
    receipt = await receipt_of(session)
    assert receipt is not None
    return receipt


@pytest.mark.parametrize(
    ("asked", "gross", "owed"),
    [("450.00", None, 450), ("0.00", None, 0), ("4.50", "9.99", 450), ("4.50", "4.50", 450)],
)
async def test_that_a_wrong_total_or_tax_is_claimed_and_never_the_drivers(
    place: Place, cards: FakeCards, asked: str, gross: str | None, owed: int
) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session, net=asked, gross_cost=None if gross is None else Decimal(gross)))
    receipt = await receipt_after(session)
    assert (receipt.net_minor, receipt.total_minor, cards.taken()) == (450, 545, [545])
    reason = "ANOTHER_TAX" if asked == "4.50" else None
    assert (receipt.verification["result"], receipt.verification["reason"]) == ("DIFFERS", reason)
    assert (receipt.verification["asked"], receipt.verification["computed"]) == (asked, "4.50")
    found = await books()
    assert (found.get("cpo", 0), found["revenue"], found["tax"], found["driver"]) == (-owed, -450, -95, 0)


async def test_that_another_currency_than_quoted_is_booked_as_asked_and_cannot_be_checked(
    place: Place, cards: FakeCards
) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session, net="51.30", currency="SEK"))
    receipt = await receipt_after(session)
    assert (receipt.currency, receipt.total_minor, cards.taken()) == ("EUR", 545, [545])
    assert (receipt.verification["result"], receipt.verification["reason"]) == ("NOT_CHECKABLE", "ANOTHER_CURRENCY")


async def test_that_the_tariff_of_a_record_does_not_change_what_was_quoted(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session, net="3.00", tariffs=[OTHER_TARIFF]))
    receipt = await receipt_after(session)
    assert (receipt.total_minor, receipt.verification["result"]) == (545, "DIFFERS")


@pytest.mark.parametrize(
    ("keys", "document", "reason"),
    [
        ([], None, "NO_TARIFF_PUBLISHED"),
        (["nobody-knows"], None, "TARIFF_UNKNOWN"),
        (["t1"], {"currency": "EUR", "elements": []}, "NOT_COMPUTABLE"),
    ],
)
async def test_that_a_driver_is_told_why_there_is_no_price(
    place: Place, keys: list[str], document: dict[str, Any] | None, reason: str
) -> None:
    async with transaction() as db:
        row = await db.get_one(TariffRow, 1)
        row.document = document or row.document
        connector = await db.merge(place.connector)
        connector.tariff_keys = keys
        await db.flush()
        brand = await db.get_one(Brand, place.driver.brand_id)
        assert connector.id is not None
        quote = await make_quote(
            db, brand=brand, driver_id=place.driver.id, connector_id=connector.id, energy_wh=10_000, stay_until=None
        )
    assert (quote.missing_reason, quote.total_minor, quote.worst_case_minor) == (reason, None, None)


async def test_that_without_a_price_the_tariff_in_the_record_decides(place: Place, cards: FakeCards) -> None:
    session = await without_price(place, cards)
    await say(place, record(session, net="99.00", tariffs=[OTHER_TARIFF]))
    receipt = await receipt_after(session)
    assert (receipt.net_minor, receipt.total_minor, cards.taken()) == (300, 363, [363])
    assert (receipt.verification["result"], receipt.verification["computed"]) == ("DIFFERS", "3.00")
    assert (await books())["cpo"] == -300


async def test_that_without_any_tariff_the_driver_pays_what_is_asked(place: Place, cards: FakeCards) -> None:
    session = await without_price(place, cards)
    await say(place, record(session, net="10.00"))
    receipt = await receipt_after(session)
    assert (receipt.net_minor, receipt.total_minor, cards.taken()) == (1000, 1210, [1210])
    assert (receipt.verification["result"], receipt.verification["reason"]) == ("NOT_CHECKABLE", "NO_TARIFF_PUBLISHED")


async def test_that_without_a_price_nobody_pays_more_than_the_most_that_may_be_held_unseen(
    place: Place, cards: FakeCards
) -> None:
    session = await without_price(place, cards)
    await say(place, record(session, net="123.97"))  # 150.00 EUR with 21 % VAT, what a brand holds at most
    receipt = await receipt_after(session)
    assert (Money(receipt.total_minor, "EUR"), sum(cards.taken())) == (Money(15_000, "EUR"), 15_000)


@pytest.mark.parametrize("net", ["123.98", "99999.00"])
async def test_that_more_than_that_is_looked_at_first(place: Place, cards: FakeCards, net: str) -> None:
    session = await without_price(place, cards)
    await say(place, record(session, net=net))
    await run_jobs()
    found = await now(session)
    assert (found.state, cards.taken(), await books()) == ("IN_REVIEW", [], {})
    assert "No price was known before" in (found.state_reason or "")


async def test_that_periods_that_cannot_be_priced_are_looked_at(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session, periods=[Period(END, START, Decimal(10_000))]))
    await run_jobs()
    assert ((await now(session)).state, cards.taken()) == ("IN_REVIEW", [])
