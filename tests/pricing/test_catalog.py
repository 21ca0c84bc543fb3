"""Tariffs are kept as they change, and every connector has one or a reason why not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from emsp.db.engine import engine, transaction
from emsp.partners.tables import Partner
from emsp.pricing.catalog import Missing, put_tariffs, tariffs_of_connectors, withdraw_tariff
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.facts import TariffFacts
from emsp.pricing.tables import TariffRow
from emsp.stations.changes import Counts, put_stations
from emsp.stations.facts import ConnectorFacts, EvseFacts, StationFacts
from emsp.stations.tables import Connector

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def tariff(
    external_id: str = "T1", price: str = "0.49", minutes: int = 0, party_id: str = "ABC", **more: Any
) -> TariffFacts:
    """So much per kWh."""
    element = Element(components=(Component(Dimension.ENERGY, Decimal(price)),))
    return TariffFacts(
        country_code="NL",
        party_id=party_id,
        external_id=external_id,
        tariff=Tariff(currency="EUR", elements=(element,), **more),
        alt_text={"en": f"{price} per kWh"},
        updated_at=NOON + timedelta(minutes=minutes),
    )


async def partner(name: str = "A partner") -> UUID:
    async with transaction() as db:
        row = Partner(name=name)
        db.add(row)
    return row.id


async def put(partner_id: UUID, *tariffs: TariffFacts) -> Counts:
    async with transaction() as db:
        return await put_tariffs(db, partner_id, tariffs)


async def stored() -> list[TariffRow]:
    async with transaction() as db:
        return list(await db.scalars(select(TariffRow).order_by(TariffRow.external_id)))  # type: ignore[arg-type]


async def connect(partner_id: UUID, *tariff_ids: str, number: int = 1) -> int:
    """A connector of NL-ABC that names these tariffs; gives its id."""
    cable = ConnectorFacts(
        external_id=str(number),
        standard="IEC_62196_T2",
        format="CABLE",
        power_type="AC_3_PHASE",
        tariff_ids=list(tariff_ids),
        updated_at=NOON,
    )
    evse = EvseFacts(uid="E", status="AVAILABLE", connectors=[cable], updated_at=NOON)
    station = StationFacts(
        country_code="NL",
        party_id="ABC",
        external_id=f"L{number}",
        latitude=52,
        longitude=5,
        time_zone="Europe/Amsterdam",
        evses=[evse],
        updated_at=NOON,
    )
    async with transaction() as db:
        await put_stations(db, partner_id, [station])
        found = await db.scalars(select(Connector).where(Connector.external_id == str(number)))  # type: ignore[arg-type]
        return found.one().id or 0


async def answer(connector_id: int, at: datetime = NOON) -> str:
    """The tariff's id, or the reason."""
    async with transaction() as db:
        found = (await tariffs_of_connectors(db, [connector_id], at))[connector_id]
    return found.external_id if isinstance(found, TariffRow) else found


async def test_that_a_tariff_is_stored_to_the_last_digit(database: str) -> None:
    facts = tariff("T-Ä", "0.4900", valid_from=NOON)
    assert await put(await partner(), facts) == Counts(changed=1, unchanged=0, older=0)
    (row,) = await stored()
    assert (row.external_key, row.currency, row.alt_text) == ("t-ä", "EUR", {"en": "0.4900 per kWh"})
    assert row.document["elements"] == [{"components": [{"dimension": "ENERGY", "price": "0.4900"}]}]
    assert (row.valid_from, row.valid_until, row.withdrawn) == (NOON, None, False)


async def test_that_the_same_again_is_unchanged_and_the_older_is_refused(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff(), tariff("T2"))
    before = await stored()
    assert await put(partner_id, tariff(minutes=5), tariff("t2", "0.50")) == Counts(changed=1, unchanged=1, older=0)
    same, changed = await stored()
    assert (same.updated_at, same.source_updated_at) == (before[0].updated_at, NOON + timedelta(minutes=5))
    assert (changed.id, changed.document["elements"][0]["components"][0]["price"]) == (before[1].id, "0.50")
    assert await put(partner_id, tariff(price="9", minutes=4)) == Counts(changed=0, unchanged=0, older=1)
    assert (await stored())[0].document == before[0].document


