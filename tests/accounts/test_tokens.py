"""Tokens ..."""

import asyncio

from sqlalchemy import text

from emsp.accounts.tables import Driver
from emsp.accounts.tokens import Tokens, driver_of, refresh, sign_out
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Refused

from .people import change, count, renew, signed_in


async def whose(brand: Brand, access_token: str) -> Driver | None:
    async with transaction() as db:
        return await driver_of(db, brand.id, access_token)


async def next_pair(brand: Brand, refresh_token: str) -> Tokens:
    tokens = await renew(brand, refresh_token)
    assert isinstance(tokens, Tokens)
    return tokens


async def test_say_who_the_driver_is(brand: Brand) -> None:
    tokens = await signed_in(brand)

    assert await whose(brand, tokens.access_token) == tokens.driver
    assert await whose(brand, tokens.refresh_token) is None
    assert await whose(brand, "anything else") is None


async def test_of_one_brand_are_nobodys_at_another(brand: Brand, other_brand: Brand) -> None:
    tokens = await signed_in(brand)

    assert await whose(other_brand, tokens.access_token) is None
    assert isinstance(await renew(other_brand, tokens.refresh_token), Refused)
    async with transaction() as db:
        await sign_out(db, other_brand.id, tokens.refresh_token)
    assert await whose(brand, tokens.access_token) == tokens.driver
    assert isinstance(await renew(brand, tokens.refresh_token), Tokens)


async def test_of_one_person_at_two_brands_are_of_two_drivers(brand: Brand, other_brand: Brand) -> None:
    here, there = await signed_in(brand), await signed_in(other_brand)

    assert here.driver.email == there.driver.email
    assert here.driver.id != there.driver.id


async def test_are_kept_as_digests_only(brand: Brand) -> None:
    tokens = await signed_in(brand)

    async with transaction() as db:
        kept = str((await db.execute(text("SELECT * FROM sign_in_token"))).all())
    assert tokens.access_token not in kept
    assert tokens.refresh_token not in kept


async def test_for_access_end_after_fifteen_minutes_and_for_refresh_after_ninety_days(brand: Brand) -> None:
    tokens = await signed_in(brand)

    await change("UPDATE sign_in_token SET access_expires_at = access_expires_at - interval '15 minutes'")
    assert await whose(brand, tokens.access_token) is None
    renewed = await next_pair(brand, tokens.refresh_token)
    assert await whose(brand, renewed.access_token) == tokens.driver

    await change("UPDATE sign_in_token SET refresh_expires_at = refresh_expires_at - interval '90 days'")
    assert isinstance(await renew(brand, renewed.refresh_token), Refused)
    assert await count("sign_in_token WHERE revoked_at IS NOT NULL") == 0


async def test_are_new_after_each_refresh(brand: Brand) -> None:
    first = await signed_in(brand)
    second = await next_pair(brand, first.refresh_token)
    third = await next_pair(brand, second.refresh_token)

    pairs = (first, second, third)
    assert len({token for pair in pairs for token in (pair.access_token, pair.refresh_token)}) == 6
    assert {pair.driver.id for pair in pairs} == {first.driver.id}
    async with transaction() as db:
        assert await db.scalar(text("SELECT count(DISTINCT family_id) FROM sign_in_token")) == 1


async def test_asked_for_in_parallel_are_one_pair(brand: Brand) -> None:
    tokens = await signed_in(brand)

    outcomes = await asyncio.gather(*(renew(brand, tokens.refresh_token) for _ in range(8)))

    pairs = [(pair.access_token, pair.refresh_token) for pair in outcomes if isinstance(pair, Tokens)]
    assert len(pairs) == 8
    assert len(set(pairs)) == 1
    assert (await count("sign_in_token"), await count("sign_in_token WHERE refreshed_at IS NOT NULL")) == (2, 1)


async def test_whose_reply_was_lost_are_given_again_within_thirty_seconds(brand: Brand) -> None:
    tokens = await signed_in(brand)
    lost = await next_pair(brand, tokens.refresh_token)
    await change("UPDATE sign_in_token SET refreshed_at = refreshed_at - interval '25 seconds'")

    again = await next_pair(brand, tokens.refresh_token)

    assert (again.access_token, again.refresh_token) == (lost.access_token, lost.refresh_token)
    assert 0 < again.expires_in_s <= 900
    assert await whose(brand, again.access_token) == tokens.driver


async def test_of_a_family_end_together_when_a_used_one_comes_again_later(brand: Brand) -> None:
    elsewhere = await signed_in(brand)
    stolen = await signed_in(brand)
    newer = await next_pair(brand, stolen.refresh_token)
    await change("UPDATE sign_in_token SET refreshed_at = refreshed_at - interval '31 seconds'")

    refused = await renew(brand, stolen.refresh_token)

    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == ("INVALID_TOKEN", ["refresh_token"])
    assert await whose(brand, newer.access_token) is None
    assert isinstance(await renew(brand, newer.refresh_token), Refused)
    assert await whose(brand, elsewhere.access_token) == elsewhere.driver


async def test_made_while_their_family_is_revoked_do_not_outlive_it(brand: Brand) -> None:
    stolen = await signed_in(brand)
    newer = await next_pair(brand, stolen.refresh_token)
    await change("UPDATE sign_in_token SET refreshed_at = refreshed_at - interval '31 seconds'")

    async with transaction() as db:
        assert isinstance(await refresh(db, brand.id, newer.refresh_token), Tokens)
        thief = asyncio.create_task(renew(brand, stolen.refresh_token))
        await asyncio.wait([thief], timeout=0.3)
        assert not thief.done()

    assert isinstance(await thief, Refused)
    assert await count("sign_in_token WHERE revoked_at IS NULL") == 0


async def test_are_worthless_after_signing_out_with_either(brand: Brand) -> None:
    for kind in ("access_token", "refresh_token"):
        tokens = await signed_in(brand)
        async with transaction() as db:
            await sign_out(db, brand.id, getattr(tokens, kind))

        assert await whose(brand, tokens.access_token) is None
        assert isinstance(await renew(brand, tokens.refresh_token), Refused)


async def test_are_left_alone_by_signing_out_with_something_else(brand: Brand) -> None:
    tokens = await signed_in(brand)
    async with transaction() as db:
        await sign_out(db, brand.id, "anything else")

    assert await whose(brand, tokens.access_token) == tokens.driver
