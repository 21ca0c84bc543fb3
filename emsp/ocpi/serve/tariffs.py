"""Tariffs that partners withdraw (chapter Tariffs, receiver interface); the rest is `whole`."""

from __future__ import annotations

from emsp.db.engine import transaction
from emsp.ocpi.door import Call, Given
from emsp.ocpi.keep.objects import Target
from emsp.pricing import catalog


async def delete(call: Call) -> Given:
    """DELETE tariffs/{country_code}/{party_id}/{tariff_id}"""
    target = Target(call)
    async with transaction() as db:
        document = await target.kept(db, for_update=True)
        if document is None:
            raise target.unknown()
        await catalog.withdraw_tariff(db, target.country_code.upper(), target.party_id.upper(), target.object_id)
        await db.delete(document)
    return Given()
