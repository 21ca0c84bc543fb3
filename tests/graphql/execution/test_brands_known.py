"""A server knows a brand for a moment."""

import pytest

from emsp.brands.choose import Memory
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import NotFound
from tests.graphql.conftest import Town


async def _name(memory: Memory, header: str) -> str:
    async with transaction() as db:
        return (await memory.brand_for(db, header=header)).name


async def test_that_a_brand_is_known_for_as_long_as_was_said(town: Town) -> None:
    memory, forgetful = Memory(), Memory()
    memory.seconds = 60
    assert [await _name(each, "volt") for each in (memory, forgetful)] == ["Volt", "Volt"]
    async with transaction() as db:
        (await db.get_one(Brand, town.volt.id)).name = "Voltage"

    assert [await _name(each, "volt") for each in (memory, forgetful)] == ["Volt", "Voltage"]
    memory.forget()
    assert await _name(memory, "volt") == "Voltage"


async def test_that_a_brand_that_is_not_there_is_looked_for_again(town: Town) -> None:
    memory = Memory()
    memory.seconds = 60
    with pytest.raises(NotFound):
        await _name(memory, "later")
    async with transaction() as db:
        db.add(Brand(slug="later", name="Later"))
    assert await _name(memory, "later") == "Later"
