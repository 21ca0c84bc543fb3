"""OCPI on the wire: JSON whose numbers are decimals, timestamps, ids, and the envelope around every answer."""

import base64
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_FRACTION = re.compile(r"\.\d+")


class OcpiError(Exception):
    """A request that is answered with an OCPI status code (and, seldom, an HTTP error)."""

    def __init__(self, status_code: int, message: str, http_status: int = 200) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.http_status = http_status


def encode(value: Any) -> bytes:
    """JSON bytes; Decimals become numbers with all their digits."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """Parsed JSON with every fraction as a Decimal. Raises msgspec.DecodeError."""
    return _DECODER.decode(body)


def now() -> datetime:
    """The present, in UTC, in whole milliseconds as OCPI can say it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def timestamp(moment: datetime) -> str:
    """An OCPI DateTime of at most 25 characters: UTC with Z, three decimals where there are any."""
    text = moment.astimezone(UTC).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds" if text.microsecond else "seconds") + "Z"


def parse_timestamp(text: str, field: str) -> datetime:
    """Reads an OCPI DateTime; without a zone it is UTC. Raises OcpiError 2001 naming the field."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(lambda found: found.group()[:7].ljust(7, "0"), text.strip()))
    except ValueError as error:
        raise OcpiError(2001, f"{field}: {text!r} is not a DateTime") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def envelope(data: Any = None, status_code: int = 1000, message: str = "Success") -> dict[str, Any]:
    """The OCPI response object; `data` is left out when there is none."""
    body = {"status_code": status_code, "status_message": message, "timestamp": timestamp(now())}
    return body if data is None else {"data": data, **body}


def token_header(token: str, version: str = "2.2.1") -> str:
    """The Authorization header for a plain credentials token: base64 since OCPI 2.2, as it is before."""
    return "Token " + (token if version == "2.1.1" else base64.b64encode(token.encode()).decode())


def presented_tokens(header: str | None) -> list[str]:
    """The plain tokens an Authorization header can mean: as it stands first, then base64-decoded."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "token" or not value.strip():
        return []
    candidates = [value.strip()]
    try:
        candidates.append(base64.b64decode(candidates[0], validate=True).decode().rstrip("\n"))
    except ValueError:
        return candidates
    return candidates
