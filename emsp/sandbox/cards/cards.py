"""The test cards, by the names and numbers of Stripe's testing page, and how each of them behaves.

`pm_card_<name>` and `tok_<name>` both lead here. One difference is deliberate: `chargeDeclined…` cards can
be saved and decline when they are charged, so that a declined charge of a saved card can be played with
every reason; `visa_chargeDeclined…` cards already refuse to be saved, as Stripe's do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Authentication = Literal["never", "until_set_up", "always", "on_session"]


@dataclass(frozen=True)
class Decline:
    """Why an issuer says no: Stripe's error code, decline code and the sentence for the card's owner."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class TestCard:
    """A card and its temper.

    `authentication` says when its bank wants to see the owner: `never`; `until_set_up`, on every payment in
    a session and on others unless the card was set up for them; `always`; `on_session` only.
    """

    brand: str
    number: str
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    refuses_saving: bool = False
    authentication: Authentication = "never"

    @property
    def last4(self) -> str:
        """The digits that people recognise their card by."""
        return self.number[-4:]

    def wants_authentication(self, off_session: bool, is_set_up: bool) -> bool:
        """Whether a payment is stopped until the card's owner has been authenticated."""
        if not off_session:
            return self.authentication != "never"
        return self.authentication == "always" or (self.authentication == "until_set_up" and not is_set_up)


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
GENERIC = _declined("generic_decline")
INSUFFICIENT_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.")

DECLINING = {
    "chargeDeclined": TestCard("visa", "4000000000000002", decline=GENERIC),
    "chargeDeclinedInsufficientFunds": TestCard("visa", "4000000000009995", decline=INSUFFICIENT_FUNDS),
    "chargeDeclinedLostCard": TestCard("visa", "4000000000009987", decline=_declined("lost_card")),
    "chargeDeclinedStolenCard": TestCard("visa", "4000000000009979", decline=_declined("stolen_card")),
    "chargeDeclinedFraudulent": TestCard("visa", "4100000000000019", decline=_declined("fraudulent")),
    "chargeDeclinedExpiredCard": TestCard(
        "visa", "4000000000000069", decline=Decline("expired_card", "expired_card", "Your card has expired.")
    ),
    "chargeDeclinedIncorrectCvc": TestCard(
        "visa",
        "4000000000000127",
        decline=Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    ),
    "chargeDeclinedProcessingError": TestCard(
        "visa",
        "4000000000000119",
        decline=Decline("processing_error", "processing_error", "An error occurred while processing your card."),
    ),
}

CARDS: dict[str, TestCard] = {
    "visa": TestCard("visa", "4242424242424242"),
    "visa_debit": TestCard("visa", "4000056655665556", funding="debit"),
    "mastercard": TestCard("mastercard", "5555555555554444"),
    "mastercard_debit": TestCard("mastercard", "5200828282828210", funding="debit"),
    "mastercard_prepaid": TestCard("mastercard", "5105105105105100", funding="prepaid"),
    "amex": TestCard("amex", "378282246310005"),
    "discover": TestCard("discover", "6011111111111117"),
    "diners": TestCard("diners", "3056930009020004"),
    "jcb": TestCard("jcb", "3566002020360505", country="JP"),
    "unionpay": TestCard("unionpay", "6200000000000005", country="CN"),
    "nl": TestCard("visa", "4000005280000002", country="NL"),
    "de": TestCard("visa", "4000002760000016", country="DE"),
    "fr": TestCard("visa", "4000002500000003", country="FR"),
    "be": TestCard("visa", "4000000560000004", country="BE"),
    "chargeCustomerFail": TestCard("visa", "4000000000000341", decline=GENERIC),
    "authenticationRequired": TestCard("visa", "4000002760003184", country="DE", authentication="always"),
    "authenticationRequiredOnSetup": TestCard("visa", "4000002500003155", country="FR", authentication="until_set_up"),
    "authenticationRequiredSetupForOffSession": TestCard(
        "visa", "4000003800000446", country="GR", authentication="on_session"
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        "visa", "4000008260003178", country="GB", authentication="always", decline=INSUFFICIENT_FUNDS
    ),
    "threeDSecure2Required": TestCard("visa", "4000000000003220", authentication="always"),
    **DECLINING,
    **{f"visa_{name}": replace(card, refuses_saving=True) for name, card in DECLINING.items()},
}

_BY_NUMBER = {card.number: name for name, card in reversed(CARDS.items())}


def by_shared_id(payment_method_id: str) -> str | None:
    """The card's name behind a shared test id such as `pm_card_visa`."""
    name = payment_method_id.removeprefix("pm_card_")
    return name if name != payment_method_id and name in CARDS else None


def by_token(token: str) -> str | None:
    """The card's name behind a test token such as `tok_visa`."""
    name = token.removeprefix("tok_")
    return name if name != token and name in CARDS else None


def by_number(number: str) -> str | None:
    """The card's name behind a test number, spaces allowed."""
    return _BY_NUMBER.get(number.replace(" ", ""))
