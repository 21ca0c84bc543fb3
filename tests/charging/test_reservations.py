"""Charge points kept free: asked for, confirmed however late, used, given up by either side, or over."""

import itertools
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from emsp import clock
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.ports import CommandAnswer, ReserveCommand, StartCommand
from emsp.charging.reservations import follow as reserving
from emsp.charging.reservations import reserve
from emsp.charging.reservations import states as reservation_states
from emsp.charging.reservations.states import FINAL, ReservationState, after
from emsp.charging.start import send_start
from emsp.charging.tables import Reservation
from emsp.charging.track import session_reported
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused
from emsp.stations.tables import Evse
from tests.charging import cards_and_cars as at_the_pole
from tests.charging.cards_and_cars import tapped
from tests.charging.conftest import Place
from tests.charging.outside import FakeNetwork
from tests.charging.saying import now, run_jobs, timeline

S = ReservationState


class Desk(FakeNetwork):
    """Also takes reservations; `says` is its first answer."""

    def __init__(self) -> None:
        super().__init__()
        self.says = CommandAnswer(outcome="ACCEPTED", timeout_s=30)

    async def reserve(self, command: ReserveCommand) -> CommandAnswer:
        self._answer(cast(Any, command))
        return self.says

    async def cancel_reservation(self, command: Any) -> CommandAnswer:
        self._answer(command)
        return self.says


@pytest.fixture
def desk() -> Desk:
    fake = Desk()
    ports.plug(cast(ports.Network, fake))
    return fake


@pytest.fixture
async def bookable(place: Place, desk: Desk) -> Place:
    await at_the_pole.a_payment_card(place)
    async with transaction() as db:
        evse = await db.get_one(Evse, place.connector.evse_id)
        evse.capabilities = ["RESERVABLE", "REMOTE_START_STOP_CAPABLE"]
    return place


async def reserved(place: Place, *, key: str = "k", minutes: int = 15) -> Reservation:
    """A driver's wish, taken on."""
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        until = clock.now() + timedelta(minutes=minutes)
        return await reserve.request_reservation(
            db,
            brand=brand,
            driver=place.driver,
            evse_id=place.connector.evse_id,
            until=until,
            idempotency_key=key,
        )


async def sent(place: Place) -> Reservation:
    """A reservation that the operator has been asked for."""
    reservation = await reserved(place)
    await run_jobs()
    return reservation


async def answered(reservation: Reservation, outcome: str, message: str | None = None) -> tuple[str, str | None]:
    """The charge point answers; where the reservation stands then, and why."""
    async with transaction() as db:
        await reserving.reservation_answered(db, reservation.id, outcome, message)
    return await stands(reservation)


async def stands(reservation: Reservation) -> tuple[str, str | None]:
    async with transaction() as db:
        row = await db.get_one(Reservation, reservation.id)
    return row.state, row.state_reason


async def cancelled(place: Place, reservation: Reservation) -> None:
    async with transaction() as db:
        await reserve.request_cancel(db, driver_id=place.driver.id, reservation_id=reservation.id)


async def over(reservation: Reservation) -> None:
    """Its time is over."""
    async with transaction() as db:
        (await db.get_one(Reservation, reservation.id)).expires_at = clock.now() - timedelta(seconds=1)


async def test_that_a_reservation_is_confirmed_by_the_charge_point_only(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    [command] = cast(list[Any], desk.commands)
    assert (command.location_id, command.evse_uid, command.expires_at) == ("L1", "E1", reservation.expires_at)
    assert (command.token_uid, command.reservation_id) == (reservation.token_uid, reservation.id)
    assert (await stands(reservation))[0] == "REQUESTED", "the operator passed it on; that is no yes"
    state, reason = await answered(reservation, "ACCEPTED")
    assert (state, reason) == ("CONFIRMED", f"It is kept free for you until {reservation.expires_at:%H:%M} UTC.")


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        ("REJECTED", "REFUSED", "The operator refused the reservation."),
        ("EVSE_OCCUPIED", "REFUSED", "The charge point is occupied."),
        ("TIMEOUT", "UNCONFIRMED", "The charge point did not answer; it may be kept free all the same."),
        ("CANCELED_RESERVATION", "CANCELED", "The operator cancelled the reservation."),
    ],
)
async def test_that_each_answer_has_its_state(
    bookable: Place, desk: Desk, outcome: str, state: str, reason: str
) -> None:
    assert await answered(await sent(bookable), outcome) == (state, reason)


