"""What an operator asks too much: claimed line by line, booked, and closed by an agreement."""

import csv
import io
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlmodel import select

from emsp.charging.records.checking import check_record, seen
from emsp.charging.records.claims import (
    ClaimFile,
    claim_file,
    claims,
    credited,
    open_claim,
    settle_claim,
    withdraw_claim,
)
from emsp.charging.records.record import Asked, Cost, Record
from emsp.charging.records.statement import statement, table
from emsp.charging.tables import ChargeRecord, ChargingSession, Claim
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money
from emsp.partners.agreements import Agreement, OnDifference, agreement_of, set_agreement
from emsp.payments import ledger
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station
from tests.charging.conftest import END, START, Place
from tests.charging.saying import books, record, timeline
from tests.graphql import rows

SELLER = "cpo:NL-ABC"


async def checked_and_booked(place: Place, said: Record, session: ChargingSession, *, times: int = 1) -> UUID:
    """A record that came in, was checked, booked and, where there is something to claim, claimed."""
    async with transaction() as db:
        row = await rows.added(
            db,
            ChargeRecord(
                partner_id=place.partner.id,
                country_code="NL",
                party_id="ABC",
                external_id=said.external_id,
                external_key=said.external_id.casefold(),
                session_id=session.id,
                document=msgspec.to_builtins(said),
                verification=seen(session),
            ),
        )
    for _ in range(times):
        async with transaction() as db:
            row = await db.get_one(ChargeRecord, row.id)
            quote, station = await db.get_one(Quote, session.quote_id), await db.get_one(Station, session.station_id)
            checked = await check_record(db, session, row, quote, station)
            cost = Money(int(said.net_cost * 100), said.currency)
            await ledger.energy_bought(db, reference=str(row.id), seller=SELLER, cost=cost)
            await open_claim(db, session, row, checked)
    return row.id


async def the_claim() -> Claim:
    async with transaction() as db:
        return (await db.execute(select(Claim))).scalar_one()


async def files(place: Place, **options: Any) -> list[ClaimFile]:
    async with transaction() as db:
        return list(await claims(db, partner_id=place.partner.id, **options))


async def overcharged(place: Place, net: str = "6.00", **facts: Any) -> UUID:
    """Ten kilowatt-hours at 0.45 EUR each, for which more is asked; the id of the record."""
    session = await place.session(state="ENDED", energy_wh=10_000, started_at=START, ended_at=END)
    return await checked_and_booked(place, record(session, net=net, **facts), session)


async def test_that_the_difference_is_claimed_once_and_only_the_rest_is_owed(place: Place) -> None:
    session = await place.session(state="ENDED")
    record_id = await checked_and_booked(place, record(session, net="6.00"), session, times=2)

    claim = await the_claim()
    assert (claim.state, claim.reason, claim.record_id) == ("OPEN", "UNEXPLAINED", record_id)
    assert (claim.asked_minor, claim.undisputed_minor, claim.currency) == (600, 450, "EUR")
    assert await books() == {"energy_cost": 450, "cpo": -450}
    told = "The operator asks for 1.50 EUR too much: you do not pay it, we claim it back."
    assert (await timeline(session)).count(told) == 1


@pytest.mark.parametrize("net", ["0.00", "4.00", "4.50", "4.51"])
async def test_that_less_than_is_due_and_what_is_tolerated_are_not_claimed(place: Place, net: str) -> None:
    await overcharged(place, net)
    assert await files(place) == []


async def test_that_tax_alone_is_claimed_without_moving_the_books(place: Place) -> None:
    await overcharged(place, "4.50", gross_cost=Decimal("6.00"))

    claim = await the_claim()
    assert (claim.reason, claim.asked_minor, claim.undisputed_minor) == ("ANOTHER_TAX", 600, 545)
    assert await books() == {"energy_cost": 450, "cpo": -450}
    async with transaction() as db:
        await withdraw_claim(db, claim.id, "agreed")
    assert await books() == {"energy_cost": 450, "cpo": -450}


@pytest.mark.parametrize("on_difference", [OnDifference.ACCEPT, OnDifference.REVIEW])
async def test_that_an_agreement_can_say_otherwise(place: Place, on_difference: OnDifference) -> None:
    async with transaction() as db:
        await set_agreement(db, place.partner.id, Agreement(on_difference=on_difference))
    await overcharged(place)
    assert await files(place) == []
    assert await books() == {"energy_cost": 600, "cpo": -600}


