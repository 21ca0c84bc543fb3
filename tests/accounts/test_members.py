"""A fleet's members ..."""

import asyncio
from uuid import uuid4

import pytest

from emsp.accounts.drivers import ensure_driver
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.fleets.members import add_fleet, add_member, fleets_of, managed_fleet, members, paying_fleet, remove_member
from emsp.fleets.tables import Fleet

from .people import change, count, signed_in

BOSS, ADA = "boss@example.com", "ada@example.com"


@pytest.fixture
async def fleet(brand: Brand) -> Fleet:
    """Kurier, led by the boss, with Ada as a driver."""
    async with transaction() as db:
        fleet = await add_fleet(db, brand.id, "Kurier", BOSS)
        await add_member(db, fleet.id, ADA)
    return fleet


async def driver(brand: Brand, email: str) -> Driver:
    async with transaction() as db:
        return await ensure_driver(db, brand.id, email)


async def manages(who: Driver, fleet: Fleet) -> bool:
    async with transaction() as db:
        try:
            return (await managed_fleet(db, who.id, fleet.id)) == fleet
        except NotFound:
            return False


async def charges_for(who: Driver, fleet: Fleet) -> bool:
    async with transaction() as db:
        try:
            return (await paying_fleet(db, who, fleet.id)) == fleet
        except NotFound:
            return False


async def test_become_drivers_of_the_brand_by_their_address(brand: Brand, fleet: Fleet) -> None:
    assert await count("driver") == 2
    assert (await signed_in(brand, ADA)).driver == await driver(brand, ADA)
    assert await count("driver") == 2


async def test_all_charge_at_its_cost_and_only_managers_manage(brand: Brand, fleet: Fleet) -> None:
    boss, ada, eve = [await driver(brand, email) for email in (BOSS, ADA, "eve@example.com")]

    assert [await charges_for(who, fleet) for who in (boss, ada, eve)] == [True, True, False]
    assert [await manages(who, fleet) for who in (boss, ada, eve)] == [True, False, False]


async def test_pay_themselves_when_no_fleet_is_named(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        assert await paying_fleet(db, await ensure_driver(db, brand.id, ADA), None) is None


async def test_of_another_fleet_or_brand_are_nobody_here(brand: Brand, other_brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        await add_fleet(db, brand.id, "Other", "rival@example.com")
        await add_fleet(db, other_brand.id, "Kurier", BOSS)
    rival, boss_elsewhere = await driver(brand, "rival@example.com"), await driver(other_brand, BOSS)

    assert [await manages(who, fleet) for who in (rival, boss_elsewhere)] == [False, False]
    assert [await charges_for(who, fleet) for who in (rival, boss_elsewhere)] == [False, False]


async def test_at_another_brand_are_nobody_even_when_a_row_says_so(
    other_brand: Brand, brand: Brand, fleet: Fleet
) -> None:
    stranger = await driver(other_brand, "stranger@example.com")
    await change(f"UPDATE fleet_member SET driver_id = '{stranger.id}' WHERE role = 'MANAGER'")

    assert not await manages(stranger, fleet)
    assert not await charges_for(stranger, fleet)
    async with transaction() as db:
        assert await fleets_of(db, stranger.id) == []


async def test_that_were_removed_may_nothing_until_they_are_added_again(brand: Brand, fleet: Fleet) -> None:
    boss = await driver(brand, BOSS)
    async with transaction() as db:
        await add_member(db, fleet.id, "second@example.com", role="MANAGER")
        await remove_member(db, fleet.id, boss.id)
    assert not await manages(boss, fleet)
    assert not await charges_for(boss, fleet)
    with pytest.raises(NotFound):
        async with transaction() as db:
            await remove_member(db, fleet.id, boss.id)

    async with transaction() as db:
        member = await add_member(db, fleet.id, "BOSS@example.com")
    assert (member.role, member.removed_at) == ("DRIVER", None)
    assert await charges_for(boss, fleet)
    assert not await manages(boss, fleet)
    assert await count("fleet_member") == 3


async def test_that_manage_it_last_cannot_be_removed(brand: Brand, fleet: Fleet) -> None:
    boss = await driver(brand, BOSS)
    with pytest.raises(Refused, match="Nobody else manages the fleet") as refused:
        async with transaction() as db:
            await remove_member(db, fleet.id, boss.id)
    assert refused.value.code == "LAST_MANAGER"
    assert await manages(boss, fleet)


async def test_that_manage_it_cannot_both_remove_each_other(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        await add_member(db, fleet.id, "second@example.com", role="MANAGER")
    people = [await driver(brand, email) for email in (BOSS, "second@example.com")]

    async def remove(who: Driver) -> bool:
        try:
            async with transaction() as db:
                await remove_member(db, fleet.id, who.id)
        except Refused:
            return False
        return True

    assert sorted(await asyncio.gather(*map(remove, people))) == [False, True]
    assert sorted([await manages(who, fleet) for who in people]) == [False, True]


async def test_that_are_added_again_rise_but_do_not_fall(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        roles = [
            (await add_member(db, fleet.id, email, role=role)).role
            for email, role in ((BOSS, "DRIVER"), (ADA, "MANAGER"), (ADA, "DRIVER"))
        ]

    assert roles == ["MANAGER", "MANAGER", "MANAGER"]


async def test_see_the_fleets_they_are_in_by_name(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        first = await add_fleet(db, brand.id, "Alpha", ADA)
        await add_fleet(db, brand.id, "Beta", BOSS)

    async with transaction() as db:
        assert await fleets_of(db, (await ensure_driver(db, brand.id, ADA)).id) == [first, fleet]


async def test_are_listed_page_by_page_without_those_removed(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        for name in ("cleo", "dora", "emil"):
            await add_member(db, fleet.id, f"{name}@example.com")
        await remove_member(db, fleet.id, (await ensure_driver(db, brand.id, "dora@example.com")).id)

    async with transaction() as db:
        page = await members(db, fleet.id, 3)
        rest = await members(db, fleet.id, 3, page.members[-1].cursor)
    emails = [[member.driver.email.partition("@")[0] for member in part.members] for part in (page, rest)]
    assert emails == [["ada", "boss", "cleo"], ["emil"]]
    assert [(part.has_next, part.total_count) for part in (page, rest)] == [(True, 4), (False, 4)]


async def test_are_not_added_wrongly(brand: Brand, fleet: Fleet) -> None:
    async with transaction() as db:
        with pytest.raises(Invalid, match="role"):
            await add_member(db, fleet.id, ADA, role="OWNER")
        with pytest.raises(Invalid, match="email"):
            await add_member(db, fleet.id, "ada")
        with pytest.raises(NotFound):
            await add_member(db, uuid4(), ADA)
        with pytest.raises(Invalid, match="name"):
            await add_fleet(db, brand.id, " ", BOSS)
        with pytest.raises(Invalid, match="name"):
            await add_fleet(db, brand.id, "Kur\0ier", BOSS)
        with pytest.raises(Invalid, match="time_zone"):
            await add_fleet(db, brand.id, "Kurier", BOSS, "Nowhere")
    assert (await count("fleet"), await count("fleet_member")) == (1, 2)
