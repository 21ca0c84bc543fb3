"""Who a brand is by law."""

import pytest

from emsp.brands.seller import set_seller
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound


async def told(**facts: str | None) -> dict[str, str]:
    async with transaction() as db:
        return (await set_seller(db, "volt", facts)).legal


async def test_that_facts_are_added_changed_and_taken_away(brand: Brand) -> None:
    assert await told(name=" Volt B.V. ", country="nl", vat_id="NL 1234 56789 B01") == {
        "name": "Volt B.V.",
        "country": "NL",
        "vat_id": "NL123456789B01",
    }
    assert await told(phone="+31 20 1", iban="nl91 abna 0417 1643 00", country="", name=None) == {
        "name": "Volt B.V.",
        "vat_id": "NL123456789B01",
        "phone": "+31 20 1",
        "iban": "NL91ABNA0417164300",
    }


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"street": "Kade 1"}, "name"),
        ({"name": "V", "country": "Holland"}, "country"),
        ({"name": "V", "vat_id": "NL1"}, "vat_id"),
        ({"name": "V", "email": "nobody"}, "email"),
        ({"name": "a\nb"}, "name"),
        ({"name": "V", "iban": "NL91ABNA0417164301"}, "iban"),
    ],
)
async def test_that_what_makes_no_sense_is_named(brand: Brand, facts: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        await told(**facts)
    assert wrong.value.field == field


async def test_that_there_is_no_seller_without_a_brand(brand: Brand) -> None:
    with pytest.raises(NotFound):
        async with transaction() as db:
            await set_seller(db, "nobody", {"name": "x"})
