"""A charge point that two partners publish is kept free by one over whom it can be started, and is started there."""

from datetime import timedelta
from uuid import UUID

import pytest

from emsp import clock
from emsp.brands.tables import Brand
from emsp.charging.reservations import follow, reserve
from emsp.charging.tables import Reservation
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.stations.tables import Connector, Evse
from tests.charging.conftest import Place
from tests.charging.test_reservations import Desk, bookable, desk, reserved  # noqa: F401
from tests.charging.test_ways import CHEAP, DEAR, hub_publishes_it_too, prefer, quoted, started

CAN_BOTH = ["RESERVABLE", "REMOTE_START_STOP_CAPABLE"]


async def over_hub(place: Place, tariff: dict, capabilities: list[str] = CAN_BOTH) -> tuple[UUID, int, int]:  # type: ignore[type-arg]
    """The hub's partner id, its connector and its EVSE."""
    hub_id, connector_id = await hub_publishes_it_too(place, tariff)
    async with transaction() as db:
        connector = await db.get_one(Connector, connector_id)
        (await db.get_one(Evse, connector.evse_id)).capabilities = capabilities
    return hub_id, connector_id, connector.evse_id


async def confirm(reservation: Reservation) -> None:
    async with transaction() as db:
        await follow.reservation_answered(db, reservation.id, "ACCEPTED", None)


async def test_that_the_cheapest_keeps_it_free_and_is_started(bookable: Place, desk: Desk) -> None:  # noqa: F811
    hub_id, connector_id, evse_id = await over_hub(bookable, CHEAP)
    reservation = await reserved(bookable)
    assert (reservation.partner_id, reservation.evse_id) == (hub_id, evse_id)
    await follow.send_reservation(reservation.id)
    command = desk.commands[-1]
    assert (command.partner_id, command.party_id) == (hub_id, "HUB")
    await confirm(reservation)
    await prefer(bookable.partner.id, 5)
    assert (await quoted(bookable)).connector_id == connector_id, "whatever is preferred now"
    session = await started(bookable, evse_id=bookable.connector.evse_id)
    assert (session.partner_id, session.evse_id) == (hub_id, evse_id)


async def test_that_who_cannot_keep_it_free_is_not_asked(bookable: Place, desk: Desk) -> None:  # noqa: F811
    await over_hub(bookable, CHEAP, ["REMOTE_START_STOP_CAPABLE"])
    reservation = await reserved(bookable)
    await confirm(reservation)
    assert (reservation.partner_id, reservation.evse_id) == (bookable.partner.id, bookable.connector.evse_id)
    assert (await quoted(bookable)).connector_id == bookable.connector.id, "although the hub would be cheaper"


async def test_that_the_other_partner_is_asked_where_the_pin_s_own_cannot(bookable: Place, desk: Desk) -> None:  # noqa: F811
    hub_id, *_ = await over_hub(bookable, DEAR)
    async with transaction() as db:
        (await db.get_one(Evse, bookable.connector.evse_id)).capabilities = ["REMOTE_START_STOP_CAPABLE"]
    assert (await reserved(bookable)).partner_id == hub_id


async def test_that_an_agreement_and_the_brand_s_network_are_kept(bookable: Place, desk: Desk) -> None:  # noqa: F811
    await over_hub(bookable, CHEAP)
    await prefer(bookable.partner.id, 1)
    reservation = await reserved(bookable)
    assert reservation.partner_id == bookable.partner.id
    async with transaction() as db:
        await reserve.request_cancel(db, driver_id=bookable.driver.id, reservation_id=reservation.id)
        await prefer(bookable.partner.id, 0)
        (await db.get_one(Brand, bookable.driver.brand_id)).network_policy = {"blocked_parties": ["NL*HUB"]}
    assert (await reserved(bookable, key="again")).partner_id == bookable.partner.id


async def test_that_what_any_of_them_says_of_its_status_counts(bookable: Place, desk: Desk) -> None:  # noqa: F811
    _, _, evse_id = await over_hub(bookable, DEAR)
    async with transaction() as db:
        twin = await db.get_one(Evse, evse_id)
        twin.status, twin.status_as_of = "CHARGING", clock.now() + timedelta(minutes=1)
    with pytest.raises(Refused, match="not free"):
        await reserved(bookable)


async def test_that_a_quote_of_another_way_is_past_once_it_is_reserved(bookable: Place, desk: Desk) -> None:  # noqa: F811
    hub_id, *_ = await over_hub(bookable, CHEAP)
    await prefer(bookable.partner.id, 1)
    early = await quoted(bookable)
    assert early.connector_id == bookable.connector.id
    await prefer(bookable.partner.id, 0)
    await confirm(await reserved(bookable))
    with pytest.raises(Refused, match="over another partner since") as refused:
        await started(bookable, quote_id=early.id)
    assert refused.value.code == "QUOTE_EXPIRED"
    assert (await started(bookable, quote_id=(await quoted(bookable)).id)).partner_id == hub_id
