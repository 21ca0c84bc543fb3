"""Sign in with a code, stay signed in, sign out."""

import re
from typing import Any

from sqlalchemy import select

from emsp.accounts.tables import Mail
from emsp.db.engine import transaction
from tests.graphql.conftest import Api, Town

REQUEST = """mutation ($email: String!, $language: String) {
  requestSignInCode(input: {email: $email, language: $language}) { email errors { code field } }
}"""
SIGN_IN = """mutation ($email: String!, $code: String!) {
  signIn(input: {email: $email, code: $code}) {
    accessToken refreshToken expiresAt viewer { driver { email language } sessions { totalCount } }
    errors { code reason field }
  }
}"""
REFRESH = """mutation ($refreshToken: String!) {
  refreshSignIn(input: {refreshToken: $refreshToken}) {
    accessToken refreshToken viewer { driver { email } } errors { code reason field }
  }
}"""
WHO = "{ viewer { driver { email } } }"


async def _code(api: Api, email: str) -> str:
    """The code that came by e-mail."""
    await api.ask(REQUEST, email=email)
    async with transaction() as db:
        mails = await db.scalars(select(Mail).where(Mail.recipient == email))  # type: ignore[arg-type]
        return re.findall(r"\b\d{6}\b", list(mails)[-1].body)[0]


async def _signed_in(api: Api, email: str) -> Any:
    return (await api.ask(SIGN_IN, email=email, code=await _code(api, email)))["signIn"]


async def test_that_a_code_signs_in_and_the_token_is_good_at_once(api: Api, town: Town) -> None:
    signed_in = await _signed_in(api, "eve@example.com")

    assert signed_in["errors"] == []
    assert signed_in["viewer"] == {
        "driver": {"email": "eve@example.com", "language": "en"},
        "sessions": {"totalCount": 0},
    }
    assert signed_in["expiresAt"].endswith("Z")
    assert await api.ask(WHO, signed_in["accessToken"]) == {"viewer": {"driver": {"email": "eve@example.com"}}}


async def test_that_a_wrong_code_is_refused_as_data(api: Api, town: Town) -> None:
    code = await _code(api, "eve@example.com")
    wrong = f"{(int(code) + 1) % 10**6:06}"

    refused = (await api.ask(SIGN_IN, email="eve@example.com", code=wrong))["signIn"]

    assert refused["accessToken"] is None
    assert refused["viewer"] is None
    assert refused["errors"] == [{"code": "INVALID_CODE", "reason": "INVALID_CODE", "field": ["input", "code"]}]


async def test_that_five_wrong_tries_spend_a_code(api: Api, town: Town) -> None:
    code = await _code(api, "eve@example.com")
    for _ in range(5):
        await api.ask(SIGN_IN, email="eve@example.com", code=f"{(int(code) + 1) % 10**6:06}")
    assert (await api.ask(SIGN_IN, email="eve@example.com", code=code))["signIn"]["accessToken"] is None


async def test_that_the_answer_is_the_same_for_known_and_unknown_addresses(api: Api, town: Town) -> None:
    known = await api.ask(REQUEST, email="ada@example.com")
    unknown = await api.ask(REQUEST, email="bob@example.com")
    assert known == {"requestSignInCode": {"email": "ada@example.com", "errors": []}}
    assert unknown == {"requestSignInCode": {"email": "bob@example.com", "errors": []}}


async def test_that_what_is_no_address_is_told_as_data(api: Api, town: Town) -> None:
    answer = (await api.ask(REQUEST, email="nobody"))["requestSignInCode"]
    assert answer == {"email": None, "errors": [{"code": "INVALID_INPUT", "field": ["input", "email"]}]}


async def test_that_codes_are_rationed(api: Api, town: Town) -> None:
    answers = [(await api.ask(REQUEST, email="eve@example.com"))["requestSignInCode"] for _ in range(6)]
    assert [len(answer["errors"]) for answer in answers] == [0, 0, 0, 0, 0, 1]
    assert answers[-1]["errors"][0]["code"] == "TOO_MANY_REQUESTS"


async def test_that_a_refresh_token_is_exchanged_for_the_next_pair(api: Api, town: Town) -> None:
    signed_in = await _signed_in(api, "eve@example.com")

    next_pair = (await api.ask(REFRESH, refreshToken=signed_in["refreshToken"]))["refreshSignIn"]
    refused = (await api.ask(REFRESH, refreshToken="bogus"))["refreshSignIn"]

    assert next_pair["viewer"] == {"driver": {"email": "eve@example.com"}}
    assert next_pair["refreshToken"] != signed_in["refreshToken"]
    assert (await api.ask(WHO, next_pair["accessToken"]))["viewer"] is not None
    assert refused["errors"] == [
        {"code": "INVALID_TOKEN", "reason": "INVALID_TOKEN", "field": ["input", "refreshToken"]}
    ]


async def test_that_signing_out_ends_the_tokens(api: Api, town: Town) -> None:
    signed_in = await _signed_in(api, "eve@example.com")
    document = "mutation { signOut { signedOut errors { code } } }"

    out = (await api.ask(document, signed_in["accessToken"]))["signOut"]
    nobody = (await api.ask(document))["signOut"]

    assert out == {"signedOut": True, "errors": []}
    assert nobody == {"signedOut": False, "errors": [{"code": "NOT_SIGNED_IN"}]}
    assert (await api.post(WHO, signed_in["accessToken"])).status_code == 401
    assert (await api.ask(REFRESH, refreshToken=signed_in["refreshToken"]))["refreshSignIn"]["accessToken"] is None
