"""The ways to get tokens at the token endpoint, and the way to give them up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import BaseGrant, InvalidGrantError, InvalidRequestError, TokenEndpointMixin
from authlib.oauth2.rfc7009 import RevocationEndpoint
from sqlalchemy.util import await_only

from emsp.accounts.tokens import Tokens, refresh, sign_in, sign_out
from emsp.errors import Invalid, Refused


class TokenGrant(BaseGrant, TokenEndpointMixin, ABC):  # type: ignore[misc]
    """What our grants share: named parameters in, a token reply (RFC 6749, section 5.1) or `invalid_grant` out."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["none"]
    PARAMETERS: ClassVar[tuple[str, ...]] = ()

    def validate_token_request(self) -> None:
        """The client is known and every parameter is there."""
        self.request.client = self.authenticate_token_endpoint_client()
        for name in self.PARAMETERS:
            if not self.request.form.get(name):
                raise InvalidRequestError(f"The parameter {name} is missing.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The tokens, or the refusal as an OAuth error."""
        try:
            outcome = await_only(self.exchange(*(self.request.form[name] for name in self.PARAMETERS)))
        except Invalid as error:
            raise InvalidRequestError(f"{error.field} {error.message}") from error
        if isinstance(outcome, Refused):
            raise InvalidGrantError(outcome.message)
        return 200, _reply(outcome), self.TOKEN_RESPONSE_HEADER

    @abstractmethod
    def exchange(self, *parameters: str) -> Coroutine[Any, Any, Tokens | Refused]:
        """What `accounts` gives for the parameters, in the order of `PARAMETERS`."""


class SignInCodeGrant(TokenGrant):
    """A code sent by e-mail becomes tokens."""

    GRANT_TYPE = "urn:emsp:grant-type:sign-in-code"
    PARAMETERS = ("email", "code")

    def exchange(self, *parameters: str) -> Coroutine[Any, Any, Tokens | Refused]:
        email, code = parameters
        return sign_in(self.server.db, self.server.brand, email, code)


class RefreshGrant(TokenGrant):
    """A refresh token becomes the next pair (RFC 6749, section 6; rotation as in RFC 9700, section 4.14.2)."""

    GRANT_TYPE = "refresh_token"
    PARAMETERS = ("refresh_token",)

    def exchange(self, *parameters: str) -> Coroutine[Any, Any, Tokens | Refused]:
        return refresh(self.server.db, self.server.brand.id, *parameters)


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Sign out (RFC 7009): either token ends the whole sign-in, and an unknown one is answered alike."""

    CLIENT_AUTH_METHODS: ClassVar = ["none"]

    def authenticate_token(self, request: Any, client: Any) -> str:
        """The token as it came; a hint of its type is not needed, and an unknown hint does no harm (section 2.1)."""
        if not request.form.get("token"):
            raise InvalidRequestError("The parameter token is missing.")
        return str(request.form["token"])

    def revoke_token(self, token: str, request: Any) -> None:
        """End the sign-in of `token` at this brand."""
        await_only(sign_out(self.server.db, self.server.brand.id, token))


GRANTS = (SignInCodeGrant, RefreshGrant)


def _reply(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in_s,
        "refresh_token": tokens.refresh_token,
    }
