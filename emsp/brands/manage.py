"""Adding brands: every field is checked before the first driver sees it."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import is_currency
from sqlalchemy import text
from sqlmodel import col, select, update

from emsp.brands.network import read_network
from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.:-]{0,251}[a-z0-9])?")
WEB_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


async def add_brand(db: Db, brand: Brand) -> Brand:
    """Keep a new brand, given as an unsaved row; the first one, or one that says `is_default`, is the default.

    Raises Invalid naming the first field that is wrong, among them a slug or a host that another brand has.
    """
    check(brand)
    await db.execute(text("LOCK TABLE brand IN SHARE ROW EXCLUSIVE MODE"))  # one default, one owner of each host
    others = await list_brands(db)
    _check_is_free(brand, others)
    if brand.is_default:
        await db.execute(update(Brand).values(is_default=False))
    brand.is_default = brand.is_default or not others
    db.add(brand)
    await db.flush()
    return brand


async def set_party(db: Db, slug: str, party: tuple[str, str] | None) -> Brand:
    """Give a brand a party of its own towards operators (country code, party id), or that of the installation again.

    Raises NotFound, and Invalid for a party that another brand has.
    """
    await db.execute(text("LOCK TABLE brand IN SHARE ROW EXCLUSIVE MODE"))
    brand = await the_brand(db, slug)
    for other in await list_brands(db):
        if party and other.slug != slug and (other.roaming_country_code, other.roaming_party_id) == party:
            raise Invalid(f"{'/'.join(party)} belongs to the brand {other.slug}", "party")
    brand.roaming_country_code, brand.roaming_party_id = party or (None, None)
    await db.flush()
    return brand


async def set_price_policy(db: Db, slug: str, policy: dict[str, Any]) -> Brand:
    """Sell by another price policy from now on; prices that were quoted stand. Raises NotFound.

    What a policy may hold is checked by whoever reads it.
    """
    brand = await the_brand(db, slug)
    brand.price_policy = policy
    await db.flush()
    return brand


async def set_network_policy(db: Db, slug: str, policy: dict[str, Any]) -> Brand:
    """Let the brand's drivers charge where `policy` allows it; charges that run go on. Raises Invalid and NotFound."""
    read_network(policy)
    brand = await the_brand(db, slug)
    brand.network_policy = policy
    await db.flush()
    return brand


async def the_brand(db: Db, slug: str) -> Brand:
    """The brand with this slug, as it is now. Raises NotFound."""
    query = select(Brand).where(col(Brand.slug) == slug).execution_options(populate_existing=True)
    brand: Brand | None = await db.scalar(query)
    if brand is None:
        raise NotFound(f"there is no brand {slug!r}")
    return brand


async def list_brands(db: Db) -> list[Brand]:
    """All brands, by slug."""
    return list(await db.scalars(select(Brand).order_by(col(Brand.slug))))


async def ensure_default(db: Db) -> None:
    """At the first start there is one brand, `demo`, so that every request comes in for one."""
    await db.execute(text("LOCK TABLE brand IN SHARE ROW EXCLUSIVE MODE"))
    if not await list_brands(db):
        await add_brand(db, Brand(slug="demo", name="Volt", languages=["en", "nl", "de", "fr"], is_default=True))


def check(brand: Brand) -> None:
    """Raises Invalid naming the first field of `brand` that is wrong."""
    _check_look(brand)
    _check_place(brand)
    _check_numbers(brand)


def _check_look(brand: Brand) -> None:
    _must(SLUG.fullmatch(brand.slug), "slug", "1 to 40 lower-case letters, digits and hyphens")
    _must(NAME.fullmatch(brand.name) and brand.name.strip(), "name", "1 to 80 characters on one line")
    _must(COLOR.fullmatch(brand.primary_color), "primary_color", "a colour as #rrggbb")
    _must(brand.logo_url is None or WEB_ADDRESS.fullmatch(brand.logo_url), "logo_url", "an http or https address")
    _must(
        brand.support_email is None or MAIL_ADDRESS.fullmatch(brand.support_email), "support_email", "an e-mail address"
    )


def _check_place(brand: Brand) -> None:
    for number, host in enumerate(brand.hosts):
        _must(HOST.fullmatch(host), f"hosts.{number}", "a host name in lower case, without scheme")
        _must(host.count(":") != 1, f"hosts.{number}", "a host name without a port")
    _must(is_currency(brand.currency), "currency", "a currency code of ISO 4217, such as EUR")
    _must(brand.languages, "languages", "at least one language")
    for number, language in enumerate(brand.languages):
        _must(_is_language(language), f"languages.{number}", "a language code, such as en or nl-BE")
    _must(brand.time_zone in available_timezones(), "time_zone", "a time zone of IANA, such as Europe/Amsterdam")


def _check_numbers(brand: Brand) -> None:
    _must(brand.points_per_kwh >= 0, "points_per_kwh", "0 or more")
    _must(brand.hold_cap_minor > 0, "hold_cap_minor", "more than 0")


def _check_is_free(brand: Brand, others: list[Brand]) -> None:
    for other in others:
        if other.slug == brand.slug:
            raise Invalid(f"there is already a brand {other.slug}", "slug")
        if taken := set(other.hosts) & set(brand.hosts):
            raise Invalid(f"{', '.join(sorted(taken))} belongs to the brand {other.slug}", "hosts")


def _must(holds: object, field: str, wanted: str) -> None:
    if not holds:
        raise Invalid(f"must be {wanted}", field)


def _is_language(code: str) -> bool:
    try:
        Locale.parse(code, sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    return True
