"""A sign-in code ..."""

import asyncio

import pytest
from sqlmodel import select

from emsp.accounts.codes import request_code
from emsp.accounts.tables import SignInCode
from emsp.accounts.tokens import Tokens
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, Refused
from emsp.vault import digest

from .people import ADA, another, ask_for_code, change, count, enter, outbox, signed_in


async def test_is_six_digits_in_an_e_mail_in_the_language_asked_for(brand: Brand) -> None:
    code = await ask_for_code(brand, language="nl-BE")

    mails = await outbox(ADA)
    assert [(mail.subject, mail.sender_name, mail.sent_at) for mail in mails] == [
        (f"{code} is je inlogcode voor Volt", "Volt", None)
    ]
    assert "binnen 10 minuten" in mails[0].body


async def test_comes_in_the_brands_first_language_where_it_does_not_speak_the_other(other_brand: Brand) -> None:
    code = await ask_for_code(other_brand, language="fr")

    assert (await outbox(ADA))[0].subject == f"{code} is je inlogcode voor Stroom"


async def test_is_kept_as_a_digest_only(brand: Brand) -> None:
    code = await ask_for_code(brand)

    async with transaction() as db:
        (kept,) = await db.scalars(select(SignInCode))
    assert kept.code_digest == digest(f"{brand.id} {ADA} {code}")
    assert code not in (str(kept.id), kept.email, kept.code_digest)


async def test_signs_in_once_and_gives_the_new_driver_its_language(brand: Brand) -> None:
    code = await ask_for_code(brand, language="de")

    first, second = await enter(brand, code), await enter(brand, code)

    assert isinstance(first, Tokens)
    assert (first.driver.email, first.driver.language, first.driver.brand_id) == (ADA, "de", brand.id)
    assert first.expires_in_s == 900
    assert isinstance(second, Refused)
    assert (second.code, second.field) == ("INVALID_CODE", ["code"])
    assert (await count("driver"), await count("sign_in_token")) == (1, 1)


async def test_may_be_typed_with_spaces_and_the_address_in_capitals(brand: Brand) -> None:
    code = await ask_for_code(brand, " Ada@Example.COM ")

    tokens = await enter(brand, f" {code[:3]} {code[3:]}", "ADA@example.com")

    assert isinstance(tokens, Tokens)
    assert tokens.driver.email == ADA


async def test_used_in_parallel_signs_in_once(brand: Brand) -> None:
    code = await ask_for_code(brand)

    outcomes = await asyncio.gather(*(enter(brand, code) for _ in range(8)))

    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1
    assert (await count("driver"), await count("sign_in_token")) == (1, 1)


async def test_is_worthless_after_ten_minutes(brand: Brand) -> None:
    code = await ask_for_code(brand)
    await change("UPDATE sign_in_code SET expires_at = expires_at - interval '10 minutes'")

    assert isinstance(await enter(brand, code), Refused)
    assert (await count("driver"), await count("sign_in_token")) == (0, 0)


async def test_survives_four_wrong_tries_and_not_the_fifth(brand: Brand) -> None:
    code = await ask_for_code(brand)
    for _ in range(4):
        assert isinstance(await enter(brand, another(code)), Refused)
    assert isinstance(await enter(brand, code), Tokens)

    code = await ask_for_code(brand)
    for _ in range(5):
        assert isinstance(await enter(brand, another(code)), Refused)
    assert isinstance(await enter(brand, code), Refused)
    assert await count("sign_in_code WHERE attempts = 5 AND used_at IS NULL") == 1


async def test_cannot_be_guessed_faster_in_parallel(brand: Brand) -> None:
    code = await ask_for_code(brand)
    guesses = [another(code)] * 10

    outcomes = await asyncio.gather(*(enter(brand, guess) for guess in guesses))

    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert isinstance(await enter(brand, code), Refused)
    assert await count("sign_in_code WHERE attempts = 5") == 1


async def test_closes_the_other_open_codes_of_the_address(brand: Brand) -> None:
    earlier, later = await ask_for_code(brand), await ask_for_code(brand)

    assert isinstance(await enter(brand, earlier), Tokens)
    assert isinstance(await enter(brand, later), Refused)


async def test_of_one_brand_or_address_is_no_code_at_another(brand: Brand, other_brand: Brand) -> None:
    code = await ask_for_code(brand)

    assert isinstance(await enter(other_brand, code), Refused)
    assert isinstance(await enter(brand, code, "bob@example.com"), Refused)
    assert isinstance(await enter(brand, code), Tokens)
    assert await count("driver") == 1


async def test_is_refused_past_five_in_a_quarter_of_an_hour_even_in_parallel(brand: Brand) -> None:
    async def ask() -> str:
        try:
            async with transaction() as db:
                await request_code(db, brand, ADA)
        except Refused as refused:
            return refused.code
        return "SENT"

    outcomes = await asyncio.gather(*(ask() for _ in range(8)))

    assert sorted(outcomes) == ["SENT"] * 5 + ["TOO_MANY_REQUESTS"] * 3
    assert (await count("sign_in_code"), await count("mail")) == (5, 5)
    await ask_for_code(brand, "bob@example.com")
    await change("UPDATE sign_in_code SET created_at = created_at - interval '15 minutes'")
    assert await ask() == "SENT"


async def test_is_refused_past_twenty_in_a_day(brand: Brand) -> None:
    for _ in range(4):
        for _ in range(5):
            await ask_for_code(brand)
        await change("UPDATE sign_in_code SET created_at = created_at - interval '15 minutes'")

    with pytest.raises(Refused, match="Too many codes"):
        await ask_for_code(brand)


async def test_is_sent_alike_to_known_and_unknown_addresses(brand: Brand) -> None:
    await signed_in(brand, "known@example.com")

    for email in ("known@example.com", "unknown@example.com"):
        code = await ask_for_code(brand, email)
        refused = await enter(brand, another(code), email)
        assert isinstance(refused, Refused)
        assert refused.message == "The code is wrong, used or expired; after 5 wrong tries ask for a new one."
        assert (await outbox(email))[-1].subject == f"{code} is your Volt sign-in code"


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "ada@-a.com", "ada@ex_ample.com",
     "ada@example..com", "ada@example.com\nBcc: eve@example.com", "a" * 65 + "@example.com", "åda@example.com"],
)  # fmt: skip
async def test_is_not_sent_to_what_is_no_address(brand: Brand, email: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ask_for_code(brand, email)

    assert caught.value.field == "email"
    assert (await count("sign_in_code"), await count("mail")) == (0, 0)
