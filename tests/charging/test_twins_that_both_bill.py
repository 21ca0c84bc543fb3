"""A charge point that two partners publish: a charge over one of them is that one's to bill, whatever both report."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlmodel import col, func, select, update

from emsp.charging import track
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.payments.tables import LedgerEntry
from emsp.stations.tables import Connector
from emsp.stations.twins.tables import EvseTwin
from tests.charging.cards_and_cars import a_card, a_payment_card, begun, charges, recorded, tapped, the_charge
from tests.charging.conftest import START, Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.saying import now, receipts_of, record, report, run_jobs, say, timeline, unbalanced
from tests.charging.test_ways import CHEAP, hub_publishes_it_too, quoted

AT_HUB: dict[str, Any] = {"party_id": "HUB", "location_id": "H1", "evse_uid": "E1"}
BOTH = "Another partner reports this charge as well; it is billed once."


async def hub_says(hub_id: UUID, *said: SessionReport | Record) -> None:
    async with transaction() as db:
        for each in said:
            if isinstance(each, Record):
                await track.record_received(db, hub_id, each)
            else:
                await track.session_reported(db, hub_id, each)


async def over_hub(place: Place, cards: FakeCards) -> tuple[UUID, ChargingSession]:
    """The hub's partner id, and a charge that was quoted and started over it."""
    hub_id, connector_id = await hub_publishes_it_too(place, CHEAP)
    place.quote = await quoted(place)
    async with transaction() as db:
        place.connector = await db.get_one(Connector, connector_id)
    assert place.quote.connector_id == connector_id
    return hub_id, await place.held(cards, started_at=START)


async def accounts(kind: str) -> dict[str, int]:
    """What stands on each account of a kind, in minor units."""
    account = LedgerEntry.account
    query = select(account, func.sum(LedgerEntry.amount_minor)).where(col(account).startswith(f"{kind}:"))
    async with transaction() as db:
        return {name: int(amount) for name, amount in await db.execute(query.group_by(account))}


async def verdicts(external_id: str) -> list[str | None]:
    """What was found of each content of a record."""
    async with transaction() as db:
        found = await db.scalars(select(ChargeRecord).where(ChargeRecord.external_id == external_id))
        return [(row.verification or {}).get("verdict") for row in found]


@pytest.mark.parametrize("first", ["hub", "operator"])
async def test_that_both_records_of_a_start_by_app_are_one_bill(
    place: Place, network: FakeNetwork, cards: FakeCards, first: str
) -> None:
    hub_id, session = await over_hub(place, cards)
    its = record(session, external_id="HC", net="3.00", **AT_HUB)
    other = record(session, external_id="OC", net="4.50", token_uid=session.token_uid, location_id="L1", evse_uid="E1")
    if first == "operator":
        await say(place, other)
    await hub_says(hub_id, its)
    if first == "hub":
        await say(place, other)
    await run_jobs()
    await say(place, replace(other, net_cost=Decimal("4.60")))
    await run_jobs()

    assert [charge.id for charge in await charges()] == [session.id]
    (receipt,) = await receipts_of(session)
    settled = await now(session)
    assert (settled.state, settled.partner_id, receipt.total_minor) == ("SETTLED", hub_id, 363)
    assert await accounts("cpo") == {"cpo:NL-HUB": -300}, "and nothing to the operator"
    assert await verdicts("HC") == ["AGREES"], "with the hub's tariff"
    assert await verdicts("OC") == [None, None]
    assert (await timeline(session)).count(BOTH) == 1
    assert await unbalanced() == {}


async def test_that_sessions_of_another_partner_change_nothing(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    hub_id, session = await over_hub(place, cards)
    await hub_says(hub_id, report(session, "ACTIVE", minutes=5, **AT_HUB))
    await say(place, report(session, "COMPLETED", minutes=30, external_id="OS"))
    running = await now(session)
    assert (running.state, running.external_id, running.energy_wh) == ("CHARGING", "S1", 500)


async def test_that_a_card_s_charge_that_both_report_is_one_charge(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    await a_card(place)
    await a_payment_card(place)
    start = begun()
    await hub_says(hub_id, tapped(start=start, **AT_HUB))
    await say(place, tapped(start=start, external_id="OS"), tapped("COMPLETED", start=start, external_id="OS"))
    await say(place, recorded(start=start, external_id="OC", session_external_id="OS"))
    await hub_says(hub_id, recorded(start=start, **AT_HUB))
    await run_jobs()
    charge = await the_charge()
    assert (charge.partner_id, charge.external_id, len(await receipts_of(charge))) == (hub_id, "S1", 1)
    assert list(await accounts("cpo")) == ["cpo:NL-HUB"]
    assert (await timeline(charge)).count(BOTH) == 1


async def test_that_a_charge_after_it_over_the_other_partner_is_another_one(place: Place, cards: FakeCards) -> None:
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    await a_card(place)
    start = begun()
    await hub_says(hub_id, tapped("COMPLETED", start=start, ended_at=start + timedelta(minutes=5), **AT_HUB))
    await say(place, tapped(start=start + timedelta(minutes=6), external_id="OS"))
    assert [charge.partner_id for charge in await charges()] == [hub_id, place.partner.id]


async def test_that_what_is_less_sure_to_be_the_same_is_billed_by_both(place: Place, cards: FakeCards) -> None:
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    async with transaction() as db:
        await db.execute(update(EvseTwin).values(confidence_percent=84))
    await a_card(place)
    start = begun()
    await hub_says(hub_id, tapped(start=start, **AT_HUB))
    await say(place, tapped(start=start, external_id="OS"))
    assert len(await charges()) == 2


async def test_that_a_card_shown_while_a_start_over_the_other_partner_waits_is_looked_at_later(
    place: Place, cards: FakeCards
) -> None:
    hub_id, _ = await hub_publishes_it_too(place, CHEAP)
    await a_card(place)
    waiting = await place.session(state="AWAITING_PLUG", started_at=None, created_at=begun())
    with pytest.raises(Invalid, match="a start over another partner waits"):
        await hub_says(hub_id, tapped(**AT_HUB))
    assert [charge.id for charge in await charges()] == [waiting.id]
