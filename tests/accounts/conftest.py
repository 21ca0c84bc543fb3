"""Two brands."""

import pytest

from emsp.brands.manage import add_brand
from emsp.brands.tables import Brand
from emsp.db.engine import transaction


@pytest.fixture
async def brand(database: str) -> Brand:
    """Volt, the default brand."""
    async with transaction() as db:
        return await add_brand(
            db, Brand(slug="volt", name="Volt", hosts=["volt.example"], languages=["en", "nl", "de", "fr"])
        )


@pytest.fixture
async def other_brand(brand: Brand) -> Brand:
    """Stroom, another brand on the same installation."""
    async with transaction() as db:
        return await add_brand(db, Brand(slug="stroom", name="Stroom", hosts=["stroom.example"], languages=["nl"]))
