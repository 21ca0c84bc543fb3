"""Every environment variable that the product reads: its name, its default and one sentence.

`emsp settings` prints this table; README.md shows the same one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any


def _variable(name: str, default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"name": name, "sentence": sentence})


@dataclass(frozen=True)
class Settings:
    """What an installation can choose. Values are read once, at the first use."""

    database_url: str | None = _variable(
        "EMSP_DATABASE_URL", None, "PostgreSQL 15+ by URL; unset means the embedded PostgreSQL in the data folder."
    )
    database_connections: int = _variable(
        "EMSP_DATABASE_CONNECTIONS",
        15,
        "Connections to PostgreSQL that a process keeps; it opens up to 10 more while it needs them.",
    )
    data_dir: Path = _variable(
        "EMSP_DATA_DIR", Path(".data"), "Folder of the embedded database and of the generated secret key."
    )
    secret_key: str | None = _variable(
        "EMSP_SECRET_KEY",
        None,
        "Key that encrypts partners' tokens and signs quotes; unset means one kept in the data folder.",
    )
    former_secret_keys: str | None = _variable(
        "EMSP_FORMER_SECRET_KEYS",
        None,
        "Keys before EMSP_SECRET_KEY, separated by commas: they open what is kept, until `emsp partners reseal`.",
    )
    public_url: str = _variable(
        "EMSP_PUBLIC_URL",
        "http://127.0.0.1:8000",
        "Where apps, partners and Stripe reach us, without a trailing slash.",
    )
    allow_private_partners: bool = _variable(
        "EMSP_ALLOW_PRIVATE_PARTNERS", False, "Allow partners on loopback, private networks and plain http."
    )
    ocpi_country_code: str = _variable(
        "EMSP_OCPI_COUNTRY_CODE", "NL", "Country code of our OCPI party (ISO 3166-1 alpha-2)."
    )
    ocpi_party_id: str = _variable("EMSP_OCPI_PARTY_ID", "EMP", "Party id of our OCPI party (three characters).")
    ocpi_business_name: str = _variable("EMSP_OCPI_BUSINESS_NAME", "Open eMSP", "Company name that partners see.")
    ocpi_bookings: bool = _variable(
        "EMSP_OCPI_BOOKINGS", False, "Offer the bookings module of OCPI 2.3.0 to partners; it is young."
    )
    ocpi_push_tokens: bool = _variable(
        "EMSP_OCPI_PUSH_TOKENS", True, "Push drivers' tokens to partners that take them, and again when they change."
    )
    stripe_secret_key: str = _variable("EMSP_STRIPE_SECRET_KEY", "sk_test_sandbox", "Stripe's secret API key.")
    stripe_publishable_key: str = _variable(
        "EMSP_STRIPE_PUBLISHABLE_KEY", "pk_test_sandbox", "Stripe's publishable key, handed to apps."
    )
    stripe_api_base: str | None = _variable(
        "EMSP_STRIPE_API_BASE", None, "Base URL of the card processor's API; unset means Stripe itself."
    )
    stripe_webhook_secret: str = _variable(
        "EMSP_STRIPE_WEBHOOK_SECRET", "whsec_sandbox", "Secret that signs the webhooks sent to /stripe/webhooks."
    )
    smtp_url: str | None = _variable(
        "EMSP_SMTP_URL", None, "smtp://user:password@host:587 for e-mail; unset means e-mails are kept in the outbox."
    )
    mail_from: str = _variable("EMSP_MAIL_FROM", "no-reply@example.com", "Sender address of e-mails.")
    show_sign_in_codes: bool = _variable(
        "EMSP_SHOW_SIGN_IN_CODES", False, "Write sign-in codes to the log (for demos and tests only)."
    )
    playground: bool = _variable("EMSP_PLAYGROUND", True, "Serve GraphiQL and allow introspection at /graphql.")
    documents: Path | None = _variable(
        "EMSP_DOCUMENTS",
        None,
        "Folder of GraphQL documents (*.graphql, or manifests *.json) that apps may name by id and need not send.",
    )
    only_documents: bool = _variable(
        "EMSP_ONLY_DOCUMENTS", False, "Answer only the documents of EMSP_DOCUMENTS; the playground then shows nothing."
    )
    station_index: bool = _variable(
        "EMSP_STATION_INDEX", True, "Keep all stations in memory and answer searches from there; else PostgreSQL does."
    )
    plug_in_wait_s: int = _variable(
        "EMSP_PLUG_IN_WAIT_S", 180, "Seconds that a start waits for the plug before it has failed."
    )
    unconfirmed_wait_s: int = _variable(
        "EMSP_UNCONFIRMED_WAIT_S", 300, "Seconds that a start without an answer is watched before it has failed."
    )
    command_timeout_s: int = _variable(
        "EMSP_COMMAND_TIMEOUT_S", 30, "Seconds to wait for a command's result where the partner states no timeout."
    )
    pull_every_h: int = _variable("EMSP_PULL_EVERY_H", 6, "Hours between two scheduled pulls of a partner's data.")
    full_pull_every_h: int = _variable(
        "EMSP_FULL_PULL_EVERY_H", 24, "Hours between two pulls of all that a partner has, which show what is gone."
    )
    credit_wait_s: int = _variable(
        "EMSP_CREDIT_WAIT_S", 20, "Seconds that a credited charge waits for another record before money is given back."
    )
    ask_silent_s: int = _variable(
        "EMSP_ASK_SILENT_S", 900, "Seconds without word of a running charge after which its operator is asked."
    )
    ask_record_s: int = _variable(
        "EMSP_ASK_RECORD_S",
        600,
        "Seconds after its end that a charge's record is first asked for; again after 6, 36 and 144 times as many.",
    )
    job_stalled_s: int = _variable(
        "EMSP_JOB_STALLED_S", 10, "Seconds without a worker's heartbeat after which its jobs are run again."
    )
    exchange_rates_url: str | None = _variable(
        "EMSP_EXCHANGE_RATES_URL",
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        "Where exchange rates are fetched on working days, in the ECB's format; empty means not at all.",
    )
    nats_url: str | None = _variable(
        "EMSP_NATS_URL",
        None,
        "A NATS server that wakes the processes of many machines, nats://host:4222; unset means PostgreSQL does.",
    )
    nats_subject: str = _variable(
        "EMSP_NATS_SUBJECT", "emsp", "Subject of this installation's wake-ups at the NATS server."
    )
    log_format: str = _variable("EMSP_LOG_FORMAT", "json", "json for programs, console for people.")
    log_level: str = _variable("EMSP_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")


def _parse(text: str, default: Any, annotation: str) -> Any:
    if annotation.startswith("bool"):
        return text.strip().lower() in {"1", "true", "yes", "on"}
    if annotation.startswith("int"):
        return int(text)
    if annotation.startswith("Path"):
        return Path(text) if text or "None" not in annotation else None
    return text or None if "None" in annotation else text


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment."""
    chosen: dict[str, Any] = {}
    for variable in fields(Settings):
        name = variable.metadata["name"]
        if name in os.environ:
            try:
                chosen[variable.name] = _parse(os.environ[name], variable.default, str(variable.type))
            except ValueError as error:
                raise SystemExit(f"{name}={os.environ[name]!r} cannot be read: {error}") from error
    return _checked(Settings(**chosen))


