"""An e-mail ..."""

import asyncio
import os
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from emsp.accounts.mail import send_mail, write_mail
from emsp.accounts.tables import Mail
from emsp.db.engine import transaction
from emsp.settings import settings


@dataclass
class PostOffice:
    """A mail server that speaks enough SMTP (RFC 5321) to take a message; `answer` is what it says to a recipient."""

    answer: str = "250 ok"
    received: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post office\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.received.append((await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n"))
            writer.write({b"RCPT": f"{self.answer}\r\n".encode(), b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
        writer.close()

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.received]


@asynccontextmanager
async def post_office(answer: str = "250 ok") -> AsyncIterator[PostOffice]:
    """A mail server that EMSP_SMTP_URL points at."""
    office = PostOffice(answer)
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0)
    use(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield office
    finally:
        use("")
        server.close()


def use(smtp_url: str) -> None:
    os.environ["EMSP_SMTP_URL"] = smtp_url
    settings.cache_clear()


@pytest.fixture
async def letter(database: str) -> Mail:
    """One in the outbox."""
    async with transaction() as db:
        return await write_mail(
            db, recipient="ada@example.com", sender_name="Völt", subject="Grüße", body="Ça va?\n.\nBye\n"
        )


async def kept(letter: Mail) -> Mail:
    async with transaction() as db:
        return await db.get_one(Mail, letter.id)


async def test_is_sent_once_and_marked(letter: Mail) -> None:
    async with post_office() as office:
        await send_mail(letter.id)
        await send_mail(letter.id)

    (received,) = office.letters
    assert (received["From"], received["To"]) == ("Völt <no-reply@example.com>", "ada@example.com")
    assert (received["Subject"], received["Message-ID"]) == ("Grüße", f"<{letter.id}@example.com>")
    assert received["From"].addresses[0].addr_spec == "no-reply@example.com"
    assert "Bye" in received.get_content()
    mail = await kept(letter)
    assert (mail.sent_at is not None, mail.kept_at) == (True, None)


async def test_stays_in_the_outbox_marked_when_no_server_is_set(letter: Mail) -> None:
    await send_mail(letter.id)

    mail = await kept(letter)
    assert (mail.sent_at, mail.kept_at is not None) == (None, True)


async def test_stays_in_the_outbox_when_the_address_is_refused_for_good(letter: Mail) -> None:
    async with post_office("550 no such mailbox") as office:
        await send_mail(letter.id)

    mail = await kept(letter)
    assert (office.received, mail.sent_at, mail.kept_at is not None) == ([], None, True)


async def test_is_tried_again_when_the_address_is_refused_for_now(letter: Mail) -> None:
    async with post_office("450 later please"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await send_mail(letter.id)

    mail = await kept(letter)
    assert (mail.sent_at, mail.kept_at) == (None, None)


async def test_is_tried_again_when_the_server_is_away(letter: Mail) -> None:
    async with post_office():
        away = str(settings().smtp_url)
    use(away)
    with pytest.raises(OSError, match="refused"):
        await send_mail(letter.id)
    use("")

    mail = await kept(letter)
    assert (mail.sent_at, mail.kept_at) == (None, None)