async def test_that_of_two_reports_in_a_bulk_the_newest_counts(database: str) -> None:
    counts = await put(await partner(), tariff(price="2", minutes=2), tariff("t1", "1", minutes=1))
    assert counts == Counts(changed=1, unchanged=0, older=1)
    assert [row.alt_text["en"] for row in await stored()] == ["2 per kWh"]


async def test_that_a_withdrawn_tariff_is_kept_and_may_come_back(database: str) -> None:
    partner_id = await partner()
    connector_id = await connect(partner_id, "T1")
    await put(partner_id, tariff())
    async with transaction() as db:
        assert await withdraw_tariff(db, "nl", "abc", "t1") is True
        assert await withdraw_tariff(db, "NL", "ABC", "T9") is False
    assert [row.withdrawn for row in await stored()] == [True]
    assert await answer(connector_id) == "TARIFF_UNKNOWN"
    assert (await put(partner_id, tariff(minutes=1))).changed == 1
    assert await answer(connector_id) == "T1"


async def test_that_a_connector_without_a_tariff_has_a_reason(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff("AD_HOC", kind="AD_HOC_PAYMENT"))
    assert await answer(await connect(partner_id, number=1)) == "NO_TARIFF_PUBLISHED"
    assert await answer(await connect(partner_id, "T1", number=2)) == "TARIFF_UNKNOWN"
    assert await answer(await connect(partner_id, "AD_HOC", number=3)) == "NO_TARIFF_PUBLISHED"
    assert await answer(999) == "NO_TARIFF_PUBLISHED"


async def test_that_ids_meet_in_any_case(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff("Tariff-A"))
    assert await answer(await connect(partner_id, "TARIFF-a")) == "Tariff-A"


async def test_that_a_regular_tariff_is_chosen_among_kinds(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff("FAST", kind="PROFILE_FAST", valid_from=NOON), tariff("REG", kind="REGULAR"))
    connector_id = await connect(partner_id, "FAST", "REG", "MISSING")
    assert await answer(connector_id) == "REG"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON - 2 * DAY, "NOT_YET_VALID"),
        (NOON - DAY, "OLD"),
        (NOON - timedelta(seconds=1), "OLD"),
        (NOON, "NEW"),
        (NOON + DAY - timedelta(seconds=1), "NEW"),
        (NOON + DAY, "TARIFF_EXPIRED"),
    ],
)
async def test_that_the_one_that_became_valid_last_applies(database: str, at: datetime, expected: str) -> None:
    partner_id = await partner()
    await put(
        partner_id,
        tariff("NEW", valid_from=NOON, valid_until=NOON + DAY),
        tariff("OLD", valid_from=NOON - DAY, valid_until=NOON + DAY),
    )
    assert await answer(await connect(partner_id, "OLD", "NEW"), at) == expected


async def test_that_one_without_a_beginning_is_older_than_one_with(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff("ALWAYS"), tariff("DATED", valid_from=NOON - DAY))
    assert await answer(await connect(partner_id, "ALWAYS", "DATED")) == "DATED"


async def test_that_the_own_party_comes_before_others_of_the_partner_and_strangers_never(database: str) -> None:
    partner_id = await partner()
    connector_id = await connect(partner_id, "T1")
    await put(await partner("A stranger"), tariff(party_id="XYZ"))
    assert await answer(connector_id) == "TARIFF_UNKNOWN"
    await put(partner_id, tariff("t1", "1", party_id="DEF"))
    assert await answer(connector_id) == "t1"
    await put(partner_id, tariff("T1", "2", valid_until=NOON))
    assert await answer(connector_id) == "TARIFF_EXPIRED"


async def test_that_many_connectors_take_one_statement(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, tariff("T1"), tariff("T2"))
    ids = [await connect(partner_id, f"T{number % 3}", number=number) for number in range(1, 7)]
    statements: list[str] = []
    async with transaction() as db:
        event.listen(engine().sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        found = await tariffs_of_connectors(db, ids, NOON)
    assert len(statements) == 1
    ones, twos, zeros = (found[ids[0]], found[ids[3]]), (found[ids[1]], found[ids[4]]), (found[ids[2]], found[ids[5]])
    assert isinstance(ones[0], TariffRow)
    assert ones[0] is ones[1]
    assert isinstance(twos[0], TariffRow)
    assert (ones[0].external_id, twos[0].external_id, zeros) == ("T1", "T2", (Missing.TARIFF_UNKNOWN,) * 2)
