"""Forgetting ..."""

from emsp.accounts.forget import forget_expired
from emsp.brands.tables import Brand

from .people import ask_for_code, change, count, signed_in


async def everything() -> tuple[int, int, int, int]:
    return (await count("driver"), await count("sign_in_code"), await count("sign_in_token"), await count("mail"))


async def test_takes_what_is_of_no_more_use_and_leaves_the_rest(brand: Brand) -> None:
    await signed_in(brand, "old@example.com")
    await change("UPDATE sign_in_code SET created_at = created_at - interval '1 day'")
    await change("UPDATE sign_in_token SET refresh_expires_at = refresh_expires_at - interval '90 days'")
    await change("UPDATE mail SET created_at = created_at - interval '30 days'")
    await signed_in(brand, "new@example.com")
    await ask_for_code(brand)
    assert await everything() == (2, 3, 2, 3)

    await forget_expired()
    await forget_expired()

    assert await everything() == (2, 2, 1, 2)