@pytest.mark.parametrize(
    ("fault", "state"), [(PartnerUnreachable("gone"), "UNCONFIRMED"), (PartnerFailed("no"), "REFUSED")]
)
async def test_that_a_call_that_fails_says_so(bookable: Place, desk: Desk, fault: Exception, state: str) -> None:
    desk.fault = fault
    assert (await stands(await sent(bookable)))[0] == state


async def test_that_an_operator_without_reservations_refuses(bookable: Place, desk: Desk) -> None:
    desk.says = CommandAnswer(outcome="NOT_SUPPORTED", message="ABC takes no commands")
    assert await stands(await sent(bookable)) == ("REFUSED", "ABC takes no commands")


async def test_that_a_late_answer_still_counts(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await reserving.doubt_reservation(reservation.id)
    assert (await stands(reservation))[0] == "UNCONFIRMED"
    assert (await answered(reservation, "ACCEPTED"))[0] == "CONFIRMED"


async def test_that_the_operator_may_cancel_late(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await answered(reservation, "ACCEPTED")
    async with transaction() as db:
        (await db.get_one(Evse, bookable.connector.evse_id)).status = "AVAILABLE"
    assert (await stands(reservation))[0] == "CONFIRMED", "that it looks free to others means nothing"
    assert await answered(reservation, "CANCELED_RESERVATION", "We need the charger.") == (
        "CANCELED",
        "We need the charger.",
    )


async def test_that_its_time_ends(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await answered(reservation, "ACCEPTED")
    await reserving.expire_reservation(reservation.id)
    assert (await stands(reservation))[0] == "CONFIRMED", "not before its time"
    await over(reservation)
    await reserving.tend_reservations()
    await run_jobs()
    assert (await stands(reservation))[0] == "EXPIRED"
    assert (await answered(reservation, "ACCEPTED"))[0] == "EXPIRED"


async def test_that_the_driver_gives_it_up(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await answered(reservation, "ACCEPTED")
    await cancelled(bookable, reservation)
    assert (await stands(reservation))[0] == "CANCELING", "until the operator says so it is kept free"
    await run_jobs()
    assert len(desk.commands) == 2
    async with transaction() as db:
        await reserving.cancel_answered(db, reservation.id, "ACCEPTED", None)
    assert await stands(reservation) == ("CANCELED", "You cancelled it.")
    await cancelled(bookable, reservation)
    assert len(desk.commands) == 2


async def test_that_an_operator_that_does_not_let_go_is_told_of(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await answered(reservation, "ACCEPTED")
    desk.says = CommandAnswer(outcome="NOT_SUPPORTED")
    await cancelled(bookable, reservation)
    await run_jobs()
    state, reason = await stands(reservation)
    assert state == "CONFIRMED"
    assert reason == f"The operator did not take it back; it ends by itself at {reservation.expires_at:%H:%M} UTC."


async def test_that_what_was_never_sent_is_cancelled_at_once(bookable: Place, desk: Desk) -> None:
    reservation = await reserved(bookable)
    await cancelled(bookable, reservation)
    await run_jobs()
    assert (await stands(reservation))[0] == "CANCELED"
    assert desk.commands == []


async def test_that_the_same_wish_is_one_reservation(bookable: Place, desk: Desk) -> None:
    assert (await reserved(bookable)).id == (await reserved(bookable)).id
    await run_jobs()
    assert len(desk.commands) == 1
    with pytest.raises(Refused, match="You have a reservation"):
        await reserved(bookable, key="another")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"capabilities": ["REMOTE_START_STOP_CAPABLE"]}, "RESERVATION_NOT_POSSIBLE"),
        ({"status": "CHARGING"}, "NOT_AVAILABLE"),
        ({"status": "RESERVED"}, "NOT_AVAILABLE"),
        ({"removed": True}, "EVSE_NOT_FOUND"),
    ],
)
async def test_that_not_every_charge_point_is_reserved(
    bookable: Place, desk: Desk, change: dict[str, Any], code: str
) -> None:
    async with transaction() as db:
        evse = await db.get_one(Evse, bookable.connector.evse_id)
        for name, value in change.items():
            setattr(evse, name, value)
    with pytest.raises(Refused) as refused:
        await reserved(bookable)
    assert refused.value.code == code


async def test_that_a_driver_who_may_not_charge_reserves_nothing(bookable: Place, desk: Desk) -> None:
    async with transaction() as db:
        (await db.get_one(type(bookable.driver), bookable.driver.id)).blocked_at = clock.now()
    with pytest.raises(Refused) as refused:
        await reserved(bookable)
    assert refused.value.code == "DRIVER_BLOCKED"
    desk.is_reachable = False
    with pytest.raises(Refused, match="cannot be reached"):
        await reserved(bookable)


@pytest.mark.parametrize("minutes", [-1, 241])
async def test_that_nobody_reserves_for_ever(bookable: Place, desk: Desk, minutes: int) -> None:
    with pytest.raises(Invalid, match="until: must be in the future and within four hours"):
        await reserved(bookable, minutes=minutes)


async def test_that_a_reservation_is_its_driver_s_own(bookable: Place, desk: Desk) -> None:
    reservation = await reserved(bookable)
    with pytest.raises(NotFound):
        async with transaction() as db:
            await reserve.request_cancel(db, driver_id=UUID(int=1), reservation_id=reservation.id)


async def test_that_a_start_takes_the_reservation_along(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    await answered(reservation, "ACCEPTED")
    session = await bookable.session(state="REQUESTED", created_at=clock.now())
    await send_start(session.id)
    command = desk.commands[-1]
    assert isinstance(command, StartCommand)
    assert (command.token_uid, command.authorization_reference) == (
        reservation.token_uid,
        session.authorization_reference,
    )
    assert (await stands(reservation))[0] == "CONFIRMED", "it is used when the charge begins"

    start = clock.now().replace(microsecond=0)
    said = {"token_uid": reservation.token_uid, "contract_id": None, "start": start}
    async with transaction() as db:
        assert await session_reported(db, bookable.partner.id, tapped(**said)) == session.id
    assert (await now(session)).state == "CHARGING"
    assert (await stands(reservation))[0] == "USED"
    assert "Your reservation was used." in await timeline(session)
    assert (await answered(reservation, "CANCELED_RESERVATION"))[0] == "USED"


async def test_that_an_operator_s_session_of_a_reservation_is_no_charge(bookable: Place, desk: Desk) -> None:
    reservation = await sent(bookable)
    said: dict[str, Any] = {"token_uid": reservation.token_uid, "contract_id": None, "minutes": 0}
    async with transaction() as db:
        assert await session_reported(db, bookable.partner.id, tapped("RESERVATION", **said)) is None
    assert (await stands(reservation))[0] == "CONFIRMED", "it says so, if only by its session"
    async with transaction() as db:
        assert await session_reported(db, bookable.partner.id, tapped("COMPLETED", **said)) is None
    assert await at_the_pole.charges() == []


async def test_that_a_lost_job_is_taken_up_again(bookable: Place, desk: Desk) -> None:
    reservation = await reserved(bookable)
    async with transaction() as db:
        await db.execute(text("DELETE FROM procrastinate_jobs"))
        (await db.get_one(Reservation, reservation.id)).updated_at = clock.now() - timedelta(minutes=10)
    await reserving.tend_reservations()
    await run_jobs()
    assert len(desk.commands) == 1


def test_that_the_table_is_sound() -> None:
    assert {state for state in S if not after(state)} == set(FINAL)
    assert set(reservation_states.MEANING) == set(S)
    for one, other in itertools.product(S, S):
        assert (other in after(one)) == (one in reservation_states.before(other))
    assert set(reservation_states.OPEN) | set(FINAL) == set(S)


@given(st.lists(st.sampled_from(list(S)), max_size=8))
def test_that_what_is_final_stays(wishes: list[ReservationState]) -> None:
    state = S.REQUESTED
    for wish in wishes:
        moved = wish if state in reservation_states.before(wish) else state
        assert moved == state or state not in FINAL
        state = moved
