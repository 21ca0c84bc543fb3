"""An e-mail ..."""

import smtplib
import ssl
from pathlib import Path

import pytest

from emsp.accounts.mail import send_mail, write_mail
from emsp.accounts.tables import Mail
from emsp.db.engine import transaction
from emsp.papers.keep import keep
from emsp.settings import settings
from tests.accounts.post_office import certificate, post_office, use
from tests.papers.test_papers import PAPER


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


async def test_brings_a_document_as_attachment(database: str) -> None:
    async with transaction() as db:
        document = await keep(db, kind="RECEIPT", subject="1", name="factuur-VOLT-1.pdf", paper=PAPER)
        letter = await write_mail(
            db, recipient="ada@example.com", subject="Je factuur", body="Zie bijlage: één.\n", document_id=document.id
        )
    async with post_office() as office:
        await send_mail(letter.id)

    [received] = office.letters
    text, attached = received.iter_parts()
    assert text.get_content() == "Zie bijlage: één.\r\n"
    assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", "factuur-VOLT-1.pdf")
    assert (attached.get_content_disposition(), attached.get_content()) == ("attachment", document.body)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server on this machine shows, trusted here."""
    trusted, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return context


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_is_sent_over_tls_with_a_login(letter: Mail, tls: ssl.SSLContext, scheme: str) -> None:
    async with post_office(scheme=scheme, login="mailer:p%40ss@", password="p@ss", tls=tls) as office:
        await send_mail(letter.id)

    assert (len(office.received), office.logged_in) == (1, ["mailer"])
    before_login = office.said[: office.said.index("AUTH")]
    assert before_login == (["EHLO", "STARTTLS", "EHLO"] if scheme == "smtp+starttls" else ["EHLO"])


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_is_not_sent_to_a_server_that_nobody_vouches_for(letter: Mail, tmp_path: Path, scheme: str) -> None:
    _, unknown = certificate(tmp_path)
    async with post_office(scheme=scheme, login="mailer:secret@", password="secret", tls=unknown) as office:
        with pytest.raises(ssl.SSLCertVerificationError):
            await send_mail(letter.id)

    assert (office.received, office.logged_in) == ([], [])
    assert (await kept(letter)).sent_at is None


async def test_says_no_password_to_a_server_without_the_tls_that_was_asked_for(letter: Mail) -> None:
    async with post_office() as office:
        use(str(settings().smtp_url).replace("smtp://", "smtp+starttls://mailer:secret@"))
        with pytest.raises(smtplib.SMTPNotSupportedError):
            await send_mail(letter.id)

    assert "AUTH" not in office.said


async def test_is_tried_again_when_the_login_is_refused(letter: Mail, tls: ssl.SSLContext) -> None:
    async with post_office(scheme="smtps", login="mailer:wrong@", password="right", tls=tls) as office:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await send_mail(letter.id)

    assert (office.received, (await kept(letter)).sent_at) == ([], None)
