"""Who a driver is: by a code, over GraphQL or over the token endpoint, at the brand that the app belongs to."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from emsp.demo.app_client import AppClient
from tests.stories.world import World

HOST = "charge.signing.example"
SIGN_IN = """
mutation ($email: String!, $code: String!) {
  signIn(input: {email: $email, code: $code}) {
    accessToken refreshToken expiresAt viewer { driver { id email } } errors { code field message }
  }
}"""
REFRESH = """
mutation ($token: String!) {
  refreshSignIn(input: {refreshToken: $token}) {
    accessToken refreshToken viewer { driver { email } } errors { code field }
  }
}"""
SIGN_OUT = "mutation ($input: SignOutInput) { signOut(input: $input) { signedOut errors { code } } }"
ME = "{ viewer { driver { id email } } }"
BRAND = "{ brand { name primaryColor currency languages supportEmail logoUrl } }"


@pytest.fixture(scope="module")
def brand(world: World) -> str:
    """A brand with a host name of its own."""
    look = ["--name", "Signing", "--color", "#AA00bb", "--currency", "CHF", "--support-email", "help@signing.example"]
    languages = ["--language", "de", "--language", "fr"]
    world.processes.run("brands", "add", "signing", *look, *languages, "--host", HOST, "--json")
    return "signing"


async def test_that_a_code_signs_in_once(world: World) -> None:
    email, app = _somebody(), AppClient(world.api)
    code = await world.sign_in_code(app, email)

    signed_in = (await app.ask(SIGN_IN, email=email, code=code))["signIn"]

    assert signed_in["viewer"]["driver"]["email"] == email
    app.token = signed_in["accessToken"]
    assert (await app.ask(ME))["viewer"]["driver"] == signed_in["viewer"]["driver"]
    again = (await AppClient(world.api).try_(SIGN_IN, email=email, code=code))["signIn"]
    assert again["accessToken"] is again["refreshToken"] is again["viewer"] is None
    assert [error["code"] for error in again["errors"]] == ["INVALID_CODE"]


async def test_that_a_wrong_code_gives_nothing_and_five_of_them_end_the_right_one(world: World) -> None:
    email, app = _somebody(), AppClient(world.api)
    code = await world.sign_in_code(app, email)
    wrong = f"{(int(code) + 1) % 10**6:06}"

    for _ in range(5):
        refused = (await app.try_(SIGN_IN, email=email, code=wrong))["signIn"]
        assert refused == {
            "accessToken": None,
            "refreshToken": None,
            "expiresAt": None,
            "viewer": None,
            "errors": [
                {"code": "INVALID_CODE", "field": ["input", "code"], "message": refused["errors"][0]["message"]}
            ],
        }
        assert "wrong" in refused["errors"][0]["message"]
    late = (await app.try_(SIGN_IN, email=email, code=code))["signIn"]

    assert late["accessToken"] is None
    assert [error["code"] for error in late["errors"]] == ["INVALID_CODE"]


async def test_that_a_code_is_good_for_the_address_that_it_was_sent_to(world: World) -> None:
    email, app = _somebody(), AppClient(world.api)
    code = await world.sign_in_code(app, email)

    refused = (await app.try_(SIGN_IN, email=_somebody(), code=code))["signIn"]

    assert refused["viewer"] is None
    assert (await app.ask(SIGN_IN, email=email, code=code))["signIn"]["viewer"]["driver"]["email"] == email


async def test_that_what_is_no_address_is_named(world: World) -> None:
    ask = 'mutation { requestSignInCode(input: {email: "nobody"}) { email errors { code field } } }'

    answer = (await AppClient(world.api).try_(ask))["requestSignInCode"]

    assert answer == {"email": None, "errors": [{"code": "INVALID_INPUT", "field": ["input", "email"]}]}


async def test_that_a_refresh_gives_the_next_pair_and_a_sign_out_ends_all_of_them(world: World) -> None:
    email, app = _somebody(), AppClient(world.api)
    first = (await app.ask(SIGN_IN, email=email, code=await world.sign_in_code(app, email)))["signIn"]

    second = (await app.ask(REFRESH, token=first["refreshToken"]))["refreshSignIn"]
    repeated = (await app.ask(REFRESH, token=first["refreshToken"]))["refreshSignIn"]

    assert second["viewer"]["driver"]["email"] == email
    assert {second["accessToken"], second["refreshToken"]}.isdisjoint({first["accessToken"], first["refreshToken"]})
    assert repeated == second, "a reply that was lost comes again"
    app.token = second["accessToken"]
    assert (await app.ask(SIGN_OUT))["signOut"] == {"signedOut": True, "errors": []}
    for token in (first["accessToken"], second["accessToken"]):
        assert await _is_stranger(world, token)
    app.token = None
    for token in (first["refreshToken"], second["refreshToken"], "nonsense"):
        refused = (await app.try_(REFRESH, token=token))["refreshSignIn"]
        assert refused["accessToken"] is None
        assert refused["errors"] == [{"code": "INVALID_TOKEN", "field": ["input", "refreshToken"]}]


async def test_that_one_sign_out_leaves_the_other_device_signed_in(world: World) -> None:
    email = _somebody()
    phone, tablet = await world.driver(card=None, email=email), await world.driver(card=None, email=email)

    await phone.ask(SIGN_OUT)

    assert await _is_stranger(world, phone.token or "")
    assert (await tablet.ask(ME))["viewer"]["driver"]["email"] == email
    nobody = (await AppClient(world.api).try_(SIGN_OUT))["signOut"]
    assert nobody == {"signedOut": False, "errors": [{"code": "NOT_SIGNED_IN"}]}


async def test_that_the_token_endpoint_does_the_same_by_oauth(world: World) -> None:
    email, login = _somebody(), Login(world)
    code = await world.sign_in_code(AppClient(world.api), email)

    wrong = login.by_code(email, f"{(int(code) + 1) % 10**6:06}")
    tokens = login.by_code(email, code)
    used = login.by_code(email, code)
    refreshed = login.post("token", grant_type="refresh_token", refresh_token=tokens.json()["refresh_token"])

    for refused in (wrong, used):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert "access_token" not in refused.text
    for granted in (tokens, refreshed):
        assert (granted.status_code, granted.headers["cache-control"]) == (200, "no-store")
        assert set(granted.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (granted.json()["token_type"], granted.json()["expires_in"]) == ("Bearer", 900)
    app = AppClient(world.api, token=refreshed.json()["access_token"])
    assert (await app.ask(ME))["viewer"]["driver"]["email"] == email
    assert login.post("revoke", token=refreshed.json()["refresh_token"]).status_code == 200
    assert await _is_stranger(world, refreshed.json()["access_token"])
    over = login.post("token", grant_type="refresh_token", refresh_token=refreshed.json()["refresh_token"])
    assert (over.status_code, over.json()["error"]) == (400, "invalid_grant")


async def test_that_the_token_endpoint_says_what_is_wrong_with_a_request(world: World, brand: str) -> None:
    login = Login(world)

    def error(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["error"]

    assert error(login.post("token", grant_type="password", username="a", password="b")) == (
        400,
        "unsupported_grant_type",
    )
    assert error(login.post("token", email="a@example.com", code="1")) == (400, "invalid_request")
    assert error(login.post("token", grant_type=Login.BY_CODE, email="a@example.com")) == (400, "invalid_request")
    assert error(login.post("token", client_id="other", grant_type="refresh_token", refresh_token="x"))[1] == (
        "invalid_client"
    )
    assert error(Login(world, {"X-Brand": "nobodys"}).by_code("a@example.com", "1")) == (400, "invalid_request")
    assert error(Login(world, {"X-Brand": brand}).by_code("a@example.com", "1")) == (400, "invalid_grant")


async def test_that_the_brand_is_chosen_by_header_or_by_host_and_shows_its_look(world: World, brand: str) -> None:
    look = {
        "name": "Signing",
        "primaryColor": "#AA00bb",
        "currency": "CHF",
        "languages": ["de", "fr"],
        "supportEmail": "help@signing.example",
        "logoUrl": None,
    }
    by_default = (await AppClient(world.api).ask(BRAND))["brand"]

    for headers in ({"X-Brand": brand}, {"Host": HOST}, {"Host": f"{HOST.upper()}:8443"}):
        assert (await AppClient(world.api, headers=headers).ask(BRAND))["brand"] == look
    assert by_default["name"] != look["name"]
    assert (await AppClient(world.api, headers={"Host": "elsewhere.example"}).ask(BRAND))["brand"] == by_default
    both = AppClient(world.api, headers={"Host": HOST, "X-Brand": "demo"})
    assert (await both.ask(BRAND))["brand"] == by_default, "the header says it more clearly than the host"


async def test_that_an_unknown_brand_is_not_taken_for_the_default_one(world: World) -> None:
    answer = _posted(world, BRAND, {"X-Brand": "nobodys"})

    assert answer.status_code == 404
    assert answer.json()["data"] is None
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["NOT_FOUND"]


async def test_that_one_address_is_two_drivers_at_two_brands(world: World, brand: str) -> None:
    email = _somebody()
    here, there = await world.driver(card=None, email=email), AppClient(world.api, headers={"Host": HOST})
    code = await world.sign_in_code(there, email)

    elsewhere = (await here.try_(SIGN_IN, email=email, code=code))["signIn"]
    signed_in = (await there.ask(SIGN_IN, email=email, code=code))["signIn"]

    assert elsewhere["viewer"] is None, "a code is good at the brand that sent it"
    assert signed_in["viewer"]["driver"]["email"] == email
    assert signed_in["viewer"]["driver"]["id"] != (await here.ask(ME))["viewer"]["driver"]["id"]
    assert await _is_stranger(world, signed_in["accessToken"])


@dataclass
class Login:
    """An app at the token endpoint."""

    world: World
    headers: dict[str, str] | None = None
    BY_CODE = "urn:emsp:grant-type:sign-in-code"

    def post(self, endpoint: str, **form: str) -> httpx.Response:
        return httpx.post(f"{self.world.api}/login/{endpoint}", data={"client_id": "app"} | form, headers=self.headers)

    def by_code(self, email: str, code: str) -> httpx.Response:
        return self.post("token", grant_type=self.BY_CODE, email=email, code=code)


def _somebody() -> str:
    return f"{uuid4().hex[:12]}@example.com"


async def _is_stranger(world: World, token: str) -> bool:
    """Whether nobody is known by a token at the default brand."""
    answer = _posted(world, ME, {"Authorization": f"Bearer {token}"})
    codes = [error["extensions"]["code"] for error in answer.json().get("errors") or []]
    return (answer.status_code, answer.json()["data"], codes) == (401, None, ["UNAUTHENTICATED"])


def _posted(world: World, document: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{world.api}/graphql", json={"query": document}, headers=headers)