def _checked(given: Settings) -> Settings:
    """A setting that makes no sense ends the process at its start, by name."""
    if not re.fullmatch(r"https?://[^/\s]+(/[^\s]*)?", given.public_url):
        raise SystemExit(f"EMSP_PUBLIC_URL={given.public_url!r} is not an http or https address")
    if given.database_connections < 1:
        raise SystemExit(f"EMSP_DATABASE_CONNECTIONS={given.database_connections} is not a number from 1 on")
    if given.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SystemExit(f"EMSP_LOG_LEVEL={given.log_level!r} is not one of DEBUG, INFO, WARNING, ERROR")
    if given.log_format not in ("json", "console"):
        raise SystemExit(f"EMSP_LOG_FORMAT={given.log_format!r} is neither json nor console")
    if given.nats_url and not re.fullmatch(r"(nats|tls)://[^/\s]+", given.nats_url):
        raise SystemExit("EMSP_NATS_URL is not the address of a NATS server, nats://host:4222 or tls://host:4222")
    if not re.fullmatch(r"[^\s.*>]+(\.[^\s.*>]+)*", given.nats_subject):
        raise SystemExit(f"EMSP_NATS_SUBJECT={given.nats_subject!r} is not a subject: words with dots between them")
    return replace(given, public_url=given.public_url.rstrip("/"))


def table() -> list[tuple[str, str, str]]:
    """(name, default, sentence) of every variable, in order."""
    return [
        (
            variable.metadata["name"],
            "" if variable.default is None else str(variable.default),
            variable.metadata["sentence"],
        )
        for variable in fields(Settings)
    ]
