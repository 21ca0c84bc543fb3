"""What the driver of a running charge wishes, and what the operator makes of it."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from emsp import clock
from emsp.charging import ports, prefer
from emsp.charging.ports import CommandAnswer, PreferencesCommand
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused
from emsp.stations.tables import Evse
from tests.charging.conftest import Place
from tests.charging.outside import FakeNetwork
from tests.charging.saying import timeline


class Clever(FakeNetwork):
    """Takes wishes, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[PreferencesCommand] = []
        self.says = "ACCEPTED"

    async def prefer(self, command: PreferencesCommand) -> CommandAnswer:
        self.wishes.append(command)
        if self.fault:
            raise self.fault
        return CommandAnswer(outcome=self.says)


@pytest.fixture
def clever() -> Clever:
    fake = Clever()
    ports.plug(cast(ports.Network, fake))
    return fake


@pytest.fixture
async def running(place: Place) -> ChargingSession:
    async with transaction() as db:
        (await db.get_one(Evse, place.connector.evse_id)).capabilities = ["CHARGING_PREFERENCES_CAPABLE"]
    return await place.session(state="CHARGING", external_id="S1", external_key="s1")


async def wished(running: ChargingSession, **wish: Any) -> None:
    await prefer.set_preferences(running.driver_id, running.id, **({"profile": "CHEAP"} | wish))


async def kept(running: ChargingSession) -> Any:
    async with transaction() as db:
        return (await prefer.preferences_of(db, [running.id])).get(running.id)


async def test_that_a_wish_goes_to_the_operator_and_is_kept(running: ChargingSession, clever: Clever) -> None:
    leaves_at = clock.now() + timedelta(hours=8)
    await wished(running, departure_at=leaves_at, energy_need_wh=30_000)
    [command] = clever.wishes
    assert (command.external_session_id, command.profile, command.energy_need_wh) == ("S1", "CHEAP", 30_000)
    row = await kept(running)
    assert (row.profile, row.departure_at, row.energy_need_wh, row.outcome) == ("CHEAP", leaves_at, 30_000, "ACCEPTED")
    assert (await timeline(running))[-1] == "Your wishes for this charge were taken over by the operator."

    await wished(running, profile="FAST")
    assert ((await kept(running)).profile, (await kept(running)).energy_need_wh) == ("FAST", None)


@pytest.mark.parametrize(
    ("says", "code", "field"),
    [
        ("DEPARTURE_REQUIRED", "DEPARTURE_REQUIRED", ["input", "departureAt"]),
        ("NOT_POSSIBLE", "NOT_POSSIBLE", []),
        ("REJECTED", "REJECTED", []),
        ("SOMETHING_ELSE", "REJECTED", []),
    ],
)
async def test_that_an_operator_s_no_is_told_and_nothing_kept(
    running: ChargingSession, clever: Clever, says: str, code: str, field: list[str]
) -> None:
    clever.says = says
    with pytest.raises(Refused) as refused:
        await wished(running)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert await kept(running) is None


async def test_that_a_wish_before_a_refused_one_stands(running: ChargingSession, clever: Clever) -> None:
    await wished(running)
    clever.says = "NOT_POSSIBLE"
    with pytest.raises(Refused):
        await wished(running, profile="GREEN")
    assert (await kept(running)).profile == "CHEAP"


async def test_that_a_charge_point_that_cannot_is_not_asked(
    place: Place, running: ChargingSession, clever: Clever
) -> None:
    async with transaction() as db:
        (await db.get_one(Evse, place.connector.evse_id)).capabilities = []
    with pytest.raises(Refused) as refused:
        await wished(running)
    assert (refused.value.code, clever.wishes) == ("NOT_SUPPORTED", [])


async def test_that_a_charge_is_its_driver_s_own(running: ChargingSession, clever: Clever) -> None:
    with pytest.raises(NotFound):
        await prefer.set_preferences(UUID(int=1), running.id, profile="CHEAP")
    assert clever.wishes == []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"profile": "SLOW"}, "profile"),
        ({"energy_need_wh": 0}, "energyNeedWh"),
        ({"departure_at": clock.now() - timedelta(minutes=1)}, "departureAt"),
    ],
)
async def test_that_what_makes_no_sense_is_named(
    running: ChargingSession, clever: Clever, wish: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as wrong:
        await wished(running, **wish)
    assert (wrong.value.field, clever.wishes) == (field, [])


async def test_that_an_operator_that_does_not_answer_is_a_fault_and_one_that_fails_a_no(
    running: ChargingSession, clever: Clever
) -> None:
    clever.fault = PartnerUnreachable("gone")
    with pytest.raises(PartnerUnreachable):
        await wished(running)
    clever.fault = PartnerFailed("OCPI 3000")
    with pytest.raises(Refused, match="OCPI 3000"):
        await wished(running)
