"""What documents mean, whatever version they are written in: pure work on their bytes, without the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from emsp import logs
from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.words import bridge, messages, quirks
from emsp.ocpi.words.reading import convert, read
from emsp.ocpi.words.translate_charge import record_of, report_of
from emsp.ocpi.words.translate_location import station_of
from emsp.ocpi.words.translate_tariff import tariff_facts

log = logs.log(__name__)
Meanings = dict[Item, Any]
"""The facts that each item states, or an Invalid that says why it states nothing."""
AT_A_STRETCH = 10
"""How many documents are read before others get a turn."""
WORDS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "locations": (messages.Location, station_of),
    "tariffs": (messages.Tariff, tariff_facts),
    "sessions": (messages.Session, report_of),
    "cdrs": (messages.Cdr, record_of),
}
"""The message that an object of a module is, and how it is put into our words."""


async def understand(module: str, items: Iterable[Item]) -> Meanings:
    """What items mean; others get a turn in between."""
    meanings: Meanings = {}
    for position, item in enumerate(items, start=1):
        try:
            meanings[item] = meaning(module, item)
        except Invalid as fault:
            meanings[item] = fault
        if position % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    return meanings


def meaning(module: str, item: Item) -> Any:
    """What an item means. Raises Invalid naming the field, as the item's own version names it."""
    if item.fault:
        raise Invalid(item.fault)
    message, translate = WORDS[module]
    try:
        found, remarks = quirks.corrected(_message(module, message, item))
        facts = translate(found)
    except Invalid as fault:
        raise bridge.in_their_words(module, item.version, fault) from fault
    for remark in remarks:
        log.warning("an object was read with a correction", module=module, key=item.key, correction=remark)
    return facts


def _message(module: str, message: type, item: Item) -> Any:
    if bridge.needs_lift(module, item.version):
        wire.refuse_nul(item.body)
        return convert(bridge.lift(module, item.version, wire.decode(item.body), item.owner), message)
    found: Any = read(item.body, message)
    return found if item.owner is None or found.country_code else _owned(found, item.owner)


def _owned(found: Any, owner: PartyId) -> Any:
    return msgspec.structs.replace(found, country_code=owner.country_code, party_id=owner.party_id)
