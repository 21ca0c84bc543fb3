"""Pages in slices of what one transaction takes, read before their turn comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from emsp.ocpi.connections import Peer
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.apply import WAYS
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.meaning import AT_A_STRETCH
from emsp.ocpi.keep.prepared import NOTHING, Prepared, prepare
from emsp.ocpi.pull.pages import Page, Position
from emsp.ocpi.pull.schedule import HUB_MODULE

SLICE = 500
"""How many objects one transaction takes, however long the partner's pages are."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Objects of a page, with what was worked out of them ahead; `after` comes with a page's last one."""

    bodies: Sequence[bytes]
    items: list[Item]
    prepared: Prepared
    after: Position | None


async def slices(peer: Peer, module: str, pages: AsyncGenerator[Page, None]) -> AsyncGenerator[Slice, None]:
    """Every page in slices, at least one each."""
    async with aclosing(pages):
        async for page in pages:
            for start in range(0, max(len(page.items), 1), SLICE):
                bodies, is_last = page.items[start : start + SLICE], start + SLICE >= len(page.items)
                yield await _read(peer, module, bodies, page.after if is_last else None)


async def _read(peer: Peer, module: str, bodies: Sequence[bytes], after: Position | None) -> Slice:
    if module == HUB_MODULE:
        return Slice(bodies=bodies, items=[], prepared=NOTHING, after=after)
    owner = None if peer.hub else peer.party
    items = []
    for position, body in enumerate(bodies, start=1):
        items.append(inbox.item_of(body, peer.version, owner))
        if position % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    prepared = await prepare(peer.id, module, items) if module in WAYS else NOTHING
    return Slice(bodies=bodies, items=items, prepared=prepared, after=after)