@pytest.mark.parametrize(
    ("agreed", "net", "claimed"),
    [
        (Agreement(tolerance_minor=0), "4.51", True),
        (Agreement(tolerance_minor=10), "4.60", False),
        (Agreement(tolerance_minor=10), "4.61", True),
        (Agreement(tolerance_percent=Decimal(2)), "4.59", False),
        (Agreement(tolerance_percent=Decimal(2)), "4.60", True),
    ],
)
async def test_that_the_tolerance_is_what_was_agreed(place: Place, agreed: Agreement, net: str, claimed: bool) -> None:
    async with transaction() as db:
        await set_agreement(db, place.partner.id, agreed)
        assert await agreement_of(db, place.partner.id) == agreed
    await overcharged(place, net)
    assert bool(await files(place)) == claimed


async def test_that_a_credited_record_takes_its_claim_along(place: Place) -> None:
    record_id = await overcharged(place)
    for _ in range(2):
        async with transaction() as db:
            await credited(db, record_id, "The operator credited it.")
    claim = await the_claim()
    assert (claim.state, claim.note, claim.given_up_minor) == ("CREDITED", "The operator credited it.", 0)
    assert await books() == {"energy_cost": 600, "cpo": -600}  # the credit itself is booked by whoever tells of it
    async with transaction() as db:
        await credited(db, place.driver.id, "no such record")


async def test_that_a_settled_claim_costs_what_was_agreed(place: Place) -> None:
    await overcharged(place)
    claim = await the_claim()
    for amount in ("1.51", "-0.01", "0.001", "NaN"):
        async with transaction() as db:
            with pytest.raises(Invalid, match=r"between 0 and 1\.50 EUR"):
                await settle_claim(db, claim.id, Decimal(amount), "")
    async with transaction() as db:
        await settle_claim(db, claim.id, Decimal("0.50"), "a third")

    claim = await the_claim()
    assert (claim.state, claim.given_up_minor, claim.note) == ("SETTLED", 50, "a third")
    assert await books() == {"energy_cost": 500, "cpo": -500}
    async with transaction() as db:
        with pytest.raises(Refused, match="not open but SETTLED"):
            await settle_claim(db, claim.id, Decimal(0), "")
        with pytest.raises(Refused, match="not open but SETTLED"):
            await withdraw_claim(db, claim.id, "")


@pytest.mark.parametrize("paid", ["0", "0.50", "1.50"])
async def test_that_a_record_that_is_credited_later_leaves_nothing_of_its_claim(place: Place, paid: str) -> None:
    record_id = await overcharged(place)
    claim = await the_claim()
    async with transaction() as db:
        await settle_claim(db, claim.id, Decimal(paid), "")
        await credited(db, record_id, "credited after all")
        await credited(db, record_id, "credited after all")
    assert ((await the_claim()).state, await books()) == ("CREDITED", {"energy_cost": 600, "cpo": -600})


async def test_that_a_withdrawn_claim_is_paid_in_full(place: Place) -> None:
    await overcharged(place)
    async with transaction() as db:
        await withdraw_claim(db, (await the_claim()).id, "our mistake")
    assert (await the_claim()).given_up_minor == 150
    assert await books() == {"energy_cost": 600, "cpo": -600}
    assert await files(place, only_open=True) == []
    assert [file.disputed for file in await files(place)] == [Money(150, "EUR")]


async def test_that_there_is_no_claim_but_a_claim(place: Place) -> None:
    async with transaction() as db:
        with pytest.raises(NotFound):
            await claim_file(db, place.driver.id)
        with pytest.raises(NotFound):
            await withdraw_claim(db, place.driver.id, "")


async def test_that_a_claim_shows_both_sides_and_nothing_of_the_driver(place: Place) -> None:
    await overcharged(place, asked=Asked(energy=Cost(Decimal("6.00"))), session_external_id="S1")
    async with transaction() as db:
        file = await claim_file(db, (await the_claim()).id)

    told = json.loads(json.dumps(statement(file)))
    assert (told["asked"], told["undisputed"], told["disputed"]) == ("6.00", "4.50", "1.50")
    assert (told["record"], told["session"], told["against"]) == ("NL*ABC*C1", "S1", "SNAPSHOT")
    assert [
        (check["what"], check["verdict"], check["asked_net"], check["computed_net"]) for check in told["checks"]
    ] == [
        ("ENERGY", "DIFFERS", "6.00", "4.5"),
        ("TOTAL", "DIFFERS", "6.00", "4.5"),
    ]
    [line] = told["lines"]
    assert (line["what"], line["element"], line["billed"], line["unit_price"]) == ("ENERGY", 1, "10000", "0.45")
    assert (line["net"], line["gross"]) == ("4.5", "5.445")
    assert not {str(place.driver.id), place.driver.email} & set(json.dumps(told).split('"'))

    header, ours, computed, asked = csv.reader(io.StringIO(table(file)))
    assert (header[0], ours[0], ours[-2]) == ("what", "ENERGY", "4.5")
    assert (computed[0], computed[-2:], asked[0], asked[-2:]) == ("computed", ["4.5", "5.445"], "asked", ["6.00", ""])
