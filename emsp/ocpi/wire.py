"""OCPI on the wire (chapters Transport and format, Types): JSON, the envelope, times, tokens and keys."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from emsp.clock import now, utc_text
from emsp.errors import Invalid

BASE64, RAW = "BASE64", "RAW"
MAX_DEPTH = 32
MOST_DIGITS_BEFORE_POINT, MOST_DIGITS_AFTER_POINT = 15, 100
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ](\d{1,2}):(\d{2})(?::(\d{2})([.,]\d+)?)?)?\s*(.*)")
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\dZ", re.ASCII)
_NUL = b"\\u0000"


def encode(value: Any) -> bytes:
    """JSON in which Decimals are numbers with all their digits."""
    return _ENCODER.encode(value)


def decode(body: bytes | str) -> Any:
    """Parsed JSON with every fraction as a Decimal. Raises Invalid."""
    try:
        parsed = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise Invalid(f"the body is nested more than {MAX_DEPTH} deep") from error
    _refuse_depth(parsed, MAX_DEPTH)
    return parsed


def decode_known(body: str) -> Any:
    """As `decode`, of what was decoded before it was kept."""
    return _DECODER.decode(body)


def refuse_nul(body: bytes) -> None:
    """Raises Invalid for text with NUL characters, which no database keeps."""
    if _NUL in body:
        raise Invalid("texts with NUL characters are not accepted")


def _refuse_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise Invalid(f"the body is nested more than {MAX_DEPTH} deep")
    for child in value.values() if isinstance(value, dict) else value:
        _refuse_depth(child, left - 1)


def envelope(data: Any = None, status: int = 1000, message: str = "Success") -> bytes:
    """The response object around `data` (which may be `msgspec.Raw`); left out when None."""
    body = {"status_code": int(status), "status_message": message, "timestamp": utc_text(now())}
    return encode(body if data is None else {"data": data, **body})


def moment(text: str) -> datetime:
    """An OCPI DateTime, read as leniently as the field needs: no zone means UTC, parts may lack their zeros.

    Raises ValueError.
    """
    if _USUAL.fullmatch(text):
        return datetime.fromisoformat(text)
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a DateTime")
    *parts, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    microsecond = int((fraction or ".0")[1:7].ljust(6, "0"))
    naive = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - the zone follows
    if zone in ("", "Z", "z"):
        return naive.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(naive.isoformat() + zone).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error


def utc(value: datetime) -> datetime:
    """The same moment, aware: a DateTime without a zone is UTC. Raises Invalid for one that UTC does not have."""
    if value.tzinfo is UTC:
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"{value.isoformat()} is out of range") from error


def is_amount(number: Decimal) -> bool:
    """Whether a number is finite and no longer than amounts are: sums with `1E+999999999` never end."""
    digits = str(number)
    if digits.isdecimal() and len(digits) <= MOST_DIGITS_BEFORE_POINT:
        return True  # as most are
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return False
    return number.adjusted() < MOST_DIGITS_BEFORE_POINT and exponent >= -MOST_DIGITS_AFTER_POINT


def fold(text: str) -> str:
    """The form in which ids are compared: CiStrings differ in case only by accident."""
    return text.strip().upper()


def key_of(*parts: str) -> str:
    """The key of an object: country code, party id and id, folded."""
    return "/".join(fold(part) for part in parts)


def content_hash(body: bytes) -> str:
    """What tells whether an object was received before, byte for byte."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def token_header(token: str, encoding: str) -> str:
    """The Authorization header for a plain token."""
    return "Token " + (token if encoding == RAW else base64.b64encode(token.encode()).decode())


def presented_tokens(header: str | None) -> dict[str, str]:
    """The plain tokens that an Authorization header can mean, each with its encoding: as it stands goes first."""
    scheme, _, value = (header or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "token" or not value:
        return {}
    candidates = {value: RAW}
    try:
        plain = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return candidates
    return {**candidates, plain.removesuffix("\n"): BASE64}
