"""A mail server for tests that speaks enough SMTP to take a message, with TLS and a login where it is told so."""

import asyncio
import base64
import ipaddress
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emsp import clock
from emsp.settings import settings


@dataclass
class PostOffice:
    """RFC 5321; `answer` is what it says to a recipient, `tls` what STARTTLS (RFC 3207) goes on with."""

    answer: str = "250 ok"
    tls: ssl.SSLContext | None = None
    password: str | None = None
    received: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    logged_in: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post office\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            self.said.append(line.split()[0].decode().upper())
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.received.append((await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n"))
            writer.write(self._reply(verb, line))
            if verb == b"STAR" and self.tls:
                await writer.drain()
                await writer.start_tls(self.tls)
        writer.close()

    def _reply(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"EHLO":
            offers = ["post office", *(["STARTTLS"] if self.tls else []), *(["AUTH PLAIN"] if self.password else [])]
            return ("".join(f"250-{offer}\r\n" for offer in offers) + "250 8BITMIME\r\n").encode()
        if verb == b"AUTH":
            return self._login(base64.b64decode(line.split()[2]).decode())
        if verb == b"MAIL" and self.password and not self.logged_in:
            return b"530 log in first\r\n"
        return {b"RCPT": f"{self.answer}\r\n".encode(), b"QUIT": b"221 bye\r\n", b"STAR": b"220 go on\r\n"}.get(
            verb, b"250 ok\r\n"
        )

    def _login(self, said: str) -> bytes:
        _, user, password = said.split("\x00")
        if password != self.password:
            return b"535 no\r\n"
        self.logged_in.append(user)
        return b"235 welcome\r\n"

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.received]


@asynccontextmanager
async def post_office(
    answer: str = "250 ok",
    *,
    scheme: str = "smtp",
    login: str = "",
    password: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[PostOffice]:
    """A mail server that EMSP_SMTP_URL points at, as `scheme` with the `login` (user:password@)."""
    office = PostOffice(answer, tls if scheme == "smtp+starttls" else None, password)
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0, ssl=tls if scheme == "smtps" else None)
    host = "localhost" if tls else "127.0.0.1"
    use(f"{scheme}://{login}{host}:{server.sockets[0].getsockname()[1]}")
    try:
        yield office
    finally:
        use("")
        server.close()


def use(smtp_url: str) -> None:
    """Point EMSP_SMTP_URL there."""
    os.environ["EMSP_SMTP_URL"] = smtp_url
    settings.cache_clear()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that signs itself, as a file to be trusted, and what a server shows it with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "private.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return trusted, context
