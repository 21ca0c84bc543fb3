"""Brands: which one a request is for, and which ones may be added."""

import asyncio
from typing import Any

import pytest

from emsp.brands.choose import brand_for
from emsp.brands.manage import add_brand, ensure_default, list_brands
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound


async def chosen(host: str | None = None, header: str | None = None) -> str:
    async with transaction() as db:
        return (await brand_for(db, host=host, header=header)).slug


@pytest.mark.parametrize(
    ("host", "header", "slug"),
    [
        ("stroom.example", None, "stroom"),
        ("STROOM.example.:8000", None, "stroom"),
        ("elsewhere.example", None, "volt"),
        ("www.stroom.example", None, "volt"),
        ("[::1]:8000", None, "volt"),
        (None, None, "volt"),
        ("volt.example", "stroom", "stroom"),
        ("stroom.example", " Volt ", "volt"),
        ("stroom.example", "", "stroom"),
    ],
)
async def test_the_header_comes_first_then_the_host_then_the_default(
    other_brand: Brand, host: str | None, header: str | None, slug: str
) -> None:
    assert await chosen(host, header) == slug


async def test_an_unknown_slug_is_not_found_rather_than_the_default(brand: Brand) -> None:
    with pytest.raises(NotFound, match="there is no brand 'nobody'"):
        await chosen("volt.example", "nobody")


async def test_without_any_brand_nothing_is_found(database: str) -> None:
    with pytest.raises(NotFound, match="default brand"):
        await chosen("volt.example")


async def test_the_first_start_makes_one_default_brand_once(database: str) -> None:
    async def start() -> None:
        async with transaction() as db:
            await ensure_default(db)

    await asyncio.gather(start(), start())

    async with transaction() as db:
        (brand,) = await list_brands(db)
    assert (brand.slug, brand.name, brand.currency, brand.is_default) == ("demo", "Volt", "EUR", True)
    assert brand.languages == ["en", "nl", "de", "fr"]


async def test_a_new_default_takes_the_place_of_the_old_one(other_brand: Brand) -> None:
    async with transaction() as db:
        await add_brand(db, Brand(slug="third", name="Third", languages=["en"], is_default=True))

    async with transaction() as db:
        assert [(brand.slug, brand.is_default) for brand in await list_brands(db)] == [
            ("stroom", False), ("third", True), ("volt", False)
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "Volt"), ("slug", ""), ("slug", "-a"), ("name", " "), ("name", "Vo\nlt"),
        ("primary_color", "green"), ("primary_color", "#12345"), ("logo_url", "javascript:alert(1)"),
        ("currency", "EURO"), ("currency", "eur"), ("languages", []), ("time_zone", "Amsterdam"),
        ("support_email", "help"), ("points_per_kwh", -1), ("hold_cap_minor", 0),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(database: str, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction() as db:
            await add_brand(db, Brand(**{"slug": "new", "name": "New", "languages": ["en"], field: value}))

    assert caught.value.field == field
    async with transaction() as db:
        assert await list_brands(db) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"languages": ["en", "xx"]}, "languages.1"),
        ({"hosts": ["a.example", "https://b.example"]}, "hosts.1"),
        ({"hosts": ["a.example:8000"]}, "hosts.0"),
        ({"slug": "volt"}, "slug"),
        ({"hosts": ["volt.example"]}, "hosts"),
    ],
)
async def test_a_wrong_item_and_what_another_brand_has_are_named(
    brand: Brand, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction() as db:
            await add_brand(db, Brand(**({"slug": "new", "name": "New", "languages": ["en"]} | changed)))

    assert caught.value.field == field
