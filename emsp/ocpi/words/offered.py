"""The tariffs that a charge is to be priced by, and the files that they and CDRs come in, whatever version they are of.

Of a tariff nothing is asked that a price does not need: no id, no owner, and no currency where the CDR has one. The
words of older versions are understood in newer documents too, since vendors mix them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.pricing.engine.tariff import Tariff

T = TypeVar("T")
OLDEST = "2.1.1"
VERSIONS = (OLDEST, "2.2.1", bridge.NEWEST)
NO_TARIFFS, NO_CURRENCY = b"[]", "XXX"
"""ISO 4217: no currency is involved."""
OF_A_TARIFF = (
    "id",
    "currency",
    "elements",
    "type",
    "tax_included",
    "min_price",
    "max_price",
    "start_date_time",
    "end_date_time",
)
"""What is read of a tariff; the rest may be anything."""


class Looks(msgspec.Struct):
    """What tells the versions apart: words that only one of them has."""

    auth_id: Any = None
    stop_date_time: Any = None
    tax_included: Any = None
    total_cost: Any = None


class Holder(msgspec.Struct):
    """A CDR with an id and tariffs of its own, as they stand in it."""

    id: Any = None
    tariffs: msgspec.Raw = msgspec.Raw(b"null")


class Tariffs(NamedTuple):
    """Tariffs as they were sent, and the country of the first one's owner, which may tell the time zone."""

    tariffs: tuple[Tariff, ...]
    country: Any = None


def documents(body: bytes) -> list[bytes]:
    """The objects of a file: one, a list of them, or a response with either. Raises Invalid."""
    try:
        if body.lstrip().startswith(b"{"):
            body = bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("data", body))
        if body.lstrip().startswith(b"["):
            return [bytes(each) for each in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"is not JSON: {error}") from error
    return [] if body.strip() in (b"", b"null") else [body]


def version_of(said: Any, *bodies: bytes) -> str:
    """The version that is said, else the one whose words the objects use. Raises Invalid for an unknown one."""
    if said in (None, ""):
        return _guessed(_peek(body, Looks) for body in bodies)
    base = str(said).partition("-")[0]
    found = next((version for version in VERSIONS if base in (version, version[:3])), None)
    if found is None:
        raise Invalid(f"{said!r} is not one of {', '.join(VERSIONS)}", "version")
    return found


def read_tariffs(field: str, body: bytes, version: str) -> Tariffs:
    """The tariffs that a file, or the member `field` of something, holds. Raises Invalid naming the field."""
    wire.refuse_nul(body)
    objects = [wire.decode(each) for each in documents(body)]
    if not objects:
        raise Invalid("required", field)
    names = [field] if len(objects) == 1 else [f"{field}[{index}]" for index in range(len(objects))]
    tariffs = tuple(_tariff(each, version, name) for each, name in zip(objects, names, strict=True))
    return Tariffs(tariffs, objects[0].get("country_code"))


def tariffs_for(cdr: bytes, offered: bytes | None) -> tuple[str, bytes]:
    """The tariffs that are to price a CDR, with the name of the field: those offered, else its own. Raises Invalid."""
    if offered is not None and offered != NO_TARIFFS:
        return "tariff", offered
    held = bytes(_peek(cdr, Holder).tariffs)
    if not documents(held):
        raise Invalid("required: there is none inside the CDR either", "tariff")
    return "cdr.tariffs", held


def id_of(body: bytes) -> str | None:
    """The id of an object, if it has one."""
    found = _peek(body, Holder).id
    return None if found is None else str(found)


def _peek(body: bytes, wanted: type[T]) -> T:
    """A few members of an object; none of them where it is no object."""
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return wanted()


def _guessed(looks: Iterable[Looks]) -> str:
    guess = "2.2.1"
    for look in looks:
        if look.auth_id or look.stop_date_time or isinstance(look.total_cost, int | float | str):
            return OLDEST
        if look.tax_included or "before_taxes" in (look.total_cost or {}):
            guess = bridge.NEWEST
    return guess


def _tariff(parsed: Any, version: str, field: str) -> Tariff:
    if not isinstance(parsed, dict):
        raise Invalid("is not an object", field)
    raised = bridge.lift("tariffs", OLDEST, parsed)
    needed = {name: raised[name] for name in OF_A_TARIFF if raised.get(name) not in (None, "")}
    try:
        message = convert({"id": "", "currency": NO_CURRENCY, **needed}, messages.Tariff)
        return replace(tariff_of(message), external_id=message.id or None)
    except Invalid as fault:
        raise within(field, bridge.in_their_words("tariffs", version, fault)) from fault


def within(field: str, fault: Invalid) -> Invalid:
    """The fault with the path of what the faulty thing is a member of."""
    return Invalid(fault.message, f"{field}.{fault.field}" if fault.field else field)
