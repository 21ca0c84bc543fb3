"""Bank accounts for SEPA Direct Debit: the test IBANs of Stripe's documentation, and what becomes of a debit.

`pm_<outcome>_<country>` leads here as well. One difference is deliberate: no debit is decided by the clock. It is under
way until the sandbox is told to go on, and then does what its account is known for, or what it is told.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = {
    "charge_exceeds_source_limit": "The payment exceeds the weekly volume limit of this account.",
    "charge_exceeds_weekly_limit": "The payment exceeds the weekly number of payments of this account.",
    "debit_not_authorized": "The customer has told their bank that this payment was not authorised.",
    "generic_could_not_process": "This payment could not be processed.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "no_account": "The account behind this payment could not be found.",
}


@dataclass(frozen=True)
class BankAccount:
    """An account: debits of it succeed, unless there is a `failure_code`; then they are taken back if `disputes`."""

    iban: str
    failure_code: str | None = None
    disputes: bool = False

    @property
    def country(self) -> str:
        return self.iban[:2]

    @property
    def last4(self) -> str:
        return self.iban[-4:]


FAILS = "generic_could_not_process"

ACCOUNTS: dict[str, BankAccount] = {
    "success_de": BankAccount("DE89370400440532013000"),
    "successDelayed_de": BankAccount("DE08370400440532013003"),
    "failed_de": BankAccount("DE62370400440532013001", FAILS),
    "failedDelayed_de": BankAccount("DE78370400440532013004", FAILS),
    "disputed_de": BankAccount("DE35370400440532013002", disputes=True),
    "exceedsWeeklyVolumeLimit_de": BankAccount("DE65370400440000343434", "charge_exceeds_source_limit"),
    "exceedsWeeklyTransactionLimit_de": BankAccount("DE27370400440000121212", "charge_exceeds_weekly_limit"),
    "insufficientFunds_de": BankAccount("DE65370400440002222227", "insufficient_funds"),
    "success_nl": BankAccount("NL39RABO0300065264"),
    "successDelayed_nl": BankAccount("NL55RABO0300065267"),
    "failed_nl": BankAccount("NL91ABNA0417164300", FAILS),
    "failedDelayed_nl": BankAccount("NL28RABO0300065268", FAILS),
    "disputed_nl": BankAccount("NL82RABO0300065266", disputes=True),
    "success_at": BankAccount("AT611904300234573201"),
    "success_fr": BankAccount("FR1420041010050500013M02606"),
}

_BY_IBAN = {account.iban: name for name, account in ACCOUNTS.items()}


def by_shared_id(payment_method_id: str) -> str | None:
    """The account's name behind a shared test id such as `pm_success_de`."""
    name = payment_method_id.removeprefix("pm_")
    return name if name != payment_method_id and name in ACCOUNTS else None


def by_iban(iban: str) -> str | None:
    """The account's name behind a test IBAN, spaces allowed."""
    return _BY_IBAN.get(iban.replace(" ", "").upper())
