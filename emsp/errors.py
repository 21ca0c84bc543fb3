"""The errors that features raise; each edge has one table of what they become there.

EmspError
├── Refused          an expected no, with a code, a sentence and the field: data for the person who asked
├── NotFound         no such thing, or not theirs: the two look the same from outside
├── Invalid          what came in cannot be understood; names the field
├── PartnerFailed    a partner did not answer, or answered with an error
│   └── PartnerUnreachable   nothing was answered; whether it was done is not known
└── ProcessorFailed  the card processor did not answer, or not usefully
    ├── KeyReused    an idempotency key came with something else than before
    └── Declined     the card was declined, with a reason the driver may see
        └── AuthenticationRequired  the bank wants the driver to confirm
"""

from __future__ import annotations


class EmspError(Exception):
    """Anything that this product raises on purpose."""


class Refused(EmspError):
    """An expected no. `code` is one of the codes that the mutation documents."""

    def __init__(self, code: str, message: str, *field: str) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, list(field)


class NotFound(EmspError):
    """There is no such thing for whoever asks."""


class Invalid(EmspError):
    """Input that cannot be understood. `field` is the path to what is wrong."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message, self.field = message, field


class PartnerFailed(EmspError):
    """A partner answered with an error, or could not be called."""


class PartnerAway(PartnerFailed):
    """The partner could not be called at all: nothing reached it."""


class PartnerUnreachable(PartnerFailed):
    """The call got no usable answer; it may still have taken effect."""


class ProcessorFailed(EmspError):
    """The card processor could not be reached or answered with a fault; worth another try."""


class KeyReused(ProcessorFailed):
    """The same idempotency key came with something else than the first time; trying again does not help."""


class Declined(ProcessorFailed):
    """The card was declined. `code` is the processor's decline code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class AuthenticationRequired(Declined):
    """The bank asks the driver to confirm; `client_secret` lets the app do it."""

    def __init__(self, message: str, client_secret: str | None = None) -> None:
        super().__init__("authentication_required", message)
        self.client_secret = client_secret
