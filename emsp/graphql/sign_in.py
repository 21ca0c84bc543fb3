"""Sign in with a code sent by e-mail, stay signed in, sign out."""

from datetime import datetime, timedelta
from enum import Enum

import strawberry
from strawberry import field

from emsp import clock
from emsp.accounts.codes import request_code
from emsp.accounts.tokens import Tokens, refresh, sign_in, sign_out
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.graphql.account import Viewer
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.viewer import Info


@strawberry.input(description="Whom to send a code.")
class RequestSignInCodeInput:
    email: str = field(
        description="Where to send it; the answer is the same whether somebody signed in with it before."
    )
    language: str | None = field(
        default=strawberry.UNSET, description="The language of the e-mail (ISO 639-1); without it the request's."
    )


@strawberry.enum(description="Why no code was sent.")
class RequestSignInCodeErrorCode(Enum):
    TOO_MANY_REQUESTS = value("TOO_MANY_REQUESTS", "Too many codes were asked for; try again later.")
    INVALID_INPUT = value("INVALID_INPUT", "The address is none.")


@strawberry.type(description="Why no code was sent.")
class RequestSignInCodeError(UserError):
    reason: RequestSignInCodeErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a request for a code.")
class RequestSignInCodePayload:
    email: str | None = field(default=None, description="Where a code is on its way to; null when there are errors.")
    errors: list[RequestSignInCodeError] = field(default_factory=list, description="Why none was sent.")


@strawberry.input(description="The code from the e-mail.")
class SignInInput:
    email: str = field(description="The address that it was sent to.")
    code: str = field(description="The code.")


@strawberry.enum(description="Why somebody was not signed in.")
class SignInErrorCode(Enum):
    INVALID_CODE = value("INVALID_CODE", "The code is wrong, used or expired, or was tried too often.")
    INVALID_INPUT = value("INVALID_INPUT", "The address is none.")


@strawberry.type(description="Why somebody was not signed in.")
class SignInError(UserError):
    reason: SignInErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="The tokens of a sign-in; null when there are errors.")
class SignInPayload:
    access_token: str | None = field(default=None, description="To be sent as `Authorization: Bearer …`.")
    refresh_token: str | None = field(default=None, description="To be exchanged, once, for the next pair.")
    expires_at: datetime | None = field(default=None, description="When the access token ends.")
    viewer: Viewer | None = field(default=None, description="Who is signed in now.")
    errors: list[SignInError] = field(default_factory=list, description="Why nobody is.")


@strawberry.input(description="The refresh token of a sign-in.")
class RefreshSignInInput:
    refresh_token: str = field(description="The newest one.")


@strawberry.enum(description="Why a sign-in was not prolonged.")
class RefreshSignInErrorCode(Enum):
    INVALID_TOKEN = value("INVALID_TOKEN", "The token is unknown, used, expired or revoked: sign in again.")


@strawberry.type(description="Why a sign-in was not prolonged.")
class RefreshSignInError(UserError):
    reason: RefreshSignInErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="The next tokens of a sign-in; null when there are errors.")
class RefreshSignInPayload:
    access_token: str | None = field(default=None, description="To be sent as `Authorization: Bearer …`.")
    refresh_token: str | None = field(default=None, description="To be exchanged, once, for the next pair.")
    expires_at: datetime | None = field(default=None, description="When the access token ends.")
    viewer: Viewer | None = field(default=None, description="Who is signed in.")
    errors: list[RefreshSignInError] = field(default_factory=list, description="Why nobody is.")


@strawberry.input(description="The sign-in to end.")
class SignOutInput:
    refresh_token: str | None = field(
        default=strawberry.UNSET, description="Its refresh token; without it the request's access token says which."
    )


@strawberry.enum(description="Why nobody was signed out.")
class SignOutErrorCode(Enum):
    NOT_SIGNED_IN = value("NOT_SIGNED_IN", "There is no token that says who.")


@strawberry.type(description="Why nobody was signed out.")
class SignOutError(UserError):
    reason: SignOutErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of the end of a sign-in.")
class SignOutPayload:
    signed_out: bool = field(default=False, description="Whether the tokens are worthless now.")
    errors: list[SignOutError] = field(default_factory=list, description="Why they are not.")


@strawberry.type
class SignInMutation:
    @mutation(
        RequestSignInCodePayload,
        RequestSignInCodeError,
        RequestSignInCodeErrorCode,
        "Send a sign-in code to an e-mail address.",
    )
    async def request_sign_in_code(self, info: Info, input: Input[RequestSignInCodeInput]) -> RequestSignInCodePayload:
        asker = info.context.asker
        async with transaction() as db:
            await request_code(db, asker.brand, input.email, input.language or asker.language)
        return RequestSignInCodePayload(email=input.email)

    @mutation(SignInPayload, SignInError, SignInErrorCode, "Sign in with a code; the first time makes an account.")
    async def sign_in(self, info: Info, input: Input[SignInInput]) -> SignInPayload:
        async with transaction() as db:
            tokens = await sign_in(db, info.context.asker.brand, input.email, input.code)
        tokens = _granted(info, tokens)
        return SignInPayload(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=_expiry(tokens),
            viewer=Viewer(row=tokens.driver),
        )

    @mutation(
        RefreshSignInPayload,
        RefreshSignInError,
        RefreshSignInErrorCode,
        "Exchange a refresh token for the next pair of tokens, without an access token in the request.",
    )
    async def refresh_sign_in(self, info: Info, input: Input[RefreshSignInInput]) -> RefreshSignInPayload:
        async with transaction() as db:
            tokens = await refresh(db, info.context.asker.brand.id, input.refresh_token)
        tokens = _granted(info, tokens)
        return RefreshSignInPayload(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=_expiry(tokens),
            viewer=Viewer(row=tokens.driver),
        )

    @mutation(SignOutPayload, SignOutError, SignOutErrorCode, "Make the tokens of a sign-in worthless.")
    async def sign_out(self, info: Info, input: Input[SignOutInput | None] = strawberry.UNSET) -> SignOutPayload:
        asker = info.context.asker
        token = (input and input.refresh_token) or asker.access_token
        if not token:
            raise Refused("NOT_SIGNED_IN", "There is no token that says who is to be signed out.")
        async with transaction() as db:
            await sign_out(db, asker.brand.id, token)
        return SignOutPayload(signed_out=True)


def _granted(info: Info, tokens: Tokens | Refused) -> Tokens:
    """The tokens, whose driver asks from here on; a refusal is raised only now that what it taught is kept."""
    if isinstance(tokens, Refused):
        raise tokens
    info.context.signed_in(tokens.driver, tokens.access_token)
    return tokens


def _expiry(tokens: Tokens) -> datetime:
    return clock.now() + timedelta(seconds=tokens.expires_in_s)
