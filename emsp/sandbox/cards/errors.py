"""Everything the processor may refuse, with the HTTP status and error object that Stripe's API gives it.

Two facts decide what happens around an error: `keeps_changes` (a declined card leaves a failed charge
behind, a refused request leaves nothing) and `is_replayable` (whether execution had begun, so that the
answer belongs to the idempotency key).
"""

from __future__ import annotations

from typing import Any


class CardsError(Exception):
    """An answer other than 200: `body()` is the JSON that Stripe's clients expect."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None
    keeps_changes = False
    is_replayable = True

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, **also: Any) -> None:
        super().__init__(message)
        named = {"param": param, "code": code or self.code, **also}
        self.details = {name: value for name, value in named.items() if value is not None}

    def body(self) -> dict[str, Any]:
        """The error object, as documented in Stripe's API reference under Errors."""
        return {"error": {"type": self.type, "message": str(self), **self.details}}


class NotAuthenticated(CardsError):
    """No API key, or one that is not ours."""

    status = 401
    is_replayable = False


class NotPermitted(CardsError):
    """A publishable key where a secret key is needed."""

    status = 403
    code = "secret_key_required"
    is_replayable = False


class BadParameter(CardsError):
    """A parameter is missing, unknown or malformed; nothing was executed."""

    is_replayable = False


class NoSuchRoute(CardsError):
    """A path or method that the sandbox does not serve."""

    status = 404
    is_replayable = False


class NotFound(CardsError):
    """An id that does not exist here."""

    status = 404
    code = "resource_missing"

    def __init__(self, kind: str, object_id: str, param: str) -> None:
        super().__init__(f"No such {kind}: '{object_id}'", param=param)


class Refused(CardsError):
    """Well-formed, but against a rule of the object it is about."""


class CardDeclined(CardsError):
    """The card's issuer said no, or asked for an authentication that nobody is there to give."""

    status = 402
    type = "card_error"
    code = "card_declined"
    keeps_changes = True


class KeyUsedDifferently(CardsError):
    """An idempotency key came back with another request than its first."""

    type = "idempotency_error"
    is_replayable = False


class KeyInFlight(CardsError):
    """An idempotency key came back while its first request is still running."""

    status = 409
    code = "idempotency_key_in_use"
    is_replayable = False


class TooManyRequests(CardsError):
    """The rate limit, on demand."""

    status = 429
    code = "rate_limit"
    is_replayable = False


class ServerFailed(CardsError):
    """The processor's own failure; whether anything happened is for the caller to find out."""

    status = 500
    type = "api_error"
