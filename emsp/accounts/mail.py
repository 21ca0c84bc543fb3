"""E-mails to people: written to the outbox with what causes them, sent by a job.

A mail may be sent twice when a worker dies between sending and noting it; both copies carry the same Message-ID,
by which mail programs show one.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import UUID

from sqlmodel import col, select

from emsp import logs
from emsp.accounts.tables import Mail
from emsp.clock import now
from emsp.db.engine import Db, transaction
from emsp.events import Event, emit
from emsp.papers.keep import document_by_id
from emsp.papers.tables import Document
from emsp.settings import settings

TIMEOUT_S = 20
log = logs.log(__name__)

SIGN_IN = {
    "en": (
        "{code} is your {brand} sign-in code",
        "Your sign-in code for {brand} is:\n\n    {code}\n\nIt works once, within {minutes} minutes. "
        "If you did not ask for it, you can ignore this e-mail; nobody can sign in without the code.\n",
    ),
    "nl": (
        "{code} is je inlogcode voor {brand}",
        "Je inlogcode voor {brand} is:\n\n    {code}\n\nDe code werkt één keer, binnen {minutes} minuten. "
        "Heb je er niet om gevraagd? Dan hoef je niets te doen; zonder de code kan niemand inloggen.\n",
    ),
    "de": (
        "{code} ist Ihr Anmeldecode für {brand}",
        "Ihr Anmeldecode für {brand} lautet:\n\n    {code}\n\nEr gilt einmal, innerhalb von {minutes} Minuten. "
        "Falls Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren; "
        "ohne den Code kann sich niemand anmelden.\n",
    ),
    "fr": (
        "{code} est votre code de connexion {brand}",
        "Votre code de connexion {brand} est :\n\n    {code}\n\nIl est valable une fois, pendant {minutes} minutes. "
        "Si vous ne l’avez pas demandé, ignorez cet e-mail ; personne ne peut se connecter sans le code.\n",
    ),
}


@dataclass(frozen=True, kw_only=True)
class MailWritten(Event):
    """An e-mail is in the outbox."""

    mail_id: UUID

    @property
    def lock(self) -> str:
        return f"mail {self.mail_id}"


def sign_in_mail(brand_name: str, code: str, minutes: int, language: str) -> tuple[str, str]:
    """Subject and plain-text body of the e-mail with a code; English where there is no text in `language`."""
    subject, body = SIGN_IN.get(language.partition("-")[0].lower(), SIGN_IN["en"])
    facts = {"brand": brand_name, "code": code, "minutes": minutes}
    return subject.format(**facts), body.format(**facts)


async def write_mail(
    db: Db,
    *,
    recipient: str,
    subject: str,
    body: str,
    sender_name: str | None = None,
    document_id: UUID | None = None,
) -> Mail:
    """Put an e-mail in the outbox; it is sent once this transaction has committed, with the document attached."""
    mail = Mail(recipient=recipient, sender_name=sender_name, subject=subject, body=body, document_id=document_id)
    db.add(mail)
    await db.flush()
    await emit(db, MailWritten(mail_id=mail.id))
    return mail


async def outbox(db: Db, *, recipient: str | None = None, limit: int = 20) -> list[Mail]:
    """What was written, sent or not, the newest first."""
    query = select(Mail).order_by(col(Mail.created_at).desc()).limit(limit)
    return list(await db.scalars(query.where(Mail.recipient == recipient) if recipient else query))


async def send_mail(mail_id: UUID) -> None:
    """Job: send a mail of the outbox, or mark it as kept when no server is set or the address is refused for good."""
    async with transaction() as db:
        mail = await db.get(Mail, mail_id)
        document = await document_by_id(db, mail.document_id) if mail and mail.document_id else None
    if mail is None or mail.sent_at or mail.kept_at:
        return
    sent = await _send(mail, document)
    async with transaction() as db:
        mail = await db.get_one(Mail, mail_id)
        mail.sent_at, mail.kept_at = (now(), None) if sent else (None, now())


async def _send(mail: Mail, document: Document | None) -> bool:
    if not settings().smtp_url:
        log.info("mail kept in the outbox: EMSP_SMTP_URL is not set", mail_id=str(mail.id))
        return False
    server = urlsplit(str(settings().smtp_url))
    try:
        await asyncio.to_thread(_deliver, server, compose(mail, document))
    except smtplib.SMTPRecipientsRefused as refused:
        if any(code < 500 for code, _ in refused.recipients.values()):
            raise
        log.warning("mail kept in the outbox: the address was refused", mail_id=str(mail.id), answer=str(refused))
        return False
    return True


def compose(mail: Mail, document: Document | None = None) -> EmailMessage:
    """The mail as a message of RFC 5322, with what is attached to it."""
    message = EmailMessage()
    sender = settings().mail_from
    message["From"] = formataddr((mail.sender_name or "", sender))
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    if document:
        kind, _, ending = document.media_type.partition("/")
        message.add_attachment(document.body, maintype=kind, subtype=ending, filename=document.name)
    return message


def _deliver(server: SplitResult, message: EmailMessage) -> None:
    with _connect(server) as smtp:
        if server.scheme == "smtp+starttls" or (server.scheme == "smtp" and server.port == 587):
            smtp.starttls(context=ssl.create_default_context())
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)


def _connect(server: SplitResult) -> smtplib.SMTP:
    host = server.hostname or "localhost"
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, server.port or 465, timeout=TIMEOUT_S, context=ssl.create_default_context())
    default_port = 587 if server.scheme == "smtp+starttls" else 25
    return smtplib.SMTP(host, server.port or default_port, timeout=TIMEOUT_S)
